// SPDX-License-Identifier: Apache-2.0
/**
 * Pictures over a WebSocket on a canvas, for where WebRTC finds no way. The same access units, decoded here; the service is
 * told how many have been taken, and sends no more than a few ahead.
 */
import { Matcher } from "./matcher";
import { readPacket } from "./packet";
import { CODEC, paint } from "./paint";
import { readMetadata } from "./sei";
import type { Transport, TransportEvents } from "./transport";

const CLOSE_GOING = 1000;

export class WebSocketTransport implements Transport {
  readonly #socket: WebSocket;
  readonly #decoder: VideoDecoder;
  readonly #matcher = new Matcher();
  #arrived = 0;
  #told = 0;
  #closed = false;

  /** WebCodecs needs a secure context: https, or this machine's own address. */
  static get isSupported(): boolean {
    return typeof VideoDecoder === "function";
  }

  constructor(
    private readonly canvas: HTMLCanvasElement,
    address: string,
    private readonly events: TransportEvents,
  ) {
    this.#decoder = new VideoDecoder({
      output: (picture) => this.#show(picture),
      error: (error) => this.#break(`The picture can not be decoded: ${error.message}`),
    });
    this.#decoder.ondequeue = () => this.#tell();
    this.#decoder.configure(CODEC);
    this.#socket = new WebSocket(address);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => events.onConnected();
    this.#socket.onmessage = ({ data }) => this.#take(data as ArrayBuffer);
    this.#socket.onclose = ({ reason }) => this.#break(reason || "The video connection broke.");
  }

  close(): void {
    this.#closed = true;
    this.#socket.onclose = null;
    this.#socket.onmessage = null;
    this.#socket.onopen = null;
    this.#socket.close(CLOSE_GOING);
    if (this.#decoder.state !== "closed") this.#decoder.close();
  }

  #take(message: ArrayBuffer): void {
    const packet = readPacket(message);
    if (!packet) return this.#break("The video can not be read.");
    const timestamp = Math.round((packet.pts90kHz * 100) / 9);
    this.#arrived += 1;
    this.#matcher.put({ timestamp, metadata: readMetadata(packet.data) });
    try {
      this.#decoder.decode(new EncodedVideoChunk({ type: packet.isKey ? "key" : "delta", timestamp, data: packet.data }));
    } catch (error) {
      this.#break(`The picture can not be decoded: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** What waits for the decoder counts as not taken: a slow computer gets fewer pictures, not older ones. */
  #tell(): void {
    const taken = this.#arrived - this.#decoder.decodeQueueSize;
    if (this.#closed || taken <= this.#told || this.#socket.readyState !== WebSocket.OPEN) return;
    this.#told = taken;
    this.#socket.send(String(taken));
  }

  #show(picture: VideoFrame): void {
    if (this.#closed) return picture.close();
    const { widthPx, heightPx, timestamp } = paint(this.canvas, picture);
    this.events.onPicture({ surface: this.canvas, widthPx, heightPx, metadata: this.#matcher.take(timestamp) });
  }

  #break(because: string): void {
    if (this.#closed) return;
    this.close();
    this.events.onBroken(because);
  }
}
