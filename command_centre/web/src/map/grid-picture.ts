// SPDX-License-Identifier: Apache-2.0
/** The occupancy grid as a picture for a dark map: free ground is a faint floor, walls are bright, the unknown is not drawn. */

const FREE_FROM = 200;
const OCCUPIED_TO = 90;
const [CLEAR, FREE, WALL] = [packed(0, 0, 0, 0), packed(70, 96, 124, 70), packed(205, 222, 240, 235)];
const COLOURS = Uint32Array.from({ length: 256 }, (_, grey) => (grey >= FREE_FROM ? FREE : grey <= OCCUPIED_TO ? WALL : CLEAR));

/** Repaints grey RGBA pixels in place. */
export function paint(pixels: Uint8ClampedArray): void {
  const words = new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4);
  for (let at = 0; at < words.length; at += 1) words[at] = COLOURS[pixels[4 * at] ?? 128] ?? CLEAR;
}

/** Red, green, blue and alpha as they lie in memory. */
function packed(...rgba: [number, number, number, number]): number {
  return new Uint32Array(Uint8Array.of(...rgba).buffer)[0] ?? 0;
}
