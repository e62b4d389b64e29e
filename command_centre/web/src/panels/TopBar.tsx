// SPDX-License-Identifier: Apache-2.0
import { signedOut } from "../live";
import { signOut } from "../service";
import type { Robot, State } from "../state";
import { store, useNow } from "../store";
import { duration } from "../words";

const FRESH_S = 1.5;

interface Props {
  state: State;
  robot: Robot | null;
  onPassword: () => void;
  onRecord: () => void;
}

export function TopBar({ state, robot, onPassword, onRecord }: Props) {
  const now = useNow(200);
  const clock = new Date(Date.now() + state.clockOffsetMs).toLocaleTimeString("en-GB");
  return (
    <header class="top">
      <div class="brand">
        <img src="/icon.svg" alt="" width="22" height="22" />
        <span>Patrol</span>
      </div>
      {state.robots.length > 1 ? (
        <select
          aria-label="Robot"
          data-testid="robot-select"
          value={robot?.robot_id}
          onChange={(event) => {
            const selected = event.currentTarget.value;
            store.update((now) => ({ ...now, selected }));
          }}
        >
          {state.robots.map((each) => (
            <option key={each.robot_id} value={each.robot_id}>
              {each.name}
            </option>
          ))}
        </select>
      ) : (
        <strong class="robot-name">{robot?.name ?? "No robot"}</strong>
      )}
      {robot && <LinkChip robot={robot} />}
      {robot && <Age robot={robot} now={now} />}
      <span class="spacer" />
      <time class="clock" title="Time of the command centre">
        {clock}
      </time>
      <span class="who" data-testid="who">
        {state.who?.name} <small>{state.who?.role}</small>
      </span>
      {state.who?.role === "operator" && (
        <button type="button" class="quiet" data-testid="record" title="Who did what, and whether the record holds" onClick={onRecord}>
          Record
        </button>
      )}
      <button type="button" class="quiet" data-testid="choose-password" onClick={onPassword}>
        Password
      </button>
      <button type="button" class="quiet" data-testid="sign-out" onClick={() => void leave()}>
        Sign out
      </button>
    </header>
  );
}

const LINK_WORDS = { online: "Online", silent: "Silent", offline: "Offline" };

function LinkChip({ robot }: { robot: Robot }) {
  const { status, because } = robot.link;
  return (
    <span class={`chip ${status}`} data-testid="link" data-status={status} title={because}>
      <i aria-hidden="true" />
      {LINK_WORDS[status]}
    </span>
  );
}

function Age({ robot, now }: { robot: Robot; now: number }) {
  const ageS = robot.telemetryAtMs === null ? null : Math.max(0, now - robot.telemetryAtMs) / 1000;
  const worst = Object.entries(robot.telemetry?.ages_s ?? {}).sort((a, b) => b[1] - a[1]);
  const title = worst.map(([name, age]) => `${name}: ${duration(age)}`).join("\n");
  return (
    <span class={ageS !== null && ageS <= FRESH_S ? "age" : "age old"} data-testid="data-age" title={title}>
      Data {ageS === null ? "not received yet" : `${duration(ageS)} old`}
    </span>
  );
}

async function leave(): Promise<void> {
  await signOut().catch(() => undefined);
  signedOut("Signed out.");
}
