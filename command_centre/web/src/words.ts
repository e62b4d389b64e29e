// SPDX-License-Identifier: Apache-2.0
/** Numbers and codes as people read them. */

export const COMMAND_NAMES: Record<string, string> = {
  start: "Start",
  pause: "Pause",
  resume: "Resume",
  abort: "Abort",
  dock: "Dock",
  estop: "Emergency stop",
  estop_arm_reset: "Arm reset",
  estop_reset: "Reset",
  zones: "Zones",
};

/** A robot's mode, as `RobotState` names it. */
export const MODE_WORDS: Record<string, string> = {
  idle: "Idle",
  patrolling: "Patrolling",
  paused: "Paused",
  held: "Held",
  docking: "Returning to dock",
  docked: "Docked",
  teleop: "Driven by hand",
  estopped: "Emergency stop",
};

/** "4.2 s", "3 min 20 s", "2 h 5 min". */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const tenths = Math.round(10 * Math.max(0, seconds));
  if (tenths < 100) return `${(tenths / 10).toFixed(1)} s`;
  const whole = Math.round(tenths / 10);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Time of day of a wall time in nanoseconds. */
export function timeOfDay(ns: number): string {
  return new Date(ns / 1e6).toLocaleTimeString("en-GB");
}

/** Date and time of day of a wall time in nanoseconds, as ISO 8601 orders them, in this machine's zone. */
export function dateAndTime(ns: number): string {
  return new Date(ns / 1e6).toLocaleString("sv-SE");
}

/** The sentence of whatever was thrown. */
export const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The detail of an entry of the audit log, which is JSON, as "name: value, name: value"; what is empty is left out. One that was
 * tampered with may be anything, and is shown as it is.
 */
export function detailWords(json: string): string {
  let detail: unknown;
  try {
    detail = JSON.parse(json);
  } catch {
    return json;
  }
  if (typeof detail !== "object" || detail === null) return json;
  return Object.entries(detail)
    .filter(([, value]) => value !== "" && value !== null)
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}

/** Compass heading in whole degrees of a yaw (counter-clockwise from east): clockwise from north, 0..359, as in site files. */
export function compassDegrees(yawRad: number): number {
  return ((Math.round(90 - (yawRad * 180) / Math.PI) % 360) + 360) % 360;
}

/** Splits a threshold's name into words and its unit: "dwell_s" → ["dwell", "s"]. */
export function nameAndUnit(name: string): [string, string] {
  const units: Record<string, string> = { s: "s", m: "m", mps: "m/s", px: "px", m2: "m²", rad: "rad", c: "°C", k: "K" };
  const parts = name.split("_");
  const unit = units[parts[parts.length - 1] ?? ""];
  return unit && parts.length > 1 ? [parts.slice(0, -1).join(" "), unit] : [parts.join(" "), ""];
}

/** A figure with as many digits as say something. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}
