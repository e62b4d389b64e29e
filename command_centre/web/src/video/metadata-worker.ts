// SPDX-License-Identifier: Apache-2.0
/** Reads each encoded picture's metadata on its way to the decoder, and passes the picture on untouched. */
import { readMetadata } from "./sei";
import type { PictureFacts } from "./matcher";

interface EncodedPicture {
  data: ArrayBuffer;
  getMetadata(): { rtpTimestamp?: number };
}
interface Transformer {
  readable: ReadableStream<EncodedPicture>;
  writable: WritableStream<EncodedPicture>;
}

const scope = self as unknown as {
  postMessage(facts: PictureFacts): void;
  onrtctransform: ((event: { transformer: Transformer }) => void) | null;
};

scope.onrtctransform = ({ transformer }) => {
  const reading = new TransformStream<EncodedPicture, EncodedPicture>({
    transform(picture, controller) {
      const timestamp = picture.getMetadata().rtpTimestamp;
      if (timestamp !== undefined) {
        scope.postMessage({ timestamp, metadata: readMetadata(new Uint8Array(picture.data)) });
      }
      controller.enqueue(picture);
    },
  });
  void transformer.readable.pipeThrough(reading).pipeTo(transformer.writable).catch(() => undefined);
};
