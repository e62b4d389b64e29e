# SPDX-License-Identifier: Apache-2.0
"""Arithmetic on boxes as arrays (N, 4) px: left, top, right, bottom. Everything is vectorised over boxes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, Floats32
from patrol.percepts import Box

Indices = npt.NDArray[np.int64]


def as_array(boxes: tuple[Box, ...] | list[Box]) -> Floats:
    """Boxes as an array (N, 4) px; (0, 4) for none."""
    rows = [(box.x0_px, box.y0_px, box.x1_px, box.y1_px) for box in boxes]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def box_from_row(row: npt.ArrayLike) -> Box:
    """One row (4,) px as a Box. Raises BadValue when it is empty."""
    x0, y0, x1, y1 = (float(value) for value in np.asarray(row, dtype=np.float64))
    return Box(x0_px=x0, y0_px=y0, x1_px=x1, y1_px=y1)


def areas_px2(boxes: Floats) -> Floats:
    """Areas (N,) px²."""
    size: Floats = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)
    return size[:, 0] * size[:, 1]


def iou_matrix(first: Floats, second: Floats) -> Floats:
    """Intersection over union (N, M) of every box of ``first`` (N, 4) with every box of ``second`` (M, 4)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    size = np.maximum(high - low, 0.0)
    shared = size[..., 0] * size[..., 1]
    union = areas_px2(first)[:, None] + areas_px2(second)[None, :] - shared
    overlap: Floats = shared / np.maximum(union, 1e-9)
    return overlap


def enlarged(boxes: Floats, fraction: float) -> Floats:
    """The boxes (N, 4) grown on each side by ``fraction`` of their width and height."""
    size = boxes[:, 2:] - boxes[:, :2]
    grown: Floats = np.concatenate((boxes[:, :2] - fraction * size, boxes[:, 2:] + fraction * size), axis=1)
    return grown


def suppress(boxes: Floats, scores: Floats, iou_max: float) -> Indices:
    """Greedy non-maximum suppression: indices (K,) of the boxes kept, best score first.

    Ties go to the lower index, so that the same input gives the same answer. All overlaps are computed at once; the loop
    runs only over boxes that survive.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = boxes[order]
    rivals = iou_matrix(ranked, ranked) > iou_max
    alive = np.ones(len(order), dtype=np.bool_)
    kept = []
    for rank in range(len(order)):
        if alive[rank]:
            kept.append(rank)
            alive &= ~rivals[rank]
    return order[np.array(kept, dtype=np.int64)].astype(np.int64)


def suppress_per_class(boxes: Floats, scores: Floats, classes: Indices, iou_max: float) -> Indices:
    """``suppress`` within each class: classes are set apart by an offset larger than any box, then handled at once."""
    if len(boxes) == 0:
        return np.zeros(0, dtype=np.int64)
    reach = float(np.abs(boxes).max()) * 2.0 + 1.0
    return suppress(boxes + (classes * reach)[:, None], scores, iou_max)


def logistic(values: Floats32) -> Floats32:
    """1 / (1 + exp(-x)), without overflow."""
    squashed: Floats32 = 0.5 * (np.tanh(0.5 * values) + 1.0)
    return squashed
