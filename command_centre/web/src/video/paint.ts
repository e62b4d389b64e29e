// SPDX-License-Identifier: Apache-2.0
/** What both transports share that decode pictures themselves: the kind of stream, and how a picture comes onto a canvas. */

/** H.264 Constrained Baseline 3.1 in Annex B, as the robot encodes it. */
export const CODEC: VideoDecoderConfig = { codec: "avc1.42E01F", optimizeForLatency: true };

/** Draw the picture at its own size and give it back to the decoder. */
export function paint(canvas: HTMLCanvasElement, picture: VideoFrame): { widthPx: number; heightPx: number; timestamp: number } {
  const { displayWidth: widthPx, displayHeight: heightPx, timestamp } = picture;
  if (canvas.width !== widthPx || canvas.height !== heightPx) {
    canvas.width = widthPx;
    canvas.height = heightPx;
  }
  canvas.getContext("2d", { alpha: false })?.drawImage(picture, 0, 0);
  picture.close();
  return { widthPx, heightPx, timestamp };
}
