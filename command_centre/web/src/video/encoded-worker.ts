// SPDX-License-Identifier: Apache-2.0
/**
 * Stands where WebRTC's encoded pictures go by, before its jitter buffer: reads each one's metadata, and decodes it at once where
 * the browser lets a page do so. WebRTC's own player would hold it back for 40 to 100 ms to even out the pictures' arrival, which
 * is right for a film and wrong for a robot. The picture is passed on untouched, so that the connection asks for what it misses.
 */
import { CODEC } from "./paint";
import { readMetadata } from "./sei";
import type { PictureFacts } from "./matcher";

interface EncodedPicture {
  data: ArrayBuffer;
  type: "key" | "delta" | "empty";
  getMetadata(): { rtpTimestamp?: number };
}
interface Transformer {
  readable: ReadableStream<EncodedPicture>;
  writable: WritableStream<EncodedPicture>;
}

/** Facts of a picture, a decoded picture, or that this browser can not decode the stream at all. */
export type FromWorker = { facts: PictureFacts } | { picture: VideoFrame } | { undecodable: string };

const WAITING_MAX = 8;

const scope = self as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  onrtctransform: ((event: { transformer: Transformer }) => void) | null;
};

/** Decodes what it is given, from a key picture on; after a fault or when it falls behind it waits for the next one. */
class Decoding {
  #decoder: VideoDecoder | null = null;
  #keyWanted = true;
  #hasDecoded = false;

  take(picture: EncodedPicture, timestamp: number): void {
    if (typeof VideoDecoder !== "function" || picture.type === "empty") return;
    if (picture.type !== "key" && (this.#keyWanted || this.#isBehind())) {
      this.#keyWanted = true;
      return;
    }
    this.#keyWanted = false;
    this.#opened().decode(new EncodedVideoChunk({ type: picture.type, timestamp, data: picture.data }));
  }

  #isBehind(): boolean {
    return this.#decoder !== null && this.#decoder.decodeQueueSize > WAITING_MAX;
  }

  #opened(): VideoDecoder {
    if (this.#decoder === null || this.#decoder.state === "closed") {
      this.#decoder = new VideoDecoder({
        output: (picture) => {
          this.#hasDecoded = true;
          scope.postMessage({ picture }, [picture]);
        },
        error: ({ message }) => {
          this.#keyWanted = true;
          if (!this.#hasDecoded) scope.postMessage({ undecodable: message });
        },
      });
      this.#decoder.configure(CODEC);
    }
    return this.#decoder;
  }
}

scope.onrtctransform = ({ transformer }) => {
  const decoding = new Decoding();
  const reading = new TransformStream<EncodedPicture, EncodedPicture>({
    transform(picture, controller) {
      const timestamp = picture.getMetadata().rtpTimestamp;
      if (timestamp !== undefined) {
        scope.postMessage({ facts: { timestamp, metadata: readMetadata(new Uint8Array(picture.data)) } });
        decoding.take(picture, timestamp);
      }
      controller.enqueue(picture);
    },
  });
  void transformer.readable.pipeThrough(reading).pipeTo(transformer.writable).catch(() => undefined);
};
