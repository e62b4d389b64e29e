// SPDX-License-Identifier: Apache-2.0
/** Draws and clears run-time zones, and says what the robot answered. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { CommandView, ZonesView } from "../generated/wire";
import type { SiteMap } from "../map/site-map";
import { orderZones, zonesOf } from "../service";
import { type Draft, type Drawn, KIND_NAMES, NOTHING, type NewZone, type ZoneKind, asks, drawn, isEmpty, left, ordered, verdict, without, zoneOf } from "../zones";
import { said } from "../words";

interface Props {
  robotId: string;
  mayOrder: boolean;
  /** The robot's newest order of zones by anybody; its state tells when to look again. */
  newest: CommandView | undefined;
  map: SiteMap | null;
  open: boolean;
}

const FIRST: NewZone = { kind: "keep out", name: "", limitMps: 0.5, headingDeg: 0, whenInside: "leave" };

export function ZonesPanel({ robotId, mayOrder, newest, map, open }: Props) {
  const [view, setView] = useState<ZonesView | null>(null);
  const [draft, setDraft] = useState<Draft>(NOTHING);
  const [problem, setProblem] = useState("");
  const asked = useRef(0);
  /** What was asked for last counts: an older answer may come later. */
  const look = useCallback(async () => {
    const mine = ++asked.current;
    try {
      const found = await zonesOf(robotId);
      if (mine !== asked.current) return;
      setView(found);
      setProblem("");
    } catch (error) {
      setProblem(said(error));
    }
  }, [robotId]);
  useEffect(() => {
    setView(null);
    setDraft(NOTHING);
  }, [robotId]);
  useEffect(() => void look(), [look, newest?.command_id, newest?.state]);
  useEffect(() => {
    if (view) setDraft((now) => left(view, now));
  }, [view]);
  const zones = drawn(view, draft);
  useEffect(() => map?.zones.show(zones), [map, zones]);

  const order = async (): Promise<void> => {
    try {
      await orderZones(robotId, ordered(view, draft));
      await look();
    } catch (error) {
      setProblem(said(error));
    }
  };
  if (!open) return null;
  return (
    <section class="zones-panel" aria-label="Zones" data-testid="zones-panel">
      <p class={`verdict ${view?.state.replace(" ", "-") ?? ""}`} role="status" data-testid="zones-verdict" data-state={view?.state ?? "none"}>
        {problem || verdict(view)}
      </p>
      <ul class="zone-list">
        {zones.map((each) => (
          <Row key={`${each.state} ${each.zone.zone_id}`} drawn={each} mayOrder={mayOrder} onToggle={(id) => setDraft((now) => without(now, id))} />
        ))}
      </ul>
      {mayOrder ? (
        <>
          <Pen map={map} taken={zones.map(({ zone }) => zone.zone_id)} onDrawn={(zone) => setDraft((now) => ({ ...now, added: [...now.added, zone] }))} />
          <div class="zone-actions">
            <button type="button" class="primary small" data-testid="zones-order" disabled={isEmpty(draft)} onClick={() => void order()}>
              Tell the robot
            </button>
            <button type="button" class="quiet" data-testid="zones-discard" disabled={isEmpty(draft)} onClick={() => setDraft(NOTHING)}>
              Discard
            </button>
          </div>
        </>
      ) : (
        <p class="note">Only an operator changes zones.</p>
      )}
    </section>
  );
}

function Row({ drawn: { zone, state }, mayOrder, onToggle }: { drawn: Drawn; mayOrder: boolean; onToggle: (zoneId: string) => void }) {
  return (
    <li class={`zone-row ${state.replace(" ", "-")}`} data-testid="zone-row" data-zone={zone.zone_id} data-state={state}>
      <i class={`zone-mark ${zone.kind.replace(" ", "-")}`} aria-hidden="true" />
      <span class="zone-words">
        <b>{zone.zone_id}</b> {KIND_NAMES[zone.kind].toLowerCase()}, {asks(zone)}
      </span>
      <span class="zone-state">{STATES[state]}</span>
      {mayOrder && state !== "ordered" && (
        <button type="button" class="quiet" data-testid="zone-remove" onClick={() => onToggle(zone.zone_id)}>
          {state === "removed" ? "Keep" : "Remove"}
        </button>
      )}
    </li>
  );
}

const STATES: Record<Drawn["state"], string> = {
  "in force": "in force",
  ordered: "not agreed yet",
  draft: "not told yet",
  removed: "still in force",
};

/** Chooses what to draw, and draws it on the map. */
function Pen({ map, taken, onDrawn }: { map: SiteMap | null; taken: readonly string[]; onDrawn: (zone: Drawn["zone"]) => void }) {
  const [wish, setWish] = useState<NewZone>(FIRST);
  const [drawing, setDrawing] = useState(false);
  const [problem, setProblem] = useState("");
  useEffect(() => () => map?.zones.stop(), [map]);
  const change = (part: Partial<NewZone>) => setWish((now) => ({ ...now, ...part }));
  const draw = (): void => {
    if (drawing) {
      map?.zones.stop();
      setDrawing(false);
      return;
    }
    setProblem("");
    setDrawing(true);
    map?.zones.draw((corners) => {
      setDrawing(false);
      if (!corners) return;
      const zone = zoneOf(corners, wish, taken);
      if (typeof zone === "string") setProblem(zone);
      else onDrawn(zone);
    });
  };
  return (
    <div class="pen">
      <fieldset disabled={drawing}>
        <label>
          Kind
          <select data-testid="zone-kind" value={wish.kind} onChange={(event) => change({ kind: event.currentTarget.value as ZoneKind })}>
            {Object.entries(KIND_NAMES).map(([kind, name]) => (
              <option key={kind} value={kind}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {wish.kind === "slow" && (
          <label>
            At most, m/s
            <input type="number" min="0.05" max="10" step="0.05" value={wish.limitMps} data-testid="zone-limit" onInput={(event) => change({ limitMps: event.currentTarget.valueAsNumber || FIRST.limitMps })} />
          </label>
        )}
        {wish.kind === "one way" && (
          <label>
            Towards, ° from north
            <input type="number" min="0" max="359" step="1" value={wish.headingDeg} data-testid="zone-heading" onInput={(event) => change({ headingDeg: event.currentTarget.valueAsNumber || 0 })} />
          </label>
        )}
        {wish.kind === "keep out" && (
          <label>
            A robot inside
            <select data-testid="zone-inside" value={wish.whenInside} onChange={(event) => change({ whenInside: event.currentTarget.value as NewZone["whenInside"] })}>
              <option value="leave">leaves</option>
              <option value="hold">holds</option>
            </select>
          </label>
        )}
        <label>
          Name
          <input type="text" maxLength={60} placeholder="by itself" value={wish.name} data-testid="zone-name" onInput={(event) => change({ name: event.currentTarget.value })} />
        </label>
      </fieldset>
      <button type="button" class={drawing ? "small on" : "small"} data-testid="zone-draw" aria-pressed={drawing} onClick={draw}>
        Draw on the map
      </button>
      {drawing && <p class="note">Click the corners; double-click or Enter ends, Escape gives up.</p>}
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
