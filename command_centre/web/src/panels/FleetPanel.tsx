// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { permit } from "../controls";
import { giveCommand } from "../service";
import { type Robot, type State, isLost } from "../state";
import { store } from "../store";
import { MODE_WORDS, figure } from "../words";

/** All robots at a glance: what each does and why, which one is commanded, and an emergency stop for each and for all. */
export function FleetPanel({ state, robot, now }: { state: State; robot: Robot | null; now: number }) {
  const [problem, setProblem] = useState("");
  const mayCommand = state.who?.role === "operator";

  const stop = async (robots: readonly Robot[]): Promise<void> => {
    const told = await Promise.all(
      robots.map(async (each) => {
        const { enabled, because } = permit("estop", each, mayCommand, state.connected);
        if (!enabled) return `${each.name}: ${because}`;
        return giveCommand(each.robot_id, "estop").then(
          () => "",
          (error: unknown) => `${each.name}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }),
    );
    setProblem(told.filter(Boolean).join(" "));
  };

  return (
    <section class="panel fleet" aria-label="Robots">
      <ul>
        {state.robots.map((each) => {
          const mode = each.telemetry?.mode ?? "unknown";
          const lost = isLost(each, now);
          const chosen = each.robot_id === robot?.robot_id;
          return (
            <li key={each.robot_id} class={`${chosen ? "chosen" : ""} ${lost ? "lost" : ""}`} data-testid={`fleet-${each.robot_id}`}>
              <button
                type="button"
                class="quiet choose"
                aria-pressed={chosen}
                data-testid={`choose-${each.robot_id}`}
                onClick={() => store.update((before) => ({ ...before, selected: each.robot_id }))}
              >
                {each.name}
              </button>
              <span class={`mode mode-${mode}`} data-testid={`fleet-mode-${each.robot_id}`} data-mode={mode}>
                {lost ? "Lost" : (MODE_WORDS[mode] ?? "State unknown")}
              </span>
              <span class="speed">{each.telemetry && !lost ? `${figure(each.telemetry.speed_mps)} m/s` : "–"}</span>
              <button
                type="button"
                class="estop small"
                title={`Emergency stop of ${each.name}`}
                data-testid={`estop-${each.robot_id}`}
                onClick={() => void stop([each])}
              >
                Stop
              </button>
              <p class="why">{lost ? "Nothing is heard of it." : each.telemetry?.why}</p>
            </li>
          );
        })}
      </ul>
      <button type="button" class="estop all" data-testid="estop-all" onClick={() => void stop(state.robots)}>
        E‑STOP ALL
      </button>
      {problem && (
        <p class="status refused" role="status" data-testid="fleet-status">
          {problem}
        </p>
      )}
    </section>
  );
}
