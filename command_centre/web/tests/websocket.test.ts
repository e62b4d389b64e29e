// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ShownPicture } from "../src/video/transport";
import { WebSocketTransport } from "../src/video/websocket";
import seiSamples from "./sei-samples.json";

class FakeSocket {
  static readonly OPEN = 1;
  static newest: FakeSocket;
  readyState = FakeSocket.OPEN;
  binaryType = "";
  sent: string[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onclose: ((event: { reason: string }) => void) | null = null;
  constructor(readonly address: string) {
    FakeSocket.newest = this;
  }
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.closed = true;
  }
}

class FakeDecoder {
  static newest: FakeDecoder;
  state = "unconfigured";
  decodeQueueSize = 0;
  chunks: { type: string; timestamp: number }[] = [];
  ondequeue: (() => void) | null = null;
  constructor(readonly callbacks: { output(frame: object): void; error(error: Error): void }) {
    FakeDecoder.newest = this;
  }
  configure(config: VideoDecoderConfig): void {
    expect(config).toEqual({ codec: "avc1.42E01F", optimizeForLatency: true });
    this.state = "configured";
  }
  decode(chunk: { type: string; timestamp: number }): void {
    if (!this.chunks.length && chunk.type !== "key") throw new Error("A key frame is required");
    this.chunks.push(chunk);
    this.decodeQueueSize += 1;
  }
  /** The decoder takes everything that waits, and gives out the picture with this timestamp. */
  gives(timestamp: number): { close: ReturnType<typeof vi.fn> } {
    this.decodeQueueSize = 0;
    this.ondequeue?.();
    const frame = { timestamp, displayWidth: 640, displayHeight: 480, close: vi.fn() };
    this.callbacks.output(frame);
    return frame;
  }
  close(): void {
    this.state = "closed";
  }
}

const drawn = vi.fn();
const canvas = { width: 1, height: 1, getContext: () => ({ drawImage: drawn }) } as unknown as HTMLCanvasElement;
const ACCESS_UNIT = Uint8Array.from(atob(seiSamples[0]?.access_unit_base64 ?? ""), (letter) => letter.charCodeAt(0));

function message(number: number, isKey: boolean, accessUnit: Uint8Array = ACCESS_UNIT): { data: ArrayBuffer } {
  const bytes = new Uint8Array(24 + accessUnit.length);
  const header = new DataView(bytes.buffer);
  header.setUint16(0, 0x5056);
  header.setUint8(3, isKey ? 1 : 0);
  header.setBigInt64(4, BigInt(number));
  header.setBigInt64(12, BigInt(number * 9000));
  header.setUint32(20, accessUnit.length);
  bytes.set(accessUnit, 24);
  return { data: bytes.buffer };
}

function open() {
  const pictures: ShownPicture[] = [];
  const broken: string[] = [];
  let connected = 0;
  const transport = new WebSocketTransport(canvas, "ws://here/api/video/rover/camera", {
    onConnected: () => void connected++,
    onPicture: (picture) => void pictures.push(picture),
    onBroken: (because) => void broken.push(because),
  });
  return { transport, pictures, broken, connected: () => connected, socket: FakeSocket.newest, decoder: FakeDecoder.newest };
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("VideoDecoder", FakeDecoder);
  vi.stubGlobal(
    "EncodedVideoChunk",
    class {
      type: string;
      timestamp: number;
      constructor({ type, timestamp }: { type: string; timestamp: number }) {
        this.type = type;
        this.timestamp = timestamp;
      }
    },
  );
  drawn.mockClear();
});
afterEach(() => void vi.unstubAllGlobals());

it("draws each picture with the metadata of that very access unit", () => {
  const stage = open();
  stage.socket.onopen?.();
  stage.socket.onmessage?.(message(1, true));
  stage.socket.onmessage?.(message(2, false, Uint8Array.of(0, 0, 1, 0x41)));
  const [first, second] = stage.decoder.chunks;
  const frame = stage.decoder.gives(first?.timestamp ?? 0);
  stage.decoder.gives(second?.timestamp ?? 0);
  expect(stage.connected()).toBe(1);
  expect(stage.decoder.chunks.map((chunk) => [chunk.type, chunk.timestamp])).toEqual([
    ["key", 100_000],
    ["delta", 200_000],
  ]);
  expect(stage.pictures.map((picture) => picture.metadata?.stamp_ns)).toEqual([123_456_789, undefined]);
  expect(stage.pictures[0]).toMatchObject({ surface: canvas, widthPx: 640, heightPx: 480 });
  expect([canvas.width, canvas.height]).toEqual([640, 480]);
  expect(drawn).toHaveBeenCalledTimes(2);
  expect(frame.close).toHaveBeenCalledOnce();
});

it("tells how many pictures the decoder has taken, and not those that wait for it", () => {
  const stage = open();
  for (let number = 1; number <= 3; number++) stage.socket.onmessage?.(message(number, number === 1));
  expect(stage.socket.sent).toEqual([]);
  stage.decoder.decodeQueueSize = 1;
  stage.decoder.ondequeue?.();
  stage.decoder.ondequeue?.();
  expect(stage.socket.sent).toEqual(["2"]);
  stage.decoder.decodeQueueSize = 0;
  stage.decoder.ondequeue?.();
  expect(stage.socket.sent).toEqual(["2", "3"]);
});

const ENDS: Record<string, [(stage: ReturnType<typeof open>) => void, string]> = {
  "the decoder fails": [(stage) => stage.decoder.callbacks.error(new Error("bad slice")), "bad slice"],
  "the socket closes with a reason": [(stage) => stage.socket.onclose?.({ reason: "Signed out." }), "Signed out."],
  "the socket closes without one": [(stage) => stage.socket.onclose?.({ reason: "" }), "The video connection broke."],
  "a message is no packet": [(stage) => stage.socket.onmessage?.({ data: new ArrayBuffer(30) }), "can not be read"],
  "the stream does not begin at a keyframe": [(stage) => stage.socket.onmessage?.(message(1, false)), "key frame"],
};
for (const [name, [happens, because]] of Object.entries(ENDS)) {
  it(`says once that it broke, and lets everything go, when ${name}`, () => {
    const stage = open();
    happens(stage);
    stage.decoder.callbacks.error(new Error("again"));
    expect(stage.broken).toHaveLength(1);
    expect(stage.broken[0]).toContain(because);
    expect(stage.socket.closed).toBe(true);
    expect(stage.decoder.state).toBe("closed");
  });
}

it("shows nothing any more once it is closed", () => {
  const stage = open();
  stage.socket.onmessage?.(message(1, true));
  stage.transport.close();
  const frame = stage.decoder.gives(100_000);
  expect(stage.pictures).toEqual([]);
  expect(stage.broken).toEqual([]);
  expect(frame.close).toHaveBeenCalledOnce();
});
