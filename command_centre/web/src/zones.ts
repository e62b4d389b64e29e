// SPDX-License-Identifier: Apache-2.0
/** Run-time zones as an operator changes them. Pure: what is drawn or taken away stays a draft until the robot is told. */
import type { WireZone, ZonesView } from "./generated/wire";
import { compassDegrees, figure } from "./words";

export type ZoneKind = WireZone["kind"];

export interface Draft {
  added: readonly WireZone[];
  removed: readonly string[];
}

export interface Drawn {
  zone: WireZone;
  /** "in force": the robot said so. "ordered": it was told and has not agreed. "draft": it was not told. */
  state: "in force" | "ordered" | "draft" | "removed";
}

export interface NewZone {
  kind: ZoneKind;
  name: string;
  limitMps: number;
  headingDeg: number;
  whenInside: WireZone["when_inside"];
}

export const NOTHING: Draft = { added: [], removed: [] };
export const KIND_NAMES: Record<ZoneKind, string> = { "keep out": "Keep out", slow: "Slow", "one way": "One way" };
const LEAST_CORNERS = 3;
const APART_M = 0.05;

/** Every zone that the map shows: what holds, what the robot was told without having agreed yet, and what is only a draft. */
export function drawn(view: ZonesView | null, draft: Draft): Drawn[] {
  const holds = view?.in_force ?? [];
  const told = view?.state === "sent" ? view.zones.filter((zone) => !has(holds, zone)) : [];
  return [
    ...holds.map((zone): Drawn => ({ zone, state: draft.removed.includes(zone.zone_id) ? "removed" : "in force" })),
    ...told.map((zone): Drawn => ({ zone, state: "ordered" })),
    ...draft.added.filter((zone) => !has(told, zone)).map((zone): Drawn => ({ zone, state: "draft" })),
  ];
}

/** What is left of the draft once the robot keeps to `view.in_force`. */
export function left(view: ZonesView, draft: Draft): Draft {
  const added = draft.added.filter((zone) => !has(view.in_force, zone));
  const removed = draft.removed.filter((zoneId) => view.in_force.some((zone) => zone.zone_id === zoneId));
  return added.length === draft.added.length && removed.length === draft.removed.length ? draft : { added, removed };
}

/** The zones that the robot is told with this draft: all that shall hold from now on. */
export function ordered(view: ZonesView | null, draft: Draft): WireZone[] {
  return [...(view?.in_force ?? []).filter((zone) => !draft.removed.includes(zone.zone_id)), ...draft.added];
}

export const isEmpty = (draft: Draft): boolean => draft.added.length === 0 && draft.removed.length === 0;

/** The draft with one zone taken away: one in force once the robot is told, one that was only drawn at once. */
export function without(draft: Draft, zoneId: string): Draft {
  if (draft.added.some((zone) => zone.zone_id === zoneId)) {
    return { ...draft, added: draft.added.filter((zone) => zone.zone_id !== zoneId) };
  }
  return draft.removed.includes(zoneId)
    ? { ...draft, removed: draft.removed.filter((each) => each !== zoneId) }
    : { ...draft, removed: [...draft.removed, zoneId] };
}

/** A name that no zone has: the wish, or the kind and a number. */
export function freeName(wish: string, kind: ZoneKind, taken: readonly string[]): string {
  const stem = wish.trim() || kind.replace(" ", "-");
  if (wish.trim() && !taken.includes(stem)) return stem;
  for (let number = 1; ; number += 1) if (!taken.includes(`${stem}-${number}`)) return `${stem}-${number}`;
}

/** The zone of an outline, or why it is none. Corners are metres in map. */
export function zoneOf(corners: readonly (readonly [number, number])[], wish: NewZone, taken: readonly string[]): WireZone | string {
  const outline = distinct(corners);
  if (outline.length < LEAST_CORNERS) return "A zone has three corners or more.";
  if (crosses(outline)) return "The outline crosses itself.";
  return {
    zone_id: freeName(wish.name, wish.kind, taken),
    kind: wish.kind,
    corners_m: outline.map(([x, y]) => [round(x), round(y)]) as WireZone["corners_m"],
    limit_mps: wish.kind === "slow" ? wish.limitMps : null,
    heading_rad: wish.kind === "one way" ? yawOf(wish.headingDeg) : null,
    when_inside: wish.whenInside,
  };
}

/** What a zone asks for, in few words. */
export function asks(zone: WireZone): string {
  if (zone.limit_mps !== null) return `${figure(zone.limit_mps)} m/s at most`;
  if (zone.heading_rad !== null) return `towards ${String(compassDegrees(zone.heading_rad)).padStart(3, "0")}° only`;
  return zone.when_inside === "leave" ? "whoever is inside leaves" : "whoever is inside holds";
}

/** What became of the last order, as one sentence. */
export function verdict(view: ZonesView | null): string {
  if (!view) return "No zones have been ordered.";
  switch (view.state) {
    case "accepted":
      return view.because || (view.zones.length ? "The robot keeps to them." : "The robot has taken them all away.");
    case "sent":
      return `Ordered by ${view.issued_by}; the robot has not answered yet.`;
    case "refused":
      return `Refused: ${view.because}`;
    default:
      return `Not known: ${view.because}`;
  }
}

/** Yaw (counter-clockwise from east) of a compass heading (clockwise from north). */
export const yawOf = (compassDeg: number): number => ((90 - compassDeg) * Math.PI) / 180;

function has(zones: readonly WireZone[], zone: WireZone): boolean {
  const text = JSON.stringify(zone);
  return zones.some((each) => JSON.stringify(each) === text);
}

function distinct(corners: readonly (readonly [number, number])[]): [number, number][] {
  const far = ([x, y]: readonly [number, number], [u, v]: readonly [number, number]): boolean => Math.hypot(x - u, y - v) > APART_M;
  const kept: [number, number][] = [];
  for (const [x, y] of corners) if (kept.every((each) => far(each, [x, y]))) kept.push([x, y]);
  return kept;
}

function crosses(corners: readonly (readonly [number, number])[]): boolean {
  const count = corners.length;
  const side = (index: number) => [corners[index]!, corners[(index + 1) % count]!] as const;
  for (let one = 0; one < count; one += 1) {
    for (let other = one + 2; other < count; other += 1) {
      if ((other + 1) % count !== one && meet(side(one), side(other))) return true;
    }
  }
  return false;
}

type Side = readonly [readonly [number, number], readonly [number, number]];

function meet([a, b]: Side, [c, d]: Side): boolean {
  return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
}

function turn([ax, ay]: readonly [number, number], [bx, by]: readonly [number, number], [cx, cy]: readonly [number, number]): number {
  return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
}

const round = (metres: number): number => Math.round(metres * 100) / 100;
