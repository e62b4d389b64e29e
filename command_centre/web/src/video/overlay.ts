// SPDX-License-Identifier: Apache-2.0
/** Draws a picture's boxes over it, in the picture's own pixels. */
import type { PictureBox } from "../generated/wire";
import type { ShownPicture } from "./transport";

export const LABEL_COLOURS: Record<string, string> = {
  person: "#ff6b6b",
  vehicle: "#ffb454",
  animal: "#7ee0a1",
  object: "#c39bff",
};
const FONT = "600 13px system-ui, 'DejaVu Sans', sans-serif";

export function drawOverlay(canvas: HTMLCanvasElement, picture: ShownPicture): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const density = window.devicePixelRatio;
  const width = picture.surface.clientWidth;
  const height = picture.surface.clientHeight;
  if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
  }
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  const { widthPx, heightPx, metadata } = picture;
  if (!metadata || !widthPx || !heightPx) return;
  const scale = Math.min(width / widthPx, height / heightPx);
  const left = (width - widthPx * scale) / 2;
  const top = (height - heightPx * scale) / 2;
  for (const box of metadata.boxes) drawBox(context, box, scale, left, top, left + widthPx * scale);
}

function drawBox(
  context: CanvasRenderingContext2D,
  box: PictureBox,
  scale: number,
  left: number,
  top: number,
  right: number,
): void {
  const [x0, y0, x1, y1] = box.box_px;
  const x = left + x0 * scale;
  const y = top + y0 * scale;
  const colour = LABEL_COLOURS[box.label] ?? "#d7dee7";
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.setLineDash(box.state === "confirmed" ? [] : [5, 4]);
  context.strokeRect(x, y, (x1 - x0) * scale, (y1 - y0) * scale);
  context.setLineDash([]);
  context.font = FONT;
  const text = `${box.label} ${box.track_id} · ${Math.round(box.score * 100)} %`;
  const width = context.measureText(text).width + 10;
  const labelTop = Math.max(top, y - 20);
  const labelLeft = Math.max(left, Math.min(x - 1, right - width));
  context.fillStyle = colour;
  context.fillRect(labelLeft, labelTop, width, 19);
  context.fillStyle = "#0b0f14";
  context.fillText(text, labelLeft + 5, labelTop + 14);
}
