# SPDX-License-Identifier: Apache-2.0
"""A second opinion on the pose: does the laser see what the map says it must see from there?

It shares no code with scan matching: it walks each beam through the approved grid and compares lengths. A beam that passes
through what the map holds can not be a person or a parked van; a beam that ends early can. So the first count for much more.
(Expected ranges after Fox, Burgard and Thrun, "Markov localization for mobile robots in dynamic environments", JAIR 1999.)
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from patrol.checks import Floats
from patrol.clock import nanoseconds
from patrol.geometry import Pose2
from patrol.grid import OccupancyGrid
from patrol.sensors import Scan
from slam.config import TrustConfig
from slam.scan_points import BodyRate, moved_back

_OCCUPIED_FROM = 65
_STEP_MIN_CELLS = 0.5
_STEPS_MAX = 160
_NEAR_M = 0.3
_WIDTHS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 29, 38)
_BEAMS_TOLD_MIN = 12
_PLACES_WIDE = 1 << 24


class Trust(StrEnum):
    """What the monitor says of the pose."""

    SURE = "sure"
    MAP_DIFFERS = "the map differs here"
    WRONG_PLACE = "this is not where the robot thinks it is"
    UNKNOWN = "too little to tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustVerdict:
    """``through`` is the share of the beams that passed what the map holds, ``short`` that of those which ended before it, over
    the last moments; ``because`` says in words why the pose is not trusted (empty: it is)."""

    trust: Trust
    through: float
    short: float
    because: str = ""


@dataclass(frozen=True, slots=True)
class _Look:
    stamp_ns: int
    told: int
    through: int
    short: int
    places: npt.NDArray[np.int64]
    passed: npt.NDArray[np.bool_]


class TrustMonitor:
    """Looks at every scan and pose; forgets what lies ``window_s`` back. A doubt ends only when the beams agree well again."""

    def __init__(self, grid: OccupancyGrid, config: TrustConfig, base_from_lidar: Pose2) -> None:
        self._config, self._base_from_lidar = config, base_from_lidar
        self._walker = _BeamWalker(grid, config)
        self._looks: deque[_Look] = deque()
        self._is_doubting = False

    def look(self, scan: Scan, map_from_base: Pose2, rate: BodyRate | None = None) -> TrustVerdict:
        """Compare one scan with the map from ``map_from_base``, the pose at its stamp; ``rate`` is the motion during it."""
        self._looks.append(self._compared(scan, map_from_base, rate or BodyRate()))
        while scan.stamp_ns - self._looks[0].stamp_ns > nanoseconds(self._config.window_s) or (
            self._looks[0].stamp_ns > scan.stamp_ns
        ):
            self._looks.popleft()
        return self._verdict()

    def forget(self) -> None:
        """The pose was found anew: what was seen from the old one counts no more."""
        self._looks.clear()
        self._is_doubting = False

    def _compared(self, scan: Scan, map_from_base: Pose2, rate: BodyRate) -> _Look:
        config, step = self._config, max(1, scan.ranges_m.size // self._config.beams)
        is_valid = scan.valid()[::step]
        ranges = np.where(is_valid, scan.ranges_m[::step], 0.0).astype(np.float64)
        starts, headings = self._beams(scan, map_from_base, rate)
        starts, headings = starts[::step], headings[::step]
        nearest, farthest = self._expected(starts, headings, step * scan.angle_step_rad)
        slack = config.tolerance_m + config.tolerance_share * ranges
        told = is_valid & np.isfinite(nearest)
        through = told & (ranges > farthest + slack)
        short = told & (ranges < nearest - slack)
        # Of a place speak only the beams that must meet it, whatever the pose is off by, and that nothing stood before.
        decides = told & (farthest <= nearest + slack) & ~short
        directions = np.column_stack((np.cos(headings[decides]), np.sin(headings[decides])))
        ends = starts[decides] + directions * nearest[decides, None]
        cells = np.floor(ends / config.place_m).astype(np.int64)
        places = cells[:, 0] * _PLACES_WIDE + cells[:, 1]
        return _Look(scan.stamp_ns, int(told.sum()), int(through.sum()), int(short.sum()), places, through[decides])

    def _beams(self, scan: Scan, map_from_base: Pose2, rate: BodyRate) -> tuple[Floats, Floats]:
        """Where each beam started (N, 2) m and its heading (N,) rad in map: the robot moves while the lidar turns."""
        lidar, after_s = self._base_from_lidar, scan.beam_step_s * np.arange(scan.ranges_m.size, dtype=np.float64)
        places = np.broadcast_to((lidar.x_m, lidar.y_m), (scan.ranges_m.size, 2))
        headings = scan.angles_rad() + (map_from_base.yaw_rad + lidar.yaw_rad) + rate.yaw_radps * after_s
        return map_from_base.apply(moved_back(places, rate, after_s)), headings

    def _expected(self, starts_m: Floats, headings_rad: Floats, step_rad: float) -> tuple[Floats, Floats]:
        """The nearest and the farthest that the map holds on either side of each beam, as far as the pose may honestly be off: a
        fixed angle, and a distance that is a wide angle for what is near."""
        config = self._config
        share = max(1, math.ceil(abs(step_rad) / config.beside_rad))
        dense_rad = step_rad / share
        offsets = np.arange(share) * dense_rad
        starts = np.repeat(starts_m, share, axis=0)
        lengths = self._walker.lengths_m(starts, np.add.outer(headings_rad, offsets).ravel())
        wanted = np.hypot(config.beside_rad, config.beside_m / np.maximum(lengths, _NEAR_M)) / abs(dense_rad)
        level = np.searchsorted(_WIDTHS, np.minimum(np.round(wanted), _WIDTHS[-1]))
        nearest, farthest = np.empty_like(lengths), np.empty_like(lengths)
        for number in np.unique(level):
            size, rows = 2 * _WIDTHS[number] + 1, level == number
            nearest[rows] = minimum_filter1d(lengths, size, mode="nearest")[rows]
            farthest[rows] = maximum_filter1d(lengths, size, mode="nearest")[rows]
        return nearest[::share], farthest[::share]

    def _is_gone_somewhere(self) -> bool:
        """Whether nearly all beams towards one place of the map pass through it."""
        config = self._config
        _, place = np.unique(np.concatenate([look.places for look in self._looks]), return_inverse=True)
        passed = np.bincount(place, weights=np.concatenate([look.passed for look in self._looks]))
        gone = (passed >= config.place_beams_min) & (passed >= config.place_share_min * np.bincount(place))
        return bool(gone.any())

    def _verdict(self) -> TrustVerdict:
        config = self._config
        told = sum(look.told for look in self._looks)
        if told < _BEAMS_TOLD_MIN * len(self._looks):
            return TrustVerdict(trust=Trust.UNKNOWN, through=0.0, short=0.0)
        through = sum(look.through for look in self._looks) / told
        short = sum(look.short for look in self._looks) / told
        is_filled = self._looks[-1].stamp_ns - self._looks[0].stamp_ns >= nanoseconds(0.6 * config.window_s)
        limit = config.clear_share if self._is_doubting else 1.0
        self._is_doubting = is_filled and (
            through > limit * config.through_differs or short > limit * config.short_wrong or self._is_gone_somewhere()
        )
        if not self._is_doubting:
            return TrustVerdict(trust=Trust.SURE, through=through, short=short)
        is_moved = through > config.through_differs and short > config.short_beside
        is_wrong = is_moved or through > config.through_wrong or short > config.short_wrong
        trust = Trust.WRONG_PLACE if is_wrong else Trust.MAP_DIFFERS
        because = f"{trust}: {through:.0%} of the beams pass through what the map holds, {short:.0%} end before it"
        return TrustVerdict(trust=trust, through=through, short=short, because=because)


class _BeamWalker:
    """Walks beams through the grid by its distance transform (sphere tracing, Hart 1996)."""

    def __init__(self, grid: OccupancyGrid, config: TrustConfig) -> None:
        self._grid, self._range_max_m = grid, config.range_max_m
        occupied = grid.cells >= _OCCUPIED_FROM
        free = np.where(occupied, 0, 255).astype(np.uint8)
        self._away_cells = cv2.distanceTransform(free, cv2.DIST_L2, 5)
        self._is_unknown = grid.cells < 0

    def lengths_m(self, starts_m: Floats, headings_rad: Floats) -> Floats:
        """Where beams (N,) from places (N, 2) m in map first come to what the map holds, in m; inf for a beam that comes into the
        unknown, or out of range, before."""
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
            going_on = ~arrived & ~self._is_unknown[cells[:, 0], cells[:, 1]]
            going, away = going[going_on], away[going_on]
            if going.size == 0:
                break
            length[going] += np.maximum(away, _STEP_MIN_CELLS) * resolution
        return hit
