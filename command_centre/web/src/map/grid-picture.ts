// SPDX-License-Identifier: Apache-2.0
/** The occupancy grid as a picture for a dark map: free ground is a faint floor, walls are bright, the unknown is not drawn. */
import type { MapUpdate } from "../generated/wire";

const FREE_FROM = 200;
const OCCUPIED_TO = 90;

export async function gridPicture(map: MapUpdate): Promise<string> {
  const bytes = Uint8Array.from(atob(map.png_base64), (char) => char.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.drawImage(bitmap, 0, 0);
  const picture = context.getImageData(0, 0, canvas.width, canvas.height);
  paint(picture.data);
  context.putImageData(picture, 0, 0);
  return canvas.toDataURL("image/png");
}

/** Repaints grey RGBA pixels in place. */
export function paint(pixels: Uint8ClampedArray): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const grey = pixels[at] ?? 128;
    const [red, green, blue, alpha] = grey >= FREE_FROM ? [70, 96, 124, 70] : grey <= OCCUPIED_TO ? [205, 222, 240, 235] : [0, 0, 0, 0];
    pixels.set([red, green, blue, alpha] as number[], at);
  }
}
