# SPDX-License-Identifier: Apache-2.0
"""What each beam should meet if the robot stood where it is supposed to stand, and what it met instead.

It shares no code with scan matching: it walks each beam through the approved grid. (Expected ranges after Fox, Burgard and
Thrun, "Markov localization for mobile robots in dynamic environments", JAIR 1999.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from patrol.checks import Floats
from patrol.geometry import Pose2
from patrol.grid import UNKNOWN, OccupancyGrid
from patrol.sensors import Scan
from slam.config import TrustConfig
from slam.map_files import SavedMap
from slam.scan_points import BodyRate, moved_back

_OCCUPIED_FROM = 65
_STEP_MIN_CELLS = 0.5
_STEPS_MAX = 160
_NEAR_M = 0.3
_SEEN_MIN = 2
_WIDTHS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 29, 38)
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamLook:
    """The beams (N,) of one scan that the map says anything of. ``met_m`` (N, 2) is where in map each comes to what the map
    holds, ``ends_m`` (N, 2) where it ended. ``through``: it passed what the map holds; ``short``: it ended before, but not right
    at the lidar: who leans on the robot says nothing of the place. ``decides``: however the pose may honestly be off it had to
    meet that place, and nothing stood before."""

    stamp_ns: int
    met_m: Floats
    ends_m: Floats
    through: Mask
    short: Mask
    decides: Mask


class BeamWalk:
    """Walks the beams of a scan through a map from any pose. A beam passes what the grid holds; one that ends where anything was
    ever seen ends at nothing new, though the grid may have it free: fences and posts are thin. What is unknown right beside what
    was seen counts as held: a wall on the border of cells leaves gaps between them, and no beam ever came out behind it.

    What a beam meets behind the unknown tells nothing, unless the walk ``crosses_unknown``: then only what ends there does not.
    Who may be anywhere is judged so: beside the way that was mapped, or in the open, all around may be unknown."""

    def __init__(self, saved: SavedMap, config: TrustConfig, base_from_lidar: Pose2, *, crosses_unknown: bool = False) -> None:
        self._config, self._base_from_lidar = config, base_from_lidar
        self._grid, self._crosses_unknown = saved.grid, crosses_unknown
        seen = seen_cells(saved)
        held = (saved.grid.cells >= _OCCUPIED_FROM) | (_beside(seen) & (saved.grid.cells == UNKNOWN))
        self._held, self._seen = (
            _Walker(saved.grid, mask, config, crosses_unknown=crosses_unknown) for mask in (held, held | seen)
        )

    def look(self, scan: Scan, map_from_base: Pose2, rate: BodyRate | None = None) -> BeamLook:
        """Compare one scan with the map from ``map_from_base``, the pose at its stamp; ``rate`` is the motion during it."""
        config, step = self._config, max(1, scan.ranges_m.size // self._config.beams)
        is_valid = scan.valid()[::step]
        ranges = np.where(is_valid, scan.ranges_m[::step], 0.0).astype(np.float64)
        starts, headings = self._beams(scan, map_from_base, rate or BodyRate())
        starts, headings = starts[::step], headings[::step]
        nearest, farthest = self._expected(self._held, starts, headings, step * scan.angle_step_rad)
        seen, _ = self._expected(self._seen, starts, headings, step * scan.angle_step_rad)
        told = is_valid & np.isfinite(nearest)
        ranges, nearest, farthest, seen = (values[told] for values in (ranges, nearest, farthest, seen))
        directions = np.column_stack((np.cos(headings[told]), np.sin(headings[told])))
        slack = config.tolerance_m + config.tolerance_share * ranges
        ends_m = starts[told] + directions * ranges[:, None]
        short = (ranges < np.minimum(seen, nearest) - slack) & (ranges >= config.near_m)
        if self._crosses_unknown:
            short &= self._is_known(ends_m)
        return BeamLook(
            stamp_ns=scan.stamp_ns,
            met_m=starts[told] + directions * nearest[:, None],
            ends_m=ends_m,
            through=ranges > farthest + slack,
            short=short,
            decides=(farthest <= nearest + slack) & (ranges >= nearest - slack),
        )

    def _is_known(self, points_m: Floats) -> Mask:
        cells = self._grid.rows_cols(points_m)
        known: Mask = self._grid.contains(cells)
        known[known] = self._grid.cells[cells[known, 0], cells[known, 1]] != UNKNOWN
        return known

    def _beams(self, scan: Scan, map_from_base: Pose2, rate: BodyRate) -> tuple[Floats, Floats]:
        """Where each beam started (N, 2) m and its heading (N,) rad in map: the robot moves while the lidar turns."""
        lidar, after_s = self._base_from_lidar, scan.beam_step_s * np.arange(scan.ranges_m.size, dtype=np.float64)
        places = np.broadcast_to((lidar.x_m, lidar.y_m), (scan.ranges_m.size, 2))
        headings = scan.angles_rad() + (map_from_base.yaw_rad + lidar.yaw_rad) + rate.yaw_radps * after_s
        return map_from_base.apply(moved_back(places, rate, after_s)), headings

    def _expected(self, walker: _Walker, starts_m: Floats, headings_rad: Floats, step_rad: float) -> tuple[Floats, Floats]:
        """The nearest and the farthest that the map holds on either side of each beam, as far as the pose may honestly be off: a
        fixed angle, and a distance that is a wide angle for what is near."""
        config = self._config
        share = max(1, math.ceil(abs(step_rad) / config.beside_rad))
        dense_rad = step_rad / share
        offsets = np.arange(share) * dense_rad
        starts = np.repeat(starts_m, share, axis=0)
        lengths = walker.lengths_m(starts, np.add.outer(headings_rad, offsets).ravel())
        wanted = np.hypot(config.beside_rad, config.beside_m / np.maximum(lengths, _NEAR_M)) / abs(dense_rad)
        level = np.searchsorted(_WIDTHS, np.minimum(np.round(wanted), _WIDTHS[-1]))
        nearest, farthest = np.empty_like(lengths), np.empty_like(lengths)
        for number in np.unique(level):
            size, rows = 2 * _WIDTHS[number] + 1, level == number
            nearest[rows] = minimum_filter1d(lengths, size, mode="nearest")[rows]
            farthest[rows] = maximum_filter1d(lengths, size, mode="nearest")[rows]
        return nearest[::share], farthest[::share]


class _Walker:
    """Walks beams through the grid by its distance transform (sphere tracing, Hart 1996)."""

    def __init__(self, grid: OccupancyGrid, held: Mask, config: TrustConfig, *, crosses_unknown: bool) -> None:
        self._grid, self._range_max_m = grid, config.range_max_m
        free = np.where(held, 0, 255).astype(np.uint8)
        self._away_cells = cv2.distanceTransform(free, cv2.DIST_L2, 5)
        self._ends_beam = (grid.cells == UNKNOWN) & (not crosses_unknown)

    def lengths_m(self, starts_m: Floats, headings_rad: Floats) -> Floats:
        """Where beams (N,) from places (N, 2) m in map first come to what the map holds, in m; inf for a beam that comes out of
        range before, or into the unknown, where that ends it."""
        resolution = self._grid.resolution_m
        directions = np.column_stack((np.cos(headings_rad), np.sin(headings_rad)))
        length = np.zeros(headings_rad.size)
        hit = np.full(headings_rad.size, np.inf)
        going = np.arange(headings_rad.size)
        for _ in range(_STEPS_MAX):
            cells = self._grid.rows_cols(starts_m[going] + directions[going] * length[going, None])
            inside = self._grid.contains(cells) & (length[going] <= self._range_max_m)
            going, cells = going[inside], cells[inside]
            away = self._away_cells[cells[:, 0], cells[:, 1]]
            arrived = away < 1.0
            hit[going[arrived]] = length[going[arrived]]
            going_on = ~arrived & ~self._ends_beam[cells[:, 0], cells[:, 1]]
            going, away = going[going_on], away[going_on]
            if going.size == 0:
                break
            length[going] += np.maximum(away, _STEP_MIN_CELLS) * resolution
        return hit


def seen_cells(saved: SavedMap) -> Mask:
    """Cells (H, W) of the grid in which several keyframes saw something, and those beside them."""
    counts = np.zeros(saved.grid.cells.shape, dtype=np.int32)
    for keyframe in saved.keyframes:
        cells = saved.grid.rows_cols(keyframe.map_from_base.apply(keyframe.points.points_m))
        cells = cells[saved.grid.contains(cells)]
        counts[tuple(np.unique(cells, axis=0).T)] += 1
    return _beside(counts >= _SEEN_MIN)


def _beside(mask: Mask) -> Mask:
    """Cells (H, W) of ``mask`` and those next to them."""
    near: Mask = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return near
