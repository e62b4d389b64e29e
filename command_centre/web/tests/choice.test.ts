// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { Backoff, Choice } from "../src/video/choice";

it("takes WebRTC first, the WebSocket where it never connected, and WebRTC again after a minute", () => {
  const choice = new Choice({ webrtc: true, websocket: true });
  expect(choice.next(0)).toBe("webrtc");
  choice.neverConnected("webrtc", 1000);
  expect(choice.next(1000)).toBe("websocket");
  choice.neverConnected("websocket", 2000);
  expect(choice.next(61_000)).toBe("websocket");
  expect(choice.next(61_001)).toBe("webrtc");
});

it("takes what the browser has", () => {
  expect(new Choice({ webrtc: false, websocket: true }).next(0)).toBe("websocket");
  expect(new Choice({ webrtc: false, websocket: false }).next(0)).toBeNull();
  const only = new Choice({ webrtc: true, websocket: false });
  only.neverConnected("webrtc", 0);
  expect(only.next(1)).toBe("webrtc");
});

it("waits longer each time, up to a bound, and begins anew after a success", () => {
  const backoff = new Backoff(() => 0.5);
  expect(Array.from({ length: 7 }, () => backoff.next())).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
  backoff.reset();
  expect(backoff.next()).toBe(500);
});
