// SPDX-License-Identifier: Apache-2.0
/** What carries pictures onto the page. There are two; everything that follows a shown picture is the same for both. */
import type { PictureMetadata } from "../generated/wire";

export type Carrier = "webrtc" | "websocket";

export interface ShownPicture {
  /** Where the picture is on the screen now. */
  surface: HTMLVideoElement | HTMLCanvasElement;
  widthPx: number;
  heightPx: number;
  /** What came inside this very picture; null when nothing did. */
  metadata: PictureMetadata | null;
}

export interface TransportEvents {
  onConnected(): void;
  onPicture(picture: ShownPicture): void;
  /** It shows no more pictures. Said once at most, and never after `close`. */
  onBroken(because: string): void;
}

/** One attempt to show one stream: it begins by itself, and is closed once it is broken or not wanted any more. */
export interface Transport {
  close(): void;
}
