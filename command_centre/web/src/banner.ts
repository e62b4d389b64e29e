// SPDX-License-Identifier: Apache-2.0
/** What stands across the screen while the page does not show the present. */
import type { Robot, State } from "./state";
import { duration } from "./words";

export function bannerText(state: State, robot: Robot | null, now: number): string {
  if (!state.connected) return "Connection to the command centre lost. What you see is old. Trying again …";
  if (!robot) return "";
  const since = robot.telemetryAtMs === null ? "" : ` Last heard ${duration((now - robot.telemetryAtMs) / 1000)} ago.`;
  if (robot.link.status === "offline") return `Link to ${robot.name} lost: ${robot.link.because}${since}`;
  if (robot.link.status === "silent") return `${robot.name} is silent: ${robot.link.because}${since}`;
  return "";
}
