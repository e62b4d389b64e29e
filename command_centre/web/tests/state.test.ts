// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { bannerText } from "../src/banner";
import { permit } from "../src/controls";
import type { AlertView, CommandKind, CommandView, RobotView, Snapshot, Telemetry, ToBrowser } from "../src/generated/wire";
import { INITIAL, type State, reduce, selectedRobot } from "../src/state";
import { veilOf } from "../src/video/veil";

const telemetry = (mode: string, x_m = 0): Telemetry => ({
  type: "telemetry",
  stamp_ns: 1,
  sent_ns: 1,
  mode,
  why: "",
  pose: { x_m, y_m: 0, yaw_rad: 0 },
  position_std_m: 0.1,
  doubt: "",
  speed_mps: 1,
  commanded_mps: 1,
  charge: 0.8,
  progress: null,
  tracks: [],
  ages_s: {},
  facts: [],
});
const robot = (robot_id: string, status: "online" | "silent" | "offline" = "online"): RobotView => ({
  robot_id,
  name: robot_id,
  link: { status, because: status === "online" ? "" : "gone", telemetry_age_s: null },
  missions: [],
  site: null,
  site_fault: "",
  telemetry: null,
  map: null,
  route: null,
  beliefs: null,
  video: [],
  trail_m: [],
  outcomes: [],
});
const alert = (alert_key: number, state: AlertView["state"] = "new"): AlertView => ({
  alert_key,
  robot_id: "a",
  alert_id: `${alert_key}`,
  state,
  received_ns: 1,
  stamp_ns: 1,
  severity: "critical",
  reason: { rule: "", sentence: "", thresholds: [], nearest_change: "" },
  zone_id: "",
  track_id: 1,
  label: "person",
  position_m: [0, 0],
  covariance_m2: [1, 0, 1],
  position_uncertain: false,
  has_picture: false,
  incident_id: "",
  path_m: [],
  actions: [],
});
const command = (kind: CommandKind): CommandView => ({
  command_id: kind,
  robot_id: "a",
  kind,
  mission_id: "",
  issued_by: "olga",
  issued_ns: 1,
  state: "sent",
  because: "",
});
const snapshot = (...robots: RobotView[]): Snapshot => ({
  type: "snapshot",
  who: { name: "olga", role: "operator", one_time: false },
  now_ns: 5e9,
  robots,
  alerts: [],
  commands: [],
});
const after = (...messages: ToBrowser[]): State =>
  messages.reduce((state, message, index) => reduce(state, message, 1000 + index, 4000), INITIAL);

describe("reduce", () => {
  it("shows a robot that is online rather than the first of the list", () => {
    const state = after(snapshot(robot("a", "offline"), robot("b")));
    expect(selectedRobot(state)?.robot_id).toBe("b");
    expect(state).toMatchObject({ phase: "signed in", connected: true, clockOffsetMs: 1000 });
  });

  it("dates telemetry by its age at the service", () => {
    const old = { ...robot("a"), telemetry: telemetry("idle"), link: { status: "silent" as const, because: "", telemetry_age_s: 7 } };
    expect(after(snapshot(old)).robots[0]?.telemetryAtMs).toBe(1000 - 7000);
    expect(after(snapshot(robot("a"))).robots[0]?.telemetryAtMs).toBeNull();
  });

  it("lengthens the trail only when the robot moved", () => {
    const moves = [0, 0.1, 0.2, 0.3, 5].map((x): ToBrowser => ({ type: "telemetry", robot_id: "a", telemetry: telemetry("idle", x) }));
    expect(after(snapshot(robot("a")), ...moves).robots[0]?.trail_m.map(([x]) => x)).toEqual([0, 0.3, 5]);
  });

  it("puts new alerts first and changes known ones in place", () => {
    const state = after(
      snapshot(robot("a")),
      { type: "alert", alert: alert(1) },
      { type: "alert", alert: alert(2) },
      { type: "alert", alert: alert(1, "acknowledged") },
    );
    expect(state.alerts.map(({ alert_key, state: what }) => [alert_key, what])).toEqual([
      [2, "new"],
      [1, "acknowledged"],
    ]);
  });

  it("leaves other robots alone", () => {
    const before = after(snapshot(robot("a"), robot("b")));
    const later = reduce(before, { type: "telemetry", robot_id: "b", telemetry: telemetry("idle") }, 2000, 0);
    expect(later.robots[0]).toBe(before.robots[0]);
    expect(later.robots[1]?.telemetryAtMs).toBe(2000);
  });
});

describe("permit", () => {
  const online = (mode: string) => ({ ...robot("a"), telemetry: telemetry(mode), telemetryAtMs: 0 });
  const allowed = (mode: string): CommandKind[] =>
    (["start", "pause", "resume", "abort", "dock", "estop", "estop_arm_reset", "estop_reset"] as CommandKind[]).filter(
      (kind) => permit(kind, online(mode), true, true).enabled,
    );

  it.each([
    ["docked", ["start", "estop"]],
    ["patrolling", ["pause", "abort", "dock", "estop"]],
    ["paused", ["resume", "abort", "dock", "estop"]],
    ["estopped", ["estop", "estop_arm_reset"]],
  ])("while %s", (mode, kinds) => expect(allowed(mode)).toEqual(kinds));

  it.each([
    ["estop_arm_reset", "accepted", true],
    ["estop_arm_reset", "sent", false],
    ["estop_arm_reset", "refused", false],
    ["estop", "accepted", false],
  ] as const)("after %s was %s the reset is offered: %s", (kind, state, offered) => {
    const newest = { ...command(kind), state };
    expect(permit("estop_reset", online("estopped"), true, true, newest).enabled).toBe(offered);
  });

  it("always says why not", () => {
    for (const [who, connected, status] of [
      [false, true, "online"],
      [true, false, "online"],
      [true, true, "offline"],
    ] as const) {
      const { enabled, because } = permit("estop", { ...online("patrolling"), ...robot("a", status) }, who, connected);
      expect(enabled).toBe(false);
      expect(because).not.toBe("");
    }
  });

  it("lets the e-stop through even when the robot has told nothing yet", () => {
    expect(permit("estop", { ...robot("a", "silent"), telemetryAtMs: null }, true, true).enabled).toBe(true);
  });
});

describe("what the screen admits", () => {
  const shown = { ...robot("a"), telemetryAtMs: 0 };
  const state = { stream: "camera", because: "why", width_px: 0, height_px: 0, type: "video_state" as const };

  it("never leaves a stale or covered picture without a word", () => {
    expect(veilOf({ robot: shown, state: undefined, ageS: 0.1, trouble: "" })).toBeNull();
    expect(veilOf({ robot: shown, state: undefined, ageS: 4.2, trouble: "" })?.title).toBe("No picture for 4 s");
    expect(veilOf({ robot: shown, state: { ...state, state: "covered" }, ageS: 0.1, trouble: "" })).toMatchObject({
      kind: "covered",
      detail: "why",
    });
    expect(veilOf({ robot: shown, state: { ...state, state: "dead" }, ageS: 9, trouble: "" })?.kind).toBe("dead");
    expect(veilOf({ robot: { ...shown, ...robot("a", "offline") }, state: undefined, ageS: 0.1, trouble: "" })?.kind).toBe("offline");
  });

  it("says when the link or the service is lost", () => {
    expect(bannerText(after(snapshot(robot("a"))), shown, 0)).toBe("");
    expect(bannerText(INITIAL, shown, 0)).toContain("command centre lost");
    expect(bannerText(after(snapshot(robot("a"))), { ...shown, ...robot("a", "offline") }, 3000)).toContain("Last heard 3.0 s ago");
  });
});
