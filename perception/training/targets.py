# SPDX-License-Identifier: Apache-2.0
"""Which cell answers for which thing.

A thing belongs to the levels whose size range holds it, and there to the cells within one and a half strides of its middle
(centre sampling; Tian et al., "FCOS", ICCV 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, Floats32
from perception.training.architecture import STRIDES_PX
from perception.training.augment import Crop, Size

_SIZE_RANGES_PX = {8: (0.0, 56.0), 16: (36.0, 132.0), 32: (92.0, 1e9)}
_RADIUS_STRIDES = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Per cell (N = all cells of all levels): class index or -1 (nothing), -2 (do not ask), and box (N, 4) px."""

    classes: npt.NDArray[np.int64]
    boxes: Floats32


def cell_centres(size_px: Size) -> tuple[Floats, Floats]:
    """Centres (N, 2) px and strides (N,) px of all cells of a training example of this width and height."""
    centres, strides = [], []
    for stride in STRIDES_PX:
        y, x = np.meshgrid(np.arange(size_px[1] // stride), np.arange(size_px[0] // stride), indexing="ij")
        centres.append((np.stack((x, y), axis=-1).reshape(-1, 2) + 0.5) * stride)
        strides.append(np.full(x.size, float(stride)))
    return np.concatenate(centres), np.concatenate(strides)


def assign(crop: Crop, centres: Floats, strides: Floats) -> Targets:
    """Give every cell its target; where two things claim a cell the smaller one gets it."""
    classes = np.full(len(centres), -1, dtype=np.int64)
    boxes = np.zeros((len(centres), 4), dtype=np.float32)
    area = (crop.boxes[:, 2] - crop.boxes[:, 0]) * (crop.boxes[:, 3] - crop.boxes[:, 1])
    for index in np.flatnonzero(~crop.counted):
        box = crop.boxes[index]
        classes[((centres >= box[:2] - 4.0) & (centres <= box[2:] + 4.0)).all(axis=1)] = -2
    for index in sorted(np.flatnonzero(crop.counted), key=lambda item: -area[item]):
        box = crop.boxes[index]
        middle, long_px = 0.5 * (box[:2] + box[2:]), float((box[2:] - box[:2]).max())
        near = (np.abs(centres - middle) < _RADIUS_STRIDES * strides[:, None]).all(axis=1)
        inside = ((centres > box[:2] - 0.5 * strides[:, None]) & (centres < box[2:] + 0.5 * strides[:, None])).all(axis=1)
        fitting = np.isin(strides, [s for s, (low, high) in _SIZE_RANGES_PX.items() if low <= long_px < high])
        own = near & inside & fitting
        classes[own], boxes[own] = crop.classes[index], box
    return Targets(classes=classes, boxes=boxes)
