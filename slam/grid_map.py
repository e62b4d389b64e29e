# SPDX-License-Identifier: Apache-2.0
"""The occupancy grid: evidence of every keyframe's beams, kept so that a keyframe can be taken out and put elsewhere when the
pose graph moves it (log odds after Moravec and Elfes, 1985; beams drawn as polygons).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.geometry import Pose2
from patrol.grid import UNKNOWN, OccupancyGrid
from patrol.sensors import Scan
from slam.config import GridConfig
from slam.scan_points import BodyRate, undistorted_points

_SHIFT_BITS = 4
_UNITS_PER_LOG_ODDS = 100
_BLOCK_CELLS = 256
Cells = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Patch:
    """What one keyframe saw, in base_link: the outline (M, 2) m of free space and the returns (N, 2) m."""

    outline_m: Floats
    hits_m: Floats


@dataclass(frozen=True, slots=True)
class _Window:
    """The cells from ``low`` (column, row) up to ``high``."""

    low: Cells
    high: Cells

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(int(self.low[1]), int(self.high[1])), slice(int(self.low[0]), int(self.high[0]))

    def joined(self, other: _Window) -> _Window:
        """The smallest window that holds both."""
        return _Window(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


class GridMap:
    """Evidence per cell in an area that grows as needed. Row 0 is the lowest y."""

    def __init__(self, config: GridConfig, base_from_lidar: Pose2) -> None:
        self._config, self._base_from_lidar = config, base_from_lidar
        self._evidence = np.zeros((0, 0), dtype=np.int32)
        self._seen = np.zeros((0, 0), dtype=np.int32)
        self._origin: Cells = np.zeros(2, dtype=np.int64)
        self._patches: list[_Patch] = []
        self._drawn: list[Pose2] = []
        self._stale: deque[int] = deque()
        self._wanted: Sequence[Pose2] = ()
        self._table = _probability_table(config)
        self._cells: npt.NDArray[np.int8] = np.zeros((0, 0), dtype=np.int8)
        self._changed: _Window | None = None

    def add(self, scan: Scan, rate: BodyRate, map_from_base: Pose2) -> None:
        """Draw one more keyframe."""
        self._patches.append(self._patch(scan, rate))
        self._drawn.append(map_from_base)
        self._draw(len(self._patches) - 1, 1)

    def move_to(self, poses: Sequence[Pose2]) -> None:
        """Note where the keyframes stand after a loop closure; ``redraw`` then brings the grid there, the newest first."""
        self._wanted = poses
        newest_first = reversed(range(len(self._drawn)))
        self._stale = deque(i for i in newest_first if self._differs(self._drawn[i], poses[i]))

    def redraw(self, patches_max: int | None = None) -> bool:
        """Move up to ``patches_max`` keyframes (None: all) to where they belong; whether any was moved."""
        count = len(self._stale) if patches_max is None else min(patches_max, len(self._stale))
        for _ in range(count):
            index = self._stale.popleft()
            self._draw(index, -1)
            self._drawn[index] = self._wanted[index]
            self._draw(index, 1)
        return count > 0

    def grid(self, stamp_ns: int) -> OccupancyGrid:
        """The grid as drawn so far; a single unknown cell before the first keyframe."""
        if self._changed is not None:
            self._cells[self._changed.slices] = self._told(self._changed.slices)
            self._changed = None
        resolution = self._config.resolution_m
        return OccupancyGrid(
            stamp_ns=stamp_ns,
            resolution_m=resolution,
            origin_x_m=float(self._origin[0] * resolution),
            origin_y_m=float(self._origin[1] * resolution),
            cells=self._cells if self._cells.size else np.full((1, 1), UNKNOWN, dtype=np.int8),
        )

    def _told(self, window: tuple[slice, slice]) -> npt.NDArray[np.int8]:
        """The cells of ``window`` as the evidence has them."""
        cells = self._table.take(self._evidence[window] + len(self._table) // 2, mode="clip")
        cells[self._seen[window] == 0] = UNKNOWN
        return cells

    def _differs(self, first: Pose2, second: Pose2) -> bool:
        turn = abs((first.inverse() @ second).yaw_rad)
        return first.distance_to(second) > 0.5 * self._config.resolution_m or turn * 10.0 > self._config.resolution_m

    def _patch(self, scan: Scan, rate: BodyRate) -> _Patch:
        """Each beam frees the wedge of its own width up to half a cell before its return; no return frees what is set."""
        config = self._config
        returned = scan.valid()
        hits, _ = undistorted_points(scan, self._base_from_lidar, rate, range_max_m=config.range_max_m)
        reach = np.where(returned, scan.ranges_m - 0.5 * config.resolution_m, 0.0)
        reach[np.isposinf(scan.ranges_m)] = config.free_without_return_m
        reach = np.repeat(np.clip(reach, 0.0, config.range_max_m), 2)
        edge_rad = np.tile((-0.5, 0.5), returned.size) * scan.angle_step_rad
        angles = np.repeat(scan.angles_rad(), 2) + edge_rad
        outline = self._base_from_lidar.apply(np.column_stack((reach * np.cos(angles), reach * np.sin(angles))))
        laser = (self._base_from_lidar.x_m, self._base_from_lidar.y_m)
        return _Patch(np.vstack((laser, outline)), hits)

    def _draw(self, index: int, sign: int) -> None:
        """Add (1) or take away (-1) the evidence of one keyframe where it was last drawn."""
        pose, patch, resolution = self._drawn[index], self._patches[index], self._config.resolution_m
        hits = np.floor(pose.apply(patch.hits_m) / resolution).astype(np.int64)
        outline = pose.apply(patch.outline_m) / resolution
        low = np.floor(np.vstack((outline, hits)).min(axis=0)).astype(np.int64) - 1
        high = np.ceil(np.vstack((outline, hits)).max(axis=0)).astype(np.int64) + 2
        self._make_room(low, high)
        free = np.zeros(tuple((high - low)[::-1]), dtype=np.uint8)
        # fillPoly puts the centre of pixel 0 at 0, cells have theirs at one half.
        corners = np.round((outline - low - 0.5) * 2**_SHIFT_BITS).astype(np.int32)
        cv2.fillPoly(free, [corners], 1, lineType=cv2.LINE_8, shift=_SHIFT_BITS)
        hit = np.zeros_like(free)
        hit[hits[:, 1] - low[1], hits[:, 0] - low[0]] = 1
        free[hit == 1] = 0
        changed = _Window(low - self._origin, high - self._origin)
        window = changed.slices
        hit_units = round(sign * self._config.hit_log_odds * _UNITS_PER_LOG_ODDS)
        miss_units = round(sign * self._config.miss_log_odds * _UNITS_PER_LOG_ODDS)
        self._evidence[window] += hit_units * hit.astype(np.int32) - miss_units * free.astype(np.int32)
        self._seen[window] += sign * (hit | free).astype(np.int32)
        self._changed = changed if self._changed is None else self._changed.joined(changed)

    def _make_room(self, low: Cells, high: Cells) -> None:
        """Grow the area by whole blocks until it holds the cells from ``low`` up to ``high``."""
        height, width = self._evidence.shape
        end = self._origin + np.array([width, height])
        if width and (low >= self._origin).all() and (high <= end).all():
            return
        new_low = low if width == 0 else np.minimum(low, self._origin)
        new_high = high if width == 0 else np.maximum(high, end)
        new_low = np.floor_divide(new_low, _BLOCK_CELLS) * _BLOCK_CELLS
        new_high = -np.floor_divide(-new_high, _BLOCK_CELLS) * _BLOCK_CELLS
        shift = self._origin - new_low if width else np.zeros(2, dtype=np.int64)
        shape = tuple((new_high - new_low)[::-1])
        for name in ("_evidence", "_seen"):
            grown = np.zeros(shape, dtype=np.int32)
            grown[shift[1] : shift[1] + height, shift[0] : shift[0] + width] = getattr(self, name)
            setattr(self, name, grown)
        self._origin = new_low
        self._cells = np.full(shape, UNKNOWN, dtype=np.int8)
        self._changed = _Window(np.zeros(2, dtype=np.int64), new_high - new_low)


def _probability_table(config: GridConfig) -> npt.NDArray[np.int8]:
    """Occupancy 0..100 for evidence from the lower to the upper bound."""
    limit = math.ceil(config.log_odds_max * _UNITS_PER_LOG_ODDS)
    log_odds = np.arange(-limit, limit + 1) / _UNITS_PER_LOG_ODDS
    return np.round(100.0 / (1.0 + np.exp(-log_odds))).astype(np.int8)
