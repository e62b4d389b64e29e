# SPDX-License-Identifier: Apache-2.0
"""Raw heads with anchors, as Open Model Zoo's person-vehicle-bike-detection-2004 has them when its heads are its outputs.

An ATSS head (Zhang et al., "Bridging the Gap Between Anchor-based and Anchor-free Detection", CVPR 2020) on five levels.
Level l has stride 8 * 2^l and three anchors per cell; score = sigmoid(class) * sigmoid(centreness).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from patrol.checks import Floats32
from perception.boxes import logistic

_LEVELS = 5
_ANCHOR_STRIDES = 8.0
_RATIOS = ((math.sqrt(2.0), 1.0 / math.sqrt(2.0)), (1.0, 1.0), (1.0 / math.sqrt(2.0), math.sqrt(2.0)))
_DELTA_SCALE = np.array([0.1, 0.1, 0.2, 0.2], dtype=np.float32)
_LOG_SIZE_MAX = 4.0


def decode_anchors(outputs: Mapping[str, Floats32]) -> tuple[Floats32, Floats32]:
    """Boxes (N, 4) in input pixels and scores (N, C) of all levels and anchors, from the tensors ``cls0`` .. ``cls4``
    (1, A * C, H, W), ``ctr0`` .. (1, A, H, W) and ``box0`` .. (1, A * 4, H, W)."""
    boxes, scores = [], []
    for level in range(_LEVELS):
        classes, centre, deltas = (_per_anchor(outputs[f"{name}{level}"]) for name in ("cls", "ctr", "box"))
        rows, columns = outputs[f"cls{level}"].shape[2:]
        boxes.append(_boxes_from_deltas(_anchors(rows, columns, 8 * 2**level), deltas))
        scores.append(logistic(classes) * logistic(centre))
    return np.concatenate(boxes), np.concatenate(scores)


def _per_anchor(head: Floats32) -> Floats32:
    """(1, A * C, H, W) as (H * W * A, C)."""
    _, channels, rows, columns = head.shape
    split: Floats32 = head.reshape(len(_RATIOS), channels // len(_RATIOS), rows, columns)
    return split.transpose(2, 3, 0, 1).reshape(-1, channels // len(_RATIOS))


@lru_cache(maxsize=32)
def _anchors(rows: int, columns: int, stride_px: int) -> Floats32:
    """Anchors (H * W * A, 4) as centre x, centre y, width, height in px; centred on the cells' upper left corners."""
    y, x = np.meshgrid(np.arange(rows) * stride_px, np.arange(columns) * stride_px, indexing="ij")
    centres = np.repeat(np.stack((x, y), axis=-1).reshape(-1, 1, 2), len(_RATIOS), axis=1)
    sizes = np.broadcast_to(np.array(_RATIOS) * _ANCHOR_STRIDES * stride_px, centres.shape)
    return np.concatenate((centres, sizes), axis=2).reshape(-1, 4).astype(np.float32)


def _boxes_from_deltas(anchors: Floats32, deltas: Floats32) -> Floats32:
    scaled = deltas * _DELTA_SCALE
    centres = anchors[:, :2] + scaled[:, :2] * anchors[:, 2:]
    half = 0.5 * anchors[:, 2:] * np.exp(np.minimum(scaled[:, 2:], _LOG_SIZE_MAX))
    boxes: Floats32 = np.concatenate((centres - half, centres + half), axis=1)
    return boxes
