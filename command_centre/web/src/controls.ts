// SPDX-License-Identifier: Apache-2.0
/** Which command makes sense now, and if not, why. The robot has the last word; this only saves a useless press. */
import type { CommandKind, CommandView, Mode } from "./generated/wire";
import type { Robot } from "./state";

export interface Permit {
  enabled: boolean;
  because: string;
}

const FITS: Record<CommandKind, { modes: readonly Mode[]; otherwise: string }> = {
  start: { modes: ["idle", "docked"], otherwise: "A patrol starts from idle or from the dock." },
  pause: { modes: ["patrolling", "held", "docking", "teleop"], otherwise: "Only a running patrol can be paused." },
  resume: { modes: ["paused", "held", "teleop"], otherwise: "Only a paused or held patrol can be resumed." },
  abort: { modes: ["patrolling", "paused", "held", "docking", "teleop"], otherwise: "Nothing runs that could be aborted." },
  dock: { modes: ["idle", "patrolling", "paused", "held", "teleop"], otherwise: "It is at the dock, or on its way there." },
  teleop: {
    modes: ["idle", "patrolling", "paused", "held", "docking", "docked"],
    otherwise: "It is driven by hand already.",
  },
  estop: {
    modes: ["idle", "patrolling", "paused", "held", "docking", "docked", "teleop", "estopped"],
    otherwise: "",
  },
  estop_arm_reset: { modes: ["estopped"], otherwise: "The emergency stop is not set." },
  estop_reset: { modes: ["estopped"], otherwise: "The emergency stop is not set." },
};

/** Whether `kind` may be pressed. `newest` is the robot's newest command: a reset is only offered once its arming was accepted. */
export function permit(
  kind: CommandKind,
  robot: Robot | null,
  mayCommand: boolean,
  connected: boolean,
  newest?: CommandView,
): Permit {
  if (!mayCommand) return { enabled: false, because: "You are signed in as a viewer; only an operator gives commands." };
  if (!connected) return { enabled: false, because: "The command centre can not be reached." };
  if (!robot || robot.link.status === "offline") return { enabled: false, because: "The robot is not connected." };
  if (kind === "estop") return { enabled: true, because: "" };
  const mode = robot.telemetry?.mode;
  if (!mode) return { enabled: false, because: "The robot has not told its state yet." };
  const fits = FITS[kind];
  if (mode === "estopped" && !fits.modes.includes("estopped")) {
    return { enabled: false, because: "Reset the emergency stop first." };
  }
  if (mode === "estopped" && kind === "estop_reset" && !(newest?.kind === "estop_arm_reset" && newest.state === "accepted")) {
    return { enabled: false, because: "Arm the reset first." };
  }
  const enabled = fits.modes.some((each) => each === mode);
  return { enabled, because: enabled ? "" : fits.otherwise };
}
