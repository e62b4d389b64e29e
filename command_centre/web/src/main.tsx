// SPDX-License-Identifier: Apache-2.0
import "ol/ol.css";
import "./style.css";
import "./diagnostics";
import { render } from "preact";
import { App } from "./App";
import { live, signedOut } from "./live";
import { me } from "./service";

const root = document.getElementById("app");
if (root) render(<App />, root);

me().then(
  (who) => (who ? live.open() : signedOut("")),
  (error: unknown) => signedOut(error instanceof Error ? error.message : String(error)),
);
