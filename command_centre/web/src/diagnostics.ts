// SPDX-License-Identifier: Apache-2.0
/** Read-only figures about the page, for tests and for people who look for a fault: `window.__patrol`. */

export interface Diagnostics {
  /** Pictures shown since the page was loaded. */
  pictures: number;
  /** Of these, how many came with metadata of their own. */
  picturesWithMetadata: number;
  /** Stamp of the newest shown picture (robot's clock). */
  pictureStampNs: number | null;
  boxes: number;
  caption: string;
  videoConnections: number;
  /** What carries the pictures: "webrtc" or "websocket"; empty before the first connection. */
  videoCarrier: string;
}

const figures: Diagnostics = {
  pictures: 0,
  picturesWithMetadata: 0,
  pictureStampNs: null,
  boxes: 0,
  caption: "",
  videoConnections: 0,
  videoCarrier: "",
};

declare global {
  interface Window {
    readonly __patrol: Readonly<Diagnostics>;
  }
}

Object.defineProperty(window, "__patrol", { get: () => ({ ...figures }) });

export function note(change: Partial<Diagnostics>): void {
  Object.assign(figures, change);
}

export function read(): Readonly<Diagnostics> {
  return figures;
}
