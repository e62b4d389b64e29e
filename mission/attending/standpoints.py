# SPDX-License-Identifier: Apache-2.0
"""Where the robot can stand, how far it is to drive there, and what can be seen from there."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from mission.costmap import FORBIDDEN, CostField
from mission.raster import Mask
from patrol.checks import Floats
from patrol.geometry import Pose2

_STRIDE = 2
_NEAR_CELLS = 6
_FAR_M = 80.0
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=np.uint8)
_SQUARE = np.ones((3, 3), dtype=np.uint8)


class Standpoints:
    """One picture of the costmap seen from ``pose``. ``obstacles`` (rows, cols) stop a look."""

    def __init__(self, field: CostField, obstacles: Mask, pose: Pose2) -> None:
        self._lattice, self._obstacles, self._pose = field.lattice, obstacles, pose
        self._reachable = _connected(field.weight < FORBIDDEN, self._lattice.cells([(pose.x_m, pose.y_m)])[0])
        self._hops = _hops_from(self._reachable[::_STRIDE, ::_STRIDE], self._lattice.cells([(pose.x_m, pose.y_m)])[0] // _STRIDE)

    @property
    def any(self) -> bool:
        """Whether there is any place to go to."""
        return bool(self._reachable.any())

    def near(self, place_m: Floats, within_m: float, most: int) -> Floats:
        """Evenly spread places (N, 2) m in map that can be driven to, within ``within_m`` of ``place_m`` (2,); ``most`` at most,
        and where the robot stands."""
        rows, columns = np.nonzero(self._reachable[::_STRIDE, ::_STRIDE])
        places = self._lattice.centres_m(np.column_stack((rows, columns)) * _STRIDE)
        places = places[np.hypot(*(places - place_m).T) <= within_m]
        step = max(1, math.ceil(math.sqrt(len(places) / most)))
        if step > 1:
            cells = self._lattice.cells(places) // _STRIDE
            places = places[(cells % step == 0).all(axis=1)]
        here: Floats = np.array([(self._pose.x_m, self._pose.y_m)])
        return np.vstack((here, places[:most]))

    def is_reachable(self, places_m: Floats) -> Mask:
        """Mask (N,) of the places (N, 2) m in map that can be driven to."""
        reachable: Mask = self._lattice.sample(self._reachable, places_m, 0.0) > 0.0
        return reachable

    def way_m(self, places_m: Floats) -> Floats:
        """About how far it is to drive (N,) m to places (N, 2) m in map; infinite where that is not known."""
        cells = np.minimum(self._lattice.cells(places_m) // _STRIDE, np.array(self._hops.shape) - 1)
        hops = self._hops[np.maximum(cells[:, 0], 0), np.maximum(cells[:, 1], 0)]
        straight = np.hypot(*(places_m - (self._pose.x_m, self._pose.y_m)).T)
        return np.where(np.isfinite(hops), np.maximum(hops * _STRIDE * self._lattice.resolution_m, straight), np.inf)

    def sees(self, places_m: Floats, targets_m: Floats, short_m: float = 0.0) -> Mask:
        """Mask (N, K): whether nothing stands between each place (N, 2) and target (K, 2) m in map, up to ``short_m`` before the
        target."""
        way = targets_m[None, :, :] - places_m[:, None, :]
        length = np.hypot(way[..., 0], way[..., 1])
        count = max(2, math.ceil(float(length.max(initial=0.0)) / self._lattice.resolution_m) + 1)
        far = np.clip(1.0 - short_m / np.maximum(length, 1e-9), 0.0, 1.0)
        clear = np.ones(length.shape, dtype=np.bool_)
        for share in np.linspace(0.0, 1.0, count):
            points = places_m[:, None, :] + way * (share * far)[..., None]
            stops = self._lattice.sample(self._obstacles, points.reshape(-1, 2), 1.0) > 0.0
            clear &= ~stops.reshape(length.shape)
        return clear


def _connected(free: Mask, cell: npt.NDArray[np.int64]) -> Mask:
    """The part of ``free`` that holds the cell, or the nearest free cell beside it; nothing where there is none."""
    _, labels = cv2.connectedComponents(free.astype(np.uint8), connectivity=4)
    row, column = (int(part) for part in cell)
    low_row, low_column = max(row - _NEAR_CELLS, 0), max(column - _NEAR_CELLS, 0)
    around = labels[low_row : row + _NEAR_CELLS + 1, low_column : column + _NEAR_CELLS + 1]
    rows, columns = np.nonzero(around)
    if not rows.size:
        return np.zeros_like(free)
    nearest = int(np.argmin(np.hypot(rows + low_row - row, columns + low_column - column)))
    connected: Mask = labels == around[rows[nearest], columns[nearest]]
    return connected


def _hops_from(free: Mask, cell: npt.NDArray[np.int64]) -> Floats:
    """How many cells it is to walk from ``cell`` to each free one; infinite beyond ``_FAR_M`` and where nothing leads to."""
    hops = np.full(free.shape, np.inf)
    grown = np.zeros(free.shape, dtype=np.uint8)
    row, column = (int(part) for part in cell)
    grown[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4] = 1
    grown &= free
    hops[grown.astype(np.bool_)] = 0.0
    open_cells = free.astype(np.uint8)
    for hop in range(1, round(_FAR_M / 0.4)):
        wider = np.minimum(cv2.dilate(grown, _CROSS if hop % 2 else _SQUARE), open_cells)
        fresh = wider > grown
        if not fresh.any():
            break
        hops[fresh] = hop
        grown = wider
    return hops
