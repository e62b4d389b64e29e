// SPDX-License-Identifier: Apache-2.0
/** Plays one stream over WebRTC and says, for every picture shown, which metadata belongs to it. Connects again by itself. */
import { note, read } from "../diagnostics";
import type { PictureMetadata } from "../generated/wire";
import { offerVideo } from "../service";
import { Matcher, type PictureFacts } from "./matcher";

const GATHER_WITHIN_MS = 1500;
const RETRY_MS = 2000;
const NO_PICTURE_MS = 8000;

export interface PlayerEvents {
  /** A picture is on the screen now. `metadata` is null when none came with it. */
  onPicture(metadata: PictureMetadata | null): void;
  onTrouble(because: string): void;
}

export class Player {
  #peer: RTCPeerConnection | null = null;
  #worker: Worker | null = null;
  #matcher = new Matcher();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #closed = false;
  #pictureAt = 0;

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly robotId: string,
    private readonly stream: string,
    private readonly events: PlayerEvents,
  ) {
    void this.#connect();
    this.#followPictures();
    window.addEventListener("pagehide", this.close);
    this.#watch = setInterval(() => this.#checkPictures(), 1000);
  }

  close = (): void => {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    window.removeEventListener("pagehide", this.close);
    this.#disconnect();
  };

  async #connect(): Promise<void> {
    this.#disconnect();
    const peer = new RTCPeerConnection({ iceServers: [] });
    this.#peer = peer;
    this.#pictureAt = performance.now();
    peer.onconnectionstatechange = () => {
      if (this.#peer !== peer) return;
      if (["failed", "closed", "disconnected"].includes(peer.connectionState)) this.#connectLater("The video connection broke.");
    };
    peer.ontrack = ({ track, streams }) => {
      this.video.srcObject = streams[0] ?? new MediaStream([track]);
      void this.video.play().catch(() => undefined);
    };
    try {
      const { receiver } = peer.addTransceiver("video", { direction: "recvonly" });
      this.#readMetadataFrom(receiver);
      receiver.jitterBufferTarget = 0;
      await peer.setLocalDescription(await peer.createOffer());
      await gathered(peer);
      const sdp = peer.localDescription?.sdp ?? "";
      const answer = await offerVideo({ robot_id: this.robotId, stream: this.stream, sdp });
      if (this.#peer !== peer) return;
      await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
      note({ videoConnections: read().videoConnections + 1 });
    } catch (error) {
      if (this.#peer === peer) this.#connectLater(error instanceof Error ? error.message : String(error));
    }
  }

  /** Must run before the first picture arrives: right after the transceiver was made. */
  #readMetadataFrom(receiver: RTCRtpReceiver): void {
    this.#matcher = new Matcher();
    const matcher = this.#matcher;
    this.#worker = new Worker(new URL("./metadata-worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<PictureFacts>) => matcher.put(data);
    receiver.transform = new RTCRtpScriptTransform(this.#worker);
  }

  #followPictures(): void {
    this.video.requestVideoFrameCallback((_now, shown) => {
      if (this.#closed) return;
      this.#pictureAt = performance.now();
      const metadata = shown.rtpTimestamp === undefined ? null : this.#matcher.take(shown.rtpTimestamp);
      note({
        pictures: read().pictures + 1,
        picturesWithMetadata: read().picturesWithMetadata + (metadata ? 1 : 0),
        pictureStampNs: metadata?.stamp_ns ?? null,
        boxes: metadata?.boxes.length ?? 0,
        caption: metadata?.caption ?? "",
      });
      this.events.onPicture(metadata);
      this.#followPictures();
    });
  }

  #checkPictures(): void {
    if (this.#peer?.connectionState === "connected" && performance.now() - this.#pictureAt > NO_PICTURE_MS) {
      this.#connectLater("No pictures come.");
    }
  }

  #connectLater(because: string): void {
    this.#disconnect();
    if (this.#closed) return;
    this.events.onTrouble(because);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#connect(), RETRY_MS);
  }

  #disconnect(): void {
    const peer = this.#peer;
    this.#peer = null;
    peer?.close();
    this.#worker?.terminate();
    this.#worker = null;
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
