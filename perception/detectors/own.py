# SPDX-License-Identifier: Apache-2.0
"""The project's own network: small, anchor-free, trained by ``perception.training`` on the project's own renderings.

Output ``levels`` (1, N, 4 + C): per cell of strides 8, 16, 32 px its box (offset from the cell's corner and log size, in
strides, as YOLOX has it) and one logit per class whose target was the box's overlap with the truth (quality focal loss; Li
et al., "Generalized Focal Loss", NeurIPS 2020).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from patrol.percepts import Detection, Label
from patrol.sensors import Image
from perception.boxes import logistic
from perception.detectors.onnx_model import OnnxModel, Selection, batch_from_pixels, colour_pixels, pick, resized
from perception.detectors.yolox import decode_grid

LABELS: tuple[Label | None, ...] = (Label.PERSON, Label.VEHICLE, Label.ANIMAL)
SIZE_STEP_PX = 32


class OwnDetector:
    """Input BGR 0..255, any size in multiples of 32 px; the picture is stretched to it."""

    def __init__(self, path: Path, selection: Selection, *, input_width_px: int) -> None:
        """Open ``path``. Raises ModelMissing."""
        self._model = OnnxModel(path)
        self._selection = selection
        self._width_px = _to_step(input_width_px)

    def detect(self, image: Image) -> tuple[Detection, ...]:
        pixels = colour_pixels(image)
        width = self._width_px
        height = _to_step(width * image.height_px / image.width_px)
        cells = self._model.run(batch_from_pixels(resized(pixels, width, height)))["levels"][0]
        scale = np.array([image.width_px / width, image.height_px / height] * 2, dtype=np.float32)
        boxes = decode_grid(cells, width, height) * scale
        return pick(image, LABELS, self._selection, boxes=boxes, scores=logistic(cells[:, 4:]))


def _to_step(size_px: float) -> int:
    return max(SIZE_STEP_PX, round(size_px / SIZE_STEP_PX) * SIZE_STEP_PX)
