// SPDX-License-Identifier: Apache-2.0
/** Holds the one state of the page and tells whoever listens. */
import { useEffect, useState } from "preact/hooks";
import { INITIAL, type State } from "./state";

type Listener = () => void;

class Store {
  #state: State = INITIAL;
  readonly #listeners = new Set<Listener>();

  get state(): State {
    return this.#state;
  }

  update(change: (state: State) => State): void {
    const next = change(this.#state);
    if (next === this.#state) return;
    this.#state = next;
    for (const listener of [...this.#listeners]) listener();
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export const store = new Store();

/** The state, kept current. */
export function useStore(): State {
  const [state, setState] = useState(store.state);
  useEffect(() => {
    setState(store.state);
    return store.listen(() => setState(store.state));
  }, []);
  return state;
}

/** `performance.now()`, renewed every `everyMs`; for ages on the screen. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
