// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Carrier, ShownPicture, TransportEvents } from "../src/video/transport";

vi.stubGlobal("window", {});
const { Choice } = await import("../src/video/choice");
const { Player } = await import("../src/video/player");

const PICTURE = { widthPx: 640, heightPx: 480, metadata: null } as unknown as ShownPicture;

interface Opened {
  carrier: Carrier;
  events: TransportEvents;
  closed: boolean;
}

function play(able = { webrtc: true, websocket: true }, refuse: Carrier | null = null) {
  const opened: Opened[] = [];
  const troubles: string[] = [];
  let shown = 0;
  const player = new Player(
    (carrier, events) => {
      const attempt: Opened = { carrier, events, closed: false };
      opened.push(attempt);
      if (carrier === refuse) throw new Error("not here");
      return { close: () => void (attempt.closed = true) };
    },
    new Choice(able),
    { onPicture: () => void shown++, onTrouble: (because) => void troubles.push(because) },
  );
  const newest = (): Opened => opened[opened.length - 1] as Opened;
  return { player, opened, troubles, newest, shown: () => shown, carriers: () => opened.map((each) => each.carrier) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("falls back after three seconds without a connection, and says nothing about it", () => {
  const stage = play();
  vi.advanceTimersByTime(2999);
  expect(stage.carriers()).toEqual(["webrtc"]);
  vi.advanceTimersByTime(1);
  expect(stage.carriers()).toEqual(["webrtc", "websocket"]);
  expect(stage.opened[0]?.closed).toBe(true);
  expect(stage.troubles).toEqual([]);
  stage.player.close();
});

it("falls back at once when WebRTC breaks before it connects, or can not even be made", () => {
  const broken = play();
  broken.newest().events.onBroken("no candidates");
  expect(broken.carriers()).toEqual(["webrtc", "websocket"]);
  const unmade = play({ webrtc: true, websocket: true }, "webrtc");
  expect(unmade.carriers()).toEqual(["webrtc", "websocket"]);
  broken.player.close();
  unmade.player.close();
});

it("connects over WebRTC again when it had been connected", () => {
  const stage = play();
  stage.newest().events.onConnected();
  stage.newest().events.onBroken("gone");
  expect(stage.troubles).toEqual(["gone"]);
  vi.advanceTimersByTime(1000);
  expect(stage.carriers()).toEqual(["webrtc", "webrtc"]);
  stage.player.close();
});

it("waits longer between attempts that do not last, and says why each time", () => {
  const stage = play({ webrtc: false, websocket: true });
  const waits: number[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    stage.newest().events.onConnected();
    stage.newest().events.onPicture(PICTURE);
    stage.newest().events.onBroken("can not be decoded");
    const before = stage.opened.length;
    let waited = 0;
    for (; stage.opened.length === before; waited += 100) vi.advanceTimersByTime(100);
    waits.push(waited);
  }
  expect(stage.troubles).toEqual(Array(5).fill("can not be decoded"));
  expect(waits[4]).toBeGreaterThan(4 * (waits[0] ?? Infinity));
  expect(Math.max(...waits)).toBeLessThanOrEqual(10_000);
  stage.player.close();
});

it("connects anew when no pictures come, and leaves a stream that runs alone", () => {
  const stage = play({ webrtc: false, websocket: true });
  stage.newest().events.onConnected();
  for (let picture = 0; picture < 30; picture++) {
    vi.advanceTimersByTime(7000);
    stage.newest().events.onPicture(PICTURE);
  }
  expect(stage.opened.length).toBe(1);
  expect(stage.shown()).toBe(30);
  vi.advanceTimersByTime(8500);
  expect(stage.troubles).toEqual(["No pictures come."]);
  expect(stage.opened.length).toBe(2);
  stage.player.close();
});

it("hears nothing more from an attempt that it has left, nor after it was closed", () => {
  const stage = play();
  const left = stage.newest();
  vi.advanceTimersByTime(3000);
  left.events.onPicture(PICTURE);
  left.events.onBroken("late");
  expect(stage.shown()).toBe(0);
  stage.player.close();
  stage.newest().events.onBroken("later");
  vi.advanceTimersByTime(60_000);
  expect(stage.opened.length).toBe(2);
  expect(stage.opened.every((each) => each.closed)).toBe(true);
  expect(stage.troubles).toEqual([]);
});

it("says so when the browser can do neither", () => {
  const stage = play({ webrtc: false, websocket: false });
  expect(stage.opened).toEqual([]);
  expect(stage.troubles[0]).toContain("no live video");
});
