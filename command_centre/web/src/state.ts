// SPDX-License-Identifier: Apache-2.0
/** What the page knows, and how each message changes it. Pure: time is handed in as milliseconds of `performance.now()`. */
import type { AlertView, CommandView, RobotView, ToBrowser, WhoView } from "./generated/wire";

const KEPT_ALERTS = 300;
const KEPT_COMMANDS = 40;
const KEPT_OUTCOMES = 200;
const KEPT_TRAIL = 3000;
const TRAIL_STEP_M = 0.25;

export interface Robot extends RobotView {
  /** When the newest telemetry was current; null before the first. */
  telemetryAtMs: number | null;
}

export interface State {
  phase: "starting" | "signed out" | "signed in";
  /** Why the sign-in form is shown, when it is not the first time. */
  notice: string;
  who: WhoView | null;
  connected: boolean;
  /** When the service was last heard. */
  heardAtMs: number | null;
  /** Wall time of the service minus that of this browser. */
  clockOffsetMs: number;
  robots: Robot[];
  selected: string;
  alerts: AlertView[];
  commands: CommandView[];
}

export const INITIAL: State = {
  phase: "starting",
  notice: "",
  who: null,
  connected: false,
  heardAtMs: null,
  clockOffsetMs: 0,
  robots: [],
  selected: "",
  alerts: [],
  commands: [],
};

/** The state after one message of the service. */
export function reduce(state: State, message: ToBrowser, nowMs: number, wallMs: number): State {
  return { ...fold(state, message, nowMs, wallMs), connected: true, heardAtMs: nowMs };
}

/** The robot that the page shows. */
export function selectedRobot(state: State): Robot | null {
  return state.robots.find((robot) => robot.robot_id === state.selected) ?? state.robots[0] ?? null;
}

const LOST_AFTER_MS = 3000;

/** Whether what is known of a robot is not live any more. */
export function isLost(robot: Robot | null, nowMs: number): boolean {
  return !robot || robot.link.status === "offline" || robot.telemetryAtMs === null || nowMs - robot.telemetryAtMs > LOST_AFTER_MS;
}

function fold(state: State, message: ToBrowser, nowMs: number, wallMs: number): State {
  switch (message.type) {
    case "snapshot": {
      const robots = message.robots.map((robot) => withAge(robot, nowMs));
      const online = robots.find((robot) => robot.link.status !== "offline") ?? robots[0];
      const stays = robots.some((robot) => robot.robot_id === state.selected);
      return {
        ...state,
        phase: "signed in",
        notice: "",
        who: message.who,
        clockOffsetMs: message.now_ns / 1e6 - wallMs,
        robots,
        selected: stays ? state.selected : (online?.robot_id ?? ""),
        alerts: message.alerts,
        commands: message.commands,
      };
    }
    case "pulse":
      return { ...state, clockOffsetMs: message.now_ns / 1e6 - wallMs };
    case "robot":
      return { ...state, robots: upsert(state.robots, withAge(message.robot, nowMs), (robot) => robot.robot_id, "end") };
    case "link":
      return onRobot(state, message.robot_id, (robot) => ({ ...robot, link: message.link }));
    case "telemetry":
      return onRobot(state, message.robot_id, (robot) => ({
        ...robot,
        telemetry: message.telemetry,
        telemetryAtMs: nowMs,
        trail_m: extended(robot.trail_m, message.telemetry.pose),
      }));
    case "map":
      return onRobot(state, message.robot_id, (robot) => ({ ...robot, map: message.map }));
    case "route":
      return onRobot(state, message.robot_id, (robot) => ({ ...robot, route: message.route }));
    case "beliefs":
      return onRobot(state, message.robot_id, (robot) => ({ ...robot, beliefs: message.beliefs }));
    case "video":
      return onRobot(state, message.robot_id, (robot) => ({
        ...robot,
        video: upsert(robot.video, message.video, (video) => video.stream, "end"),
      }));
    case "outcome":
      return onRobot(state, message.robot_id, (robot) => ({
        ...robot,
        outcomes: upsert(robot.outcomes, message.outcome, (outcome) => outcome.sequence, "end").slice(-KEPT_OUTCOMES),
      }));
    case "alert":
      return {
        ...state,
        alerts: upsert(state.alerts, message.alert, (alert) => alert.alert_key, "start").slice(0, KEPT_ALERTS),
      };
    case "command":
      return {
        ...state,
        commands: upsert(state.commands, message.command, (command) => command.command_id, "start").slice(0, KEPT_COMMANDS),
      };
  }
}

function withAge(robot: RobotView, nowMs: number): Robot {
  const age = robot.link.telemetry_age_s;
  return { ...robot, telemetryAtMs: age === null || robot.telemetry === null ? null : nowMs - age * 1000 };
}

function onRobot(state: State, robotId: string, change: (robot: Robot) => Robot): State {
  return { ...state, robots: state.robots.map((robot) => (robot.robot_id === robotId ? change(robot) : robot)) };
}

function upsert<T, K>(list: readonly T[], item: T, keyOf: (item: T) => K, side: "start" | "end"): T[] {
  const key = keyOf(item);
  if (list.some((each) => keyOf(each) === key)) return list.map((each) => (keyOf(each) === key ? item : each));
  return side === "start" ? [item, ...list] : [...list, item];
}

function extended(trail: RobotView["trail_m"], pose: { x_m: number; y_m: number } | null): RobotView["trail_m"] {
  if (!pose) return trail;
  const last = trail[trail.length - 1];
  if (last && Math.hypot(pose.x_m - last[0], pose.y_m - last[1]) < TRAIL_STEP_M) return trail;
  return [...trail.slice(-(KEPT_TRAIL - 1)), [pose.x_m, pose.y_m]];
}
