// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "preact/hooks";
import { permit } from "../controls";
import type { CommandKind, CommandView } from "../generated/wire";
import { giveCommand } from "../service";
import { type Robot, type State, reduce } from "../state";
import { store } from "../store";
import { COMMAND_NAMES, dateAndTime, timeOfDay, said } from "../words";

const FRESH_MS = 60_000;
const ORDINARY: CommandKind[] = ["start", "pause", "resume", "abort", "dock"];

export function Controls({ state, robot }: { state: State; robot: Robot }) {
  const [mission, setMission] = useState("");
  const [problem, setProblem] = useState("");
  const missionId = robot.missions.includes(mission) ? mission : (robot.missions[0] ?? "");
  const mayCommand = state.who?.role === "operator";
  const newest = state.commands.find((command) => command.robot_id === robot.robot_id);
  const permitOf = (kind: CommandKind) => permit(kind, robot, mayCommand, state.connected, newest);

  const give = async (kind: CommandKind): Promise<void> => {
    const { enabled, because } = permitOf(kind);
    setProblem(because);
    if (!enabled) return;
    try {
      const command = await giveCommand(robot.robot_id, kind, kind === "start" ? missionId : "");
      store.update((now) =>
        now.commands.some((each) => each.command_id === command.command_id)
          ? now
          : reduce(now, { type: "command", command }, performance.now(), Date.now()),
      );
    } catch (error) {
      setProblem(said(error));
    }
  };

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "Escape" || !event.shiftKey) return;
      event.preventDefault();
      void give("estop");
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  });

  const button = (kind: CommandKind, look: string, text = COMMAND_NAMES[kind]) => {
    const { enabled, because } = permitOf(kind);
    return (
      <button
        key={kind}
        type="button"
        class={look}
        data-testid={`cmd-${kind.replaceAll("_", "-")}`}
        aria-disabled={!enabled}
        title={because || undefined}
        onClick={() => void give(kind)}
      >
        {text}
      </button>
    );
  };

  const stopped = robot.telemetry?.mode === "estopped";
  return (
    <section class="panel controls" aria-label="Controls">
      <div class="ordinary">
        {robot.missions.length > 1 && (
          <select
            class="mission-select"
            aria-label="Mission to start"
            data-testid="mission-select"
            value={missionId}
            onChange={(event) => setMission(event.currentTarget.value)}
          >
            {robot.missions.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        )}
        <div class="buttons">{ORDINARY.map((kind) => button(kind, `command ${kind}`))}</div>
        <Status problem={problem} command={newest} nowMs={Date.now() + state.clockOffsetMs} />
      </div>
      {stopped ? <ResetSteps button={button} /> : button("estop", "estop", "E‑STOP")}
    </section>
  );
}

/** Two presses of two different buttons, so that nobody resets by accident. The robot forgets the first after a while. */
function ResetSteps({ button }: { button: (kind: CommandKind, look: string, text: string) => preact.JSX.Element }) {
  return (
    <div class="reset" role="group" aria-label="Reset the emergency stop">
      <strong>E‑STOP SET</strong>
      {button("estop_arm_reset", "command", "1 · Arm reset")}
      {button("estop_reset", "command", "2 · Reset")}
    </div>
  );
}

/** `nowMs`: the command centre's wall time. An old answer is not shown as if it were about what happens now. */
function Status({ problem, command, nowMs }: { problem: string; command: CommandView | undefined; nowMs: number }) {
  if (problem) {
    return (
      <p class="status refused" role="status" data-testid="command-status">
        {problem}
      </p>
    );
  }
  if (!command) {
    return (
      <p class="status" role="status" data-testid="command-status">
        No command yet.
      </p>
    );
  }
  const isOld = nowMs - command.issued_ns / 1e6 > FRESH_MS;
  const look = isOld ? "" : command.state === "accepted" ? "accepted" : command.state === "sent" ? "sent" : "refused";
  return (
    <p class={`status ${look}`} role="status" data-testid="command-status" data-state={command.state} data-kind={command.kind}>
      {COMMAND_NAMES[command.kind] ?? command.kind}: {command.state}
      {command.because && ` – ${command.because}`} <small>
        ({command.issued_by}, {isOld ? dateAndTime(command.issued_ns) : timeOfDay(command.issued_ns)})
      </small>
    </p>
  );
}
