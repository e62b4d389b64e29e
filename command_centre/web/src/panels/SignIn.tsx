// SPDX-License-Identifier: Apache-2.0
import { useState } from "preact/hooks";
import { live } from "../live";
import { signIn } from "../service";

export function SignIn({ notice }: { notice: string }) {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      await signIn(username, password);
      live.open();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };

  return (
    <main class="sign-in">
      <form onSubmit={(event) => void submit(event)} aria-labelledby="sign-in-title">
        <img src="/icon.svg" alt="" width="48" height="48" />
        <h1 id="sign-in-title">Patrol command centre</h1>
        {notice && !problem && <p class="notice">{notice}</p>}
        <label>
          Name
          <input
            name="username"
            data-testid="username"
            autocomplete="username"
            autofocus
            required
            value={username}
            onInput={(event) => setUsername(event.currentTarget.value)}
          />
        </label>
        <label>
          Password
          <input
            name="password"
            data-testid="password"
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        {problem && (
          <p class="problem" role="alert" data-testid="sign-in-problem">
            {problem}
          </p>
        )}
        <button type="submit" class="primary" data-testid="sign-in" disabled={busy}>
          {busy ? "Signing in …" : "Sign in"}
        </button>
        <p class="small">Signing in, watching, commands and acknowledgements are written to the audit log.</p>
      </form>
    </main>
  );
}
