// SPDX-License-Identifier: Apache-2.0
/** Keeps one stream on the screen: chooses what carries it, notices when no pictures come, and connects again by itself. */
import { note, read } from "../diagnostics";
import { Backoff, type Choice } from "./choice";
import type { Carrier, ShownPicture, Transport, TransportEvents } from "./transport";

const CONNECT_WITHIN_MS: Record<Carrier, number> = { webrtc: 3000, websocket: 8000 };
const NO_PICTURE_MS = 8000;
const SILENCE_WAIT_MS = 500;
/** An attempt that has shown pictures for this long counts as good: after it, the waits begin anew. */
const GOOD_AFTER_MS = 5000;
const UNABLE =
  "This browser can show no live video here. It has no WebRTC, and WebCodecs needs https or this machine's own address.";

export interface PlayerEvents {
  onPicture(picture: ShownPicture, carrier: Carrier): void;
  onTrouble(because: string): void;
}

export type OpenTransport = (carrier: Carrier, events: TransportEvents) => Transport;

interface Attempt {
  carrier: Carrier;
  transport: Transport | null;
  beganAt: number;
  connected: boolean;
}

export class Player {
  readonly #backoff = new Backoff();
  #attempt: Attempt | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(
    private readonly open: OpenTransport,
    private readonly choice: Choice,
    private readonly events: PlayerEvents,
  ) {
    this.#connect();
  }

  close = (): void => {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#leave();
  };

  #connect(): void {
    const now = performance.now();
    const carrier = this.choice.next(now);
    if (!carrier) return this.events.onTrouble(UNABLE);
    const attempt: Attempt = { carrier, transport: null, beganAt: now, connected: false };
    this.#attempt = attempt;
    this.#after(CONNECT_WITHIN_MS[carrier], () => this.#fail(attempt, "The video does not connect."));
    try {
      attempt.transport = this.open(carrier, {
        onConnected: () => this.#connected(attempt),
        onPicture: (picture) => this.#show(attempt, picture),
        onBroken: (because) => this.#fail(attempt, because),
      });
    } catch (error) {
      this.#fail(attempt, error instanceof Error ? error.message : String(error));
    }
  }

  #connected(attempt: Attempt): void {
    if (this.#attempt !== attempt || attempt.connected) return;
    attempt.connected = true;
    note({ videoConnections: read().videoConnections + 1, videoCarrier: attempt.carrier });
    this.#expectPicture(attempt);
  }

  #show(attempt: Attempt, picture: ShownPicture): void {
    if (this.#attempt !== attempt) return;
    this.#connected(attempt);
    this.#expectPicture(attempt);
    if (performance.now() - attempt.beganAt > GOOD_AFTER_MS) this.#backoff.reset();
    const { metadata } = picture;
    note({
      pictures: read().pictures + 1,
      picturesWithMetadata: read().picturesWithMetadata + (metadata ? 1 : 0),
      pictureStampNs: metadata?.stamp_ns ?? null,
      boxes: metadata?.boxes.length ?? 0,
      caption: metadata?.caption ?? "",
    });
    this.events.onPicture(picture, attempt.carrier);
  }

  /** Most often the robot sends none, and the connection stands. Should it not, a new one helps. */
  #expectPicture(attempt: Attempt): void {
    this.#after(NO_PICTURE_MS, () => this.#fail(attempt, "No pictures come.", SILENCE_WAIT_MS));
  }

  #fail(attempt: Attempt, because: string, waitMs?: number): void {
    if (this.#attempt !== attempt || this.#closed) return;
    this.#leave();
    const now = performance.now();
    if (!attempt.connected) {
      this.choice.neverConnected(attempt.carrier, now);
      if (this.choice.next(now) !== attempt.carrier) return this.#connect();
    }
    this.events.onTrouble(because);
    this.#after(waitMs ?? this.#backoff.next(), () => this.#connect());
  }

  /** One timer: whatever is set last counts. */
  #after(waitMs: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, waitMs);
  }

  #leave(): void {
    const transport = this.#attempt?.transport;
    this.#attempt = null;
    transport?.close();
  }
}
