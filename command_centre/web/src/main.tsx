// SPDX-License-Identifier: Apache-2.0
import "ol/ol.css";
import "./style.css";
import "./diagnostics";
import { render } from "preact";
import { App } from "./App";
import { live, signedOut } from "./live";
import { Refused, me } from "./service";

const root = document.getElementById("app");
if (root) render(<App />, root);

me().then(
  () => live.open(),
  (error: unknown) => signedOut(error instanceof Refused && error.status !== 401 ? error.message : ""),
);
