// SPDX-License-Identifier: Apache-2.0
/** Unpacks and colours the occupancy grid beside the page's own thread: a large one would hold up the live picture. */
import { paint } from "./grid-picture";

/** A grid as it came, numbered so that the answer can be told from a later one's. */
export interface GridWanted {
  number: number;
  pngBase64: string;
}
export interface GridPainted {
  number: number;
  picture: ImageBitmap;
}

const scope = self as unknown as {
  postMessage(message: GridPainted, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<GridWanted>) => void) | null;
};

scope.onmessage = ({ data }) => {
  void painted(data.pngBase64).then((picture) => scope.postMessage({ number: data.number, picture }, [picture]));
};

async function painted(pngBase64: string): Promise<ImageBitmap> {
  const bytes = Uint8Array.from(atob(pngBase64), (char) => char.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const picture = context.getImageData(0, 0, canvas.width, canvas.height);
  paint(picture.data);
  return createImageBitmap(picture);
}
