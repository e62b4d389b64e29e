// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "preact/hooks";
import { choosePassword } from "../service";
import { store } from "../store";
import { said } from "../words";

/** `oneTime`: the person signed in with a password that is used up, so there is none to ask for. */
export function PasswordDialog({ oneTime, onClose }: { oneTime: boolean; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  useEffect(() => dialog.current?.showModal(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      await choosePassword(current, password);
      store.update((now) => (now.who ? { ...now, who: { ...now.who, one_time: false } } : now));
      onClose();
    } catch (error) {
      setProblem(said(error));
    }
  };
  return (
    <dialog ref={dialog} class="dialog" onClose={onClose} aria-labelledby="password-title">
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="password-title">Choose a password</h2>
        {oneTime ? (
          <p>The one-time password is used up. Choose your own to sign in again without a new one.</p>
        ) : (
          <label>
            Present password
            <input
              type="password"
              autocomplete="current-password"
              required
              value={current}
              onInput={(event) => setCurrent(event.currentTarget.value)}
            />
          </label>
        )}
        <label>
          New password (10 characters or more)
          <input
            type="password"
            autocomplete="new-password"
            minLength={10}
            required
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <div class="row">
          <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
            Not now
          </button>
          <button type="submit" class="primary small">
            Save
          </button>
        </div>
      </form>
    </dialog>
  );
}
