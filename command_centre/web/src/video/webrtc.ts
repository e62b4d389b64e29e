// SPDX-License-Identifier: Apache-2.0
/**
 * Pictures over WebRTC. A worker reads each one's metadata and decodes it, and it is painted on a canvas; where the browser does
 * not let a page decode, the video element shows it.
 */
import { offerVideo } from "../service";
import type { FromWorker } from "./encoded-worker";
import { Matcher } from "./matcher";
import { paint } from "./paint";
import type { Transport, TransportEvents } from "./transport";

const GATHER_WITHIN_MS = 1500;

export class WebRtcTransport implements Transport {
  readonly #peer = new RTCPeerConnection({ iceServers: [] });
  readonly #matcher = new Matcher();
  readonly #worker = new Worker(new URL("./encoded-worker.ts", import.meta.url), { type: "module" });
  #following = 0;
  #closed = false;
  /** WebCodecs needs a secure context: https, or this machine's own address. */
  #isPainting = typeof VideoDecoder === "function";

  static get isSupported(): boolean {
    return typeof RTCPeerConnection === "function" && typeof RTCRtpScriptTransform === "function";
  }

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly canvas: HTMLCanvasElement,
    private readonly wanted: { robot_id: string; stream: string },
    private readonly events: TransportEvents,
  ) {
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if ("facts" in data) this.#matcher.put(data.facts);
      else if ("picture" in data) this.#paint(data.picture);
      else this.#isPainting = false;
    };
    this.#peer.onconnectionstatechange = () => this.#followConnection();
    this.#peer.ontrack = ({ track, streams }) => {
      video.srcObject = streams[0] ?? new MediaStream([track]);
      void video.play().catch(() => undefined);
    };
    this.#followPictures();
    this.#connect().catch((error: unknown) => this.#break(error instanceof Error ? error.message : String(error)));
  }

  close(): void {
    this.#closed = true;
    this.video.cancelVideoFrameCallback(this.#following);
    this.#peer.close();
    this.#worker.terminate();
  }

  async #connect(): Promise<void> {
    const peer = this.#peer;
    const { receiver } = peer.addTransceiver("video", { direction: "recvonly" });
    // Before the first picture arrives, or the first ones come without metadata.
    receiver.transform = new RTCRtpScriptTransform(this.#worker);
    receiver.jitterBufferTarget = 0;
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    const sdp = peer.localDescription?.sdp ?? "";
    if (!sdp.includes("a=candidate:")) throw new Error("This computer has no network address that WebRTC can use.");
    const answer = await offerVideo({ ...this.wanted, sdp });
    if (!this.#closed) await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
  }

  #followConnection(): void {
    const state = this.#peer.connectionState;
    if (this.#closed) return;
    if (state === "connected") this.events.onConnected();
    if (["failed", "closed", "disconnected"].includes(state)) this.#break("The video connection broke.");
  }

  #followPictures(): void {
    this.#following = this.video.requestVideoFrameCallback((_now, shown) => {
      if (this.#closed || this.#isPainting) return;
      this.events.onPicture({
        surface: this.video,
        widthPx: shown.width,
        heightPx: shown.height,
        metadata: shown.rtpTimestamp === undefined ? null : this.#matcher.take(shown.rtpTimestamp),
      });
      this.#followPictures();
    });
  }

  #paint(picture: VideoFrame): void {
    if (this.#closed || !this.#isPainting) return picture.close();
    const { widthPx, heightPx, timestamp } = paint(this.canvas, picture);
    this.events.onPicture({ surface: this.canvas, widthPx, heightPx, metadata: this.#matcher.take(timestamp) });
  }

  #break(because: string): void {
    if (this.#closed) return;
    this.close();
    this.events.onBroken(because);
  }
}

function gathered(peer: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, GATHER_WITHIN_MS);
    const check = (): void => {
      if (peer.iceGatheringState !== "complete") return;
      clearTimeout(timer);
      resolve();
    };
    peer.addEventListener("icegatheringstatechange", check);
    check();
  });
}
