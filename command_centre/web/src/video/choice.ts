// SPDX-License-Identifier: Apache-2.0
/** Which carrier to try next, and how long to wait before. */
import type { Carrier } from "./transport";

const WEBRTC_AGAIN_MS = 60_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

export type Able = Record<Carrier, boolean>;

/** WebRTC first; where it did not connect, the WebSocket, and WebRTC again only after a while. */
export class Choice {
  #webrtcFailedAt: number | null = null;

  constructor(private readonly able: Able) {}

  /** Null when this browser has neither. */
  next(nowMs: number): Carrier | null {
    const failedAt = this.#webrtcFailedAt;
    const again = failedAt === null || nowMs - failedAt > WEBRTC_AGAIN_MS;
    if (this.able.webrtc && (again || !this.able.websocket)) return "webrtc";
    return this.able.websocket ? "websocket" : null;
  }

  neverConnected(carrier: Carrier, nowMs: number): void {
    if (carrier === "webrtc") this.#webrtcFailedAt = nowMs;
  }
}

/** Waits that double up to 8 s, spread out so that pages do not come back all at once. */
export class Backoff {
  #waitMs = FIRST_WAIT_MS;

  constructor(private readonly random: () => number = Math.random) {}

  next(): number {
    const waitMs = this.#waitMs * (0.75 + 0.5 * this.random());
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
    return waitMs;
  }

  reset(): void {
    this.#waitMs = FIRST_WAIT_MS;
  }
}
