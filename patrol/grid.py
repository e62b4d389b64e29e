# SPDX-License-Identifier: Apache-2.0
"""Occupancy grid in the map frame (nav_msgs/OccupancyGrid)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import frozen_array, require_finite, require_positive

UNKNOWN = -1
FREE = 0
OCCUPIED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OccupancyGrid:
    """``cells`` (H, W) int8: -1 unknown, 0 free ... 100 occupied. Row 0 is the lowest y, column 0 the lowest x; the corner
    of cell (0, 0) lies at (``origin_x_m``, ``origin_y_m``) in ``map``."""

    stamp_ns: int
    resolution_m: float
    origin_x_m: float
    origin_y_m: float
    cells: npt.NDArray[np.int8]

    def __post_init__(self) -> None:
        require_positive("resolution_m", self.resolution_m)
        require_finite("origin_x_m", self.origin_x_m)
        require_finite("origin_y_m", self.origin_y_m)
        object.__setattr__(self, "cells", frozen_array("cells", self.cells, (None, None), np.int8))

    def rows_cols(self, points_m: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Row and column (N, 2) of points (N, 2) m in map; may lie outside the grid."""
        points = np.asarray(points_m, dtype=np.float64)
        col = np.floor((points[:, 0] - self.origin_x_m) / self.resolution_m)
        row = np.floor((points[:, 1] - self.origin_y_m) / self.resolution_m)
        return np.column_stack((row, col)).astype(np.int64)

    def centres_m(self, rows_cols: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Centres (N, 2) m in map of cells given as (N, 2) row and column."""
        cells = np.asarray(rows_cols, dtype=np.float64)
        x = self.origin_x_m + (cells[:, 1] + 0.5) * self.resolution_m
        y = self.origin_y_m + (cells[:, 0] + 0.5) * self.resolution_m
        return np.column_stack((x, y))

    def contains(self, rows_cols: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Mask (N,) of cells that lie on the grid."""
        height, width = self.cells.shape
        row, col = rows_cols[:, 0], rows_cols[:, 1]
        inside: npt.NDArray[np.bool_] = (row >= 0) & (row < height) & (col >= 0) & (col < width)
        return inside
