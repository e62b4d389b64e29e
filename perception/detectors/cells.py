# SPDX-License-Identifier: Apache-2.0
"""Anchor-free grids, as YOLOX and the project's own network have them: a box per cell of strides 8, 16 and 32 px."""

from __future__ import annotations

import numpy as np

from patrol.checks import Floats32
from patrol.errors import BadValue

STRIDES_PX = (8, 16, 32)


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
