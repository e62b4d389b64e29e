# SPDX-License-Identifier: Apache-2.0
"""YOLOX-Nano trained on COCO (Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from patrol.checks import Floats32
from patrol.errors import BadValue
from patrol.percepts import Detection, Label
from patrol.sensors import Image
from perception.detectors.onnx_model import OnnxModel, Selection, batch_from_pixels, colour_pixels, pick, resized

INPUT_PX = 416
STRIDES_PX = (8, 16, 32)
_GREY = 114
_COCO_CLASSES = 80
_COCO: dict[int, Label] = {
    0: Label.PERSON,
    **dict.fromkeys((2, 3, 5, 7), Label.VEHICLE),
    **dict.fromkeys(range(14, 24), Label.ANIMAL),
    **dict.fromkeys((1, 24, 26, 28), Label.OBJECT),
}
LABELS: tuple[Label | None, ...] = tuple(_COCO.get(index) for index in range(_COCO_CLASSES))


class YoloxDetector:
    """Input 416 x 416 BGR 0..255; the picture is shrunk to fit and laid at the upper left on grey."""

    def __init__(self, path: Path, selection: Selection) -> None:
        """Open ``path``. Raises ModelMissing."""
        self._model = OnnxModel(path)
        self._selection = selection

    def detect(self, image: Image) -> tuple[Detection, ...]:
        pixels = colour_pixels(image)
        scale = min(INPUT_PX / image.width_px, INPUT_PX / image.height_px)
        size = (round(image.width_px * scale), round(image.height_px * scale))
        canvas = np.full((INPUT_PX, INPUT_PX, 3), _GREY, dtype=np.uint8)
        canvas[: size[1], : size[0]] = resized(pixels, *size)
        (output,) = self._model.run(batch_from_pixels(canvas)).values()
        boxes = decode_grid(output[0], INPUT_PX, INPUT_PX)
        scores = output[0, :, 4:5] * output[0, :, 5:]
        return pick(image, LABELS, self._selection, boxes=boxes / np.float32(scale), scores=scores)


def decode_grid(rows: Floats32, width_px: int, height_px: int) -> Floats32:
    """Boxes (N, 4) px from ``rows`` (N, >= 4): offsets from the cell's corner and log sizes, both in strides, level by level.

    Raises BadValue when N is not the number of cells of a ``width_px`` x ``height_px`` input.
    """
    corners, strides = _cells(width_px, height_px)
    if len(rows) != len(corners):
        raise BadValue(f"rows: {len(rows)} are not the {len(corners)} cells of {width_px} x {height_px}")
    centres = (rows[:, :2] + corners) * strides
    half = 0.5 * np.exp(np.minimum(rows[:, 2:4], 8.0)) * strides
    boxes: Floats32 = np.concatenate((centres - half, centres + half), axis=1)
    return boxes


def _cells(width_px: int, height_px: int) -> tuple[Floats32, Floats32]:
    corners, strides = [], []
    for stride in STRIDES_PX:
        y, x = np.meshgrid(np.arange(height_px // stride), np.arange(width_px // stride), indexing="ij")
        corners.append(np.stack((x, y), axis=-1).reshape(-1, 2))
        strides.append(np.full((x.size, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)
