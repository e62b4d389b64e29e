# SPDX-License-Identifier: Apache-2.0
"""The ground that somebody out of sight can walk on: every cell of the map that is not occupied, and no way through walls."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from patrol.checks import Floats
from patrol.grid import OccupancyGrid
from patrol.site import Purpose, Site

Mask = npt.NDArray[np.bool_]
_SLIVER_M = 0.05


class WalkableGround:
    """Made anew for every new map. Cells are ``cell_m`` wide or as the map's, whichever is larger; one that holds anything
    occupied is a wall, one that nobody has seen yet is not. Off the map nobody walks."""

    def __init__(self, grid: OccupancyGrid, site: Site | None, *, cell_m: float, occupied_from: int) -> None:
        factor = max(1, round(cell_m / grid.resolution_m))
        self.cell_m = factor * grid.resolution_m
        self._origin = np.array((grid.origin_x_m, grid.origin_y_m))
        walls = _coarse(grid.cells >= occupied_from, factor)
        self.walls: Mask = walls
        if site is not None:
            self.walls |= self._drawn(site, walls.shape)

    def is_free(self, points_m: npt.ArrayLike) -> Mask:
        """Mask (N,) of the points (N, 2) m in map that one can stand on."""
        return ~self._is_wall(self._cells(np.asarray(points_m, dtype=np.float64)))

    def freed(self, points_m: Floats) -> Floats:
        """The points (N, 2) m in map, those in a wall moved to the nearest free cell: a map that has just drawn somebody who
        stood still must not wall them in."""
        stuck = ~self.is_free(points_m)
        if not stuck.any() or self.walls.all():
            return points_m
        _, labels = cv2.distanceTransformWithLabels(self.walls.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        rows, columns = np.nonzero(~self.walls)
        cell_of = np.zeros((int(labels.max()) + 1, 2), dtype=np.int64)
        cell_of[labels[rows, columns]] = np.column_stack((columns, rows))
        most = np.array(self.walls.shape[::-1]) - 1
        column, row = np.clip(self._cells(points_m[stuck]), 0, most).T
        moved = points_m.copy()
        moved[stuck] = self._origin + (cell_of[labels[row, column]] + 0.5) * self.cell_m
        return moved

    def walk(self, start_m: Floats, end_m: Floats) -> Mask:
        """Mask (N,) of the straight steps (N, 2) m to (N, 2) m in map that meet no wall, not even through the gap between two
        cells that touch at a corner."""
        longest_m = float(np.abs(end_m - start_m).max(initial=0.0))
        count = max(1, int(np.ceil(longest_m / (0.5 * self.cell_m))))
        share = np.linspace(0.0, 1.0, count + 1)[:, None, None]
        cells = self._cells(start_m + share * (end_m - start_m))
        before, after = cells[:-1], cells[1:]
        corner_a = np.stack((before[..., 0], after[..., 1]), axis=-1)
        corner_b = np.stack((after[..., 0], before[..., 1]), axis=-1)
        squeezes = self._is_wall(corner_a) & self._is_wall(corner_b)
        blocked: Mask = np.logical_or.reduce(self._is_wall(after) | squeezes, axis=0)
        return ~blocked

    def _cells(self, points_m: Floats) -> npt.NDArray[np.int64]:
        """Column and row (..., 2) of points (..., 2) m in map."""
        cells: npt.NDArray[np.int64] = np.floor((points_m - self._origin) / self.cell_m).astype(np.int64)
        return cells

    def _is_wall(self, cells: npt.NDArray[np.int64]) -> Mask:
        rows, columns = self.walls.shape
        column, row = cells[..., 0], cells[..., 1]
        on = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        wall: Mask = ~on | self.walls[np.where(on, row, 0), np.where(on, column, 0)]
        return wall

    def _drawn(self, site: Site, shape: tuple[int, ...]) -> Mask:
        """What the site file says nobody walks through: outer walls but for the mouths of corridors, and fences. The doors and
        gates in them stay open."""
        openings = [door.line for door in site.doors] + [gate.line for gate in site.gates]
        corridors = [zone.outline.buffer(_SLIVER_M) for zone in site.zones if zone.purpose is Purpose.CORRIDOR]
        free = shapely.union_all([*corridors, *(line.buffer(0.5) for line in openings)])
        lines: list[BaseGeometry] = [building.outline.exterior for building in site.buildings]
        lines += [fence.line for fence in site.fences]
        canvas = np.zeros(shape, dtype=np.uint8)
        for line in shapely.get_parts(shapely.difference(lines, free)) if lines else ():
            cells = self._cells(shapely.get_coordinates(line)).astype(np.int32)
            cv2.polylines(canvas, [cells], isClosed=False, color=1, lineType=cv2.LINE_8)
        return canvas.astype(np.bool_)


def _coarse(occupied: Mask, factor: int) -> Mask:
    """Cells ``factor`` times as wide: a wall where anything in them is occupied."""
    rows, columns = (-(-size // factor) for size in occupied.shape)
    padded = np.zeros((rows * factor, columns * factor), dtype=np.bool_)
    padded[: occupied.shape[0], : occupied.shape[1]] = occupied
    coarse: Mask = np.logical_or.reduce(padded.reshape(rows, factor, columns, factor), axis=(1, 3))
    return coarse
