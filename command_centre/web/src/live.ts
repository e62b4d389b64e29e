// SPDX-License-Identifier: Apache-2.0
/** The live connection: opens it, opens it again after a loss, and folds what comes into the store. */
import type { ToBrowser } from "./generated/wire";
import { socketAddress } from "./service";
import { INITIAL, reduce } from "./state";
import { store } from "./store";

const CLOSE_SIGNED_OUT = 4401;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const SILENT_AFTER_MS = 4000;

class Live {
  #socket: WebSocket | null = null;
  #waitMs = FIRST_WAIT_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;

  open(): void {
    this.close();
    const socket = new WebSocket(socketAddress("/api/live"));
    this.#socket = socket;
    let heardAt = performance.now();
    socket.onmessage = ({ data }) => {
      heardAt = performance.now();
      this.#waitMs = FIRST_WAIT_MS;
      const message = JSON.parse(String(data)) as ToBrowser;
      store.update((state) => reduce(state, message, heardAt, Date.now()));
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket !== socket) return;
      this.close();
      store.update((state) => ({ ...state, connected: false }));
      if (code === CLOSE_SIGNED_OUT) signedOut(reason);
      else this.#openLater();
    };
    this.#watch = setInterval(() => {
      if (performance.now() - heardAt > SILENT_AFTER_MS) socket.close();
    }, 1000);
  }

  close(): void {
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #openLater(): void {
    this.#retry = setTimeout(() => this.open(), this.#waitMs * (0.75 + 0.5 * Math.random()));
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }
}

export const live = new Live();

/** Forget everything and show the sign-in form. */
export function signedOut(notice: string): void {
  live.close();
  store.update(() => ({ ...INITIAL, phase: "signed out", notice }));
}
