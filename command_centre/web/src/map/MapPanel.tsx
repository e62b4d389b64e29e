// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import type { AlertView, CommandView } from "../generated/wire";
import { ZonesPanel } from "../panels/ZonesPanel";
import type { Robot } from "../state";
import { compassDegrees } from "../words";
import type { Position } from "./shapes";
import { SiteMap } from "./site-map";

interface Props {
  robot: Robot;
  /** The other robots, of which only the place is shown. */
  others: readonly Robot[];
  now: number;
  alerts: readonly AlertView[];
  lost: boolean;
  focus: AlertView | null;
  /** The newest order of zones for this robot, whoever gave it. */
  zonesOrder: CommandView | undefined;
  mayOrder: boolean;
  onAlert: (alertKey: number) => void;
}

export function MapPanel({ robot, others, now, alerts, lost, focus, zonesOrder, mayOrder, onAlert }: Props) {
  const target = useRef<HTMLDivElement>(null);
  const map = useRef<SiteMap | null>(null);
  const [made, setMade] = useState<SiteMap | null>(null);
  const [follow, setFollow] = useState(false);
  const [zonesOpen, setZonesOpen] = useState(false);

  useEffect(() => {
    if (!target.current) return undefined;
    const made = new SiteMap(target.current, onAlert);
    map.current = made;
    setMade(made);
    return () => made.close();
  }, []);
  useEffect(() => map.current?.show(robot, alerts, lost), [robot, alerts, lost]);
  useEffect(() => map.current?.showOthers(others, now), [others, now]);
  useEffect(() => {
    if (focus) map.current?.centreOn(focus.position_m as Position, { closer: true });
  }, [focus]);
  const pose = robot.telemetry?.pose ?? null;
  useEffect(() => {
    if (follow && pose) map.current?.centreOn([pose.x_m, pose.y_m]);
  }, [follow, pose]);

  return (
    <section class="panel map-panel" aria-label="Site map">
      <div ref={target} class="map" data-testid="map" />
      <header class="map-title">
        <h2>{robot.site?.name ?? "No site"}</h2>
        {robot.site_fault && <p class="fault">The robot's site file can not be used: {robot.site_fault}</p>}
      </header>
      <div class="map-tools" role="toolbar" aria-label="Map view">
        <button type="button" class="tool" title="Closer" aria-label="Closer" onClick={() => map.current?.zoom(1.6)}>
          +
        </button>
        <button type="button" class="tool" title="Farther" aria-label="Farther" onClick={() => map.current?.zoom(1 / 1.6)}>
          −
        </button>
        <button type="button" class="tool wide" title="Show the whole site" onClick={() => (setFollow(false), map.current?.showAll())}>
          Site
        </button>
        <button type="button" class={follow ? "tool wide on" : "tool wide"} aria-pressed={follow} onClick={() => setFollow(!follow)}>
          Follow
        </button>
        <button
          type="button"
          class={zonesOpen ? "tool wide on" : "tool wide"}
          aria-pressed={zonesOpen}
          data-testid="zones-open"
          onClick={() => setZonesOpen(!zonesOpen)}
        >
          Zones
        </button>
      </div>
      <ZonesPanel robotId={robot.robot_id} mayOrder={mayOrder} newest={zonesOrder} map={made} open={zonesOpen} />
      <Pose robot={robot} lost={lost} />
      <Legend />
    </section>
  );
}

function Pose({ robot, lost }: { robot: Robot; lost: boolean }) {
  const pose = robot.telemetry?.pose;
  if (!robot.telemetry || !pose) {
    return (
      <div class="pose" data-testid="robot-pose">
        Position unknown
      </div>
    );
  }
  return (
    <div
      class={lost ? "pose lost" : "pose"}
      data-testid="robot-pose"
      data-x={pose.x_m.toFixed(3)}
      data-y={pose.y_m.toFixed(3)}
      data-yaw={pose.yaw_rad.toFixed(4)}
    >
      <span>
        <b>x</b> {pose.x_m.toFixed(1)} m
      </span>
      <span>
        <b>y</b> {pose.y_m.toFixed(1)} m
      </span>
      <span>
        <b>heading</b> {String(compassDegrees(pose.yaw_rad)).padStart(3, "0")}°
      </span>
      <span>
        <b>±</b> {(2 * robot.telemetry.position_std_m).toFixed(2)} m
      </span>
      {lost && <span class="warn">last known</span>}
      {!lost && robot.telemetry.doubt && <span class="warn">{robot.telemetry.doubt}</span>}
    </div>
  );
}

function Legend() {
  const items: [string, string][] = [
    ["trail", "driven"],
    ["plan", "planned"],
    ["route", "route"],
    ["restricted", "restricted"],
    ["gate", "gate, dock"],
    ["belief", "may be here"],
  ];
  return (
    <ul class="legend" aria-label="Legend">
      {items.map(([kind, text]) => (
        <li key={kind}>
          <i class={`swatch ${kind}`} aria-hidden="true" />
          {text}
        </li>
      ))}
    </ul>
  );
}
