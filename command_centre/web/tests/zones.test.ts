// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { WireZone, ZonesView } from "../src/generated/wire";
import { type NewZone, NOTHING, asks, drawn, freeName, isEmpty, left, ordered, verdict, without, yawOf, zoneOf } from "../src/zones";

const WISH: NewZone = { kind: "keep out", name: "pit", limitMps: 0.4, headingDeg: 90, whenInside: "leave" };
const SQUARE: [number, number][] = [[0, 0], [4, 0], [4, 4], [0, 4]];

function zone(wish: Partial<NewZone> = {}, corners = SQUARE): WireZone {
  const made = zoneOf(corners, { ...WISH, ...wish }, []);
  if (typeof made === "string") throw new Error(made);
  return made;
}

function view(zones: WireZone[], part: Partial<ZonesView> = {}): ZonesView {
  return { robot_id: "r", revision: 1, zones, issued_by: "olga", state: "accepted", because: "", in_force: zones, ...part };
}

describe("a new zone", () => {
  it("asks for just what its kind needs", () => {
    expect(zone()).toMatchObject({ zone_id: "pit", limit_mps: null, heading_rad: null, when_inside: "leave" });
    expect(zone({ kind: "slow" })).toMatchObject({ limit_mps: 0.4, heading_rad: null });
    expect(zone({ kind: "one way" }).heading_rad).toBeCloseTo(0, 12);
    expect(yawOf(0)).toBeCloseTo(Math.PI / 2, 12);
    expect([asks(zone()), asks(zone({ kind: "slow" })), asks(zone({ kind: "one way" }))]).toEqual([
      "whoever is inside leaves",
      "0.40 m/s at most",
      "towards 090° only",
    ]);
  });

  it("is refused in words when its outline is none", () => {
    expect(zoneOf([[0, 0], [4, 0], [4, 0.01]], WISH, [])).toBe("A zone has three corners or more.");
    expect(zoneOf([[0, 0], [4, 4], [4, 0], [0, 4]], WISH, [])).toBe("The outline crosses itself.");
  });

  it("gets a name that no other has", () => {
    expect(freeName(" gate ", "slow", ["pit"])).toBe("gate");
    expect(freeName("gate", "slow", ["gate", "gate-1"])).toBe("gate-2");
    expect(freeName("", "one way", [])).toBe("one-way-1");
  });
});

describe("a draft", () => {
  const pit = zone();
  const bend = zone({ kind: "slow", name: "bend" });

  it("orders what holds, less what is removed, and what was drawn", () => {
    const draft = without({ added: [bend], removed: [] }, "pit");
    expect(ordered(view([pit]), draft)).toEqual([bend]);
    expect(ordered(null, NOTHING)).toEqual([]);
    expect(drawn(view([pit]), draft).map((each) => each.state)).toEqual(["removed", "draft"]);
    expect(isEmpty(without(without(draft, "bend"), "pit"))).toBe(true);
  });

  it("is shown once while the robot has not answered, and is over when it has agreed", () => {
    const draft = { added: [bend], removed: ["pit"] };
    const sent = view([bend], { state: "sent", in_force: [pit] });
    expect(drawn(sent, draft).map((each) => `${each.zone.zone_id} ${each.state}`)).toEqual(["pit removed", "bend ordered"]);
    expect(left(sent, draft)).toBe(draft);
    expect(isEmpty(left(view([bend]), draft))).toBe(true);
  });

  it("stays after a refusal, and what held goes on", () => {
    const draft = { added: [bend], removed: [] };
    const refused = view([pit, bend], { state: "refused", because: "the outline crosses itself: bend", in_force: [pit] });
    expect(left(refused, draft)).toBe(draft);
    expect(drawn(refused, draft).map((each) => each.state)).toEqual(["in force", "draft"]);
    expect(verdict(refused)).toBe("Refused: the outline crosses itself: bend");
  });
});
