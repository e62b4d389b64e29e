// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vite";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "chrome116", chunkSizeWarningLimit: 900, sourcemap: false },
  worker: { format: "es" },
  server: {
    proxy: {
      "/api/live": { target: "ws://127.0.0.1:8080", ws: true },
      "/api/video": { target: "ws://127.0.0.1:8080", ws: true },
      "/api": { target: "http://127.0.0.1:8080" },
    },
  },
});
