# SPDX-License-Identifier: Apache-2.0
"""Folders of labelled pictures, as ``sim.dataset`` writes them.

``labels.json``: ``{"images": [{"file": NAME, "boxes": [{"label", "box": [x0, y0, x1, y1], "visible", "pixels"}]}]}``; ``visible``
is the fraction of the thing that nothing hides, ``pixels`` how many it has in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from patrol.checks import Bytes, Floats
from patrol.config import read_json, validate_config
from patrol.errors import BadInput, Fault
from perception.training.architecture import CLASSES

VISIBLE_MIN = 0.30
HEIGHT_MIN_PX = 14.0
FILL_MIN = 0.20


class _LabelledBox(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    label: str
    box: tuple[float, float, float, float]
    visible: float = 1.0
    pixels: int | None = None

    def is_plain(self) -> bool:
        """Whether enough of the thing shows, is large enough, and fills its box, so that a detector can be asked for it."""
        width_px, height_px = self.box[2] - self.box[0], self.box[3] - self.box[1]
        filled = self.pixels is None or self.pixels >= FILL_MIN * width_px * height_px
        return self.visible >= VISIBLE_MIN and height_px >= HEIGHT_MIN_PX and filled


class _LabelledImage(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    file: str
    boxes: tuple[_LabelledBox, ...] = ()


class _LabelFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    images: tuple[_LabelledImage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One picture's truth: ``boxes`` (N, 4) px, ``classes`` (N,) index into CLASSES, ``counted`` (N,) false for boxes that
    are too hidden or too small to be asked for (and no mistake when found). ``hard`` (M, 4) px: where a detector went wrong."""

    path: Path
    boxes: Floats
    classes: npt.NDArray[np.int64]
    counted: npt.NDArray[np.bool_]
    hard: Floats = field(default_factory=lambda: np.zeros((0, 4)))

    def read(self) -> Bytes:
        """Pixels (H, W, 3) uint8, BGR. Raises BadInput when the file is no picture."""
        return _pixels(self.path)


@lru_cache(maxsize=6000)
def _pixels(path: Path) -> Bytes:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise BadInput(path, [Fault(field="(file)", value=path.name, because="is not a picture")])
    read = np.asarray(pixels, dtype=np.uint8)
    read.setflags(write=False)
    return read


def read_folder(folder: Path) -> tuple[Labelled, ...]:
    """All labelled pictures of ``folder``. Raises BadInput naming what is wrong with its ``labels.json``."""
    source = folder / "labels.json"
    parsed = validate_config(_LabelFile, read_json(source), source=source)
    return tuple(_labelled(folder, image) for image in parsed.images)


def _labelled(folder: Path, image: _LabelledImage) -> Labelled:
    known = [box for box in image.boxes if box.label in CLASSES]
    boxes = np.array([box.box for box in known], dtype=np.float64).reshape(-1, 4)
    classes = np.array([CLASSES.index(box.label) for box in known], dtype=np.int64)
    counted = np.array([box.is_plain() for box in known], dtype=np.bool_)
    return Labelled(path=folder / image.file, boxes=boxes, classes=classes, counted=counted)
