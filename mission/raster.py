# SPDX-License-Identifier: Apache-2.0
"""Where the cells of a costmap lie, and how polygons and points of the map become cells."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from shapely.geometry import Polygon

from patrol.checks import Floats

Mask = npt.NDArray[np.bool_]
Cells = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """Square cells over a rectangle of ``map``: row 0 has the lowest y, column 0 the lowest x."""

    resolution_m: float
    origin_x_m: float
    origin_y_m: float
    rows: int
    cols: int

    @classmethod
    def around(cls, outline: Polygon, resolution_m: float, margin_m: float) -> Lattice:
        """The lattice that covers ``outline`` (metres in map) with ``margin_m`` on every side."""
        low_x, low_y, high_x, high_y = outline.bounds
        return cls(
            resolution_m=resolution_m,
            origin_x_m=low_x - margin_m,
            origin_y_m=low_y - margin_m,
            rows=math.ceil((high_y - low_y + 2.0 * margin_m) / resolution_m),
            cols=math.ceil((high_x - low_x + 2.0 * margin_m) / resolution_m),
        )

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.cols

    def cells(self, points_m: npt.ArrayLike) -> Cells:
        """Rows and columns (N, 2) of points (N, 2) m in map; they may lie outside."""
        points = np.asarray(points_m, dtype=np.float64).reshape(-1, 2)
        scaled = (points - (self.origin_x_m, self.origin_y_m)) / self.resolution_m
        return np.floor(scaled[:, ::-1]).astype(np.int64)

    def inside(self, cells: Cells) -> Mask:
        """Mask (N,) of the rows and columns (N, 2) that lie on the lattice."""
        row, col = cells[:, 0], cells[:, 1]
        on: Mask = (row >= 0) & (row < self.rows) & (col >= 0) & (col < self.cols)
        return on

    def centres_m(self, cells: Cells) -> Floats:
        """Centres (N, 2) m in map of rows and columns (N, 2)."""
        centres: Floats = (cells[:, ::-1] + 0.5) * self.resolution_m + np.array((self.origin_x_m, self.origin_y_m))
        return centres

    def sample(self, values: npt.NDArray[np.generic], points_m: npt.ArrayLike, outside: float) -> Floats:
        """Values (N,) of the array over the lattice at points (N, 2) m in map; ``outside`` beyond its edge."""
        cells = self.cells(points_m)
        on = self.inside(cells)
        found = np.full(len(cells), outside, dtype=np.float64)
        found[on] = values[cells[on, 0], cells[on, 1]]
        return found

    def fill(self, polygons: Iterable[Polygon]) -> Mask:
        """Mask (rows, cols) of the cells that the polygons touch; holes stay open."""
        canvas = np.zeros(self.shape, dtype=np.uint8)
        for polygon in polygons:
            own = np.zeros(self.shape, dtype=np.uint8)
            cv2.fillPoly(own, [self._pixels(polygon.exterior.coords)], 1)
            holes = [self._pixels(ring.coords) for ring in polygon.interiors]
            if holes:
                cv2.fillPoly(own, holes, 0)
            canvas |= own
        return canvas.astype(np.bool_)

    def _pixels(self, coords: Iterable[tuple[float, ...]]) -> npt.NDArray[np.int32]:
        points = np.array([(point[0], point[1]) for point in coords], dtype=np.float64)
        return self.cells(points)[:, ::-1].astype(np.int32)
