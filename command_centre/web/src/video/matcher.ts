// SPDX-License-Identifier: Apache-2.0
/** Keeps the metadata of pictures on their way through the decoder, until the picture with the same timestamp is shown. */
import type { PictureMetadata } from "../generated/wire";

export interface PictureFacts {
  /** RTP or WebCodecs timestamp: the same before and after the decoder. */
  timestamp: number;
  metadata: PictureMetadata | null;
}

const KEPT = 120;

export class Matcher {
  readonly #waiting = new Map<number, PictureMetadata | null>();

  put(facts: PictureFacts): void {
    this.#waiting.set(facts.timestamp, facts.metadata);
    if (this.#waiting.size > KEPT) {
      const oldest = this.#waiting.keys().next();
      if (!oldest.done) this.#waiting.delete(oldest.value);
    }
  }

  /** The metadata of the shown picture, or null: then no box is drawn at all. */
  take(timestamp: number): PictureMetadata | null {
    const found = this.#waiting.get(timestamp);
    if (found === undefined) return null;
    for (const waiting of [...this.#waiting.keys()]) {
      this.#waiting.delete(waiting);
      if (waiting === timestamp) break;
    }
    return found;
  }
}
