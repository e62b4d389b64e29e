# SPDX-License-Identifier: Apache-2.0
"""Which fixes are believed. A fix is laid beside the pose that SLAM has, and its motion beside the motion that scans and odometry
saw; what contradicts either is left out until it has agreed for a while.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from shapely.geometry import Point, Polygon
from shapely.ops import unary_union
from shapely.prepared import prep

from patrol.checks import Floats
from patrol.clock import nanoseconds, seconds
from slam.gnss.config import FixConfig
from slam.gnss.moved import MovedSight, MovedTest


class FixUse(StrEnum):
    """What becomes of a fix."""

    USED = "used"
    NO_SOLUTION = "the receiver has no solution"
    POOR = "the fix is too uncertain"
    ROOFED = "the robot is under a roof"
    APART = "the fix lies apart from the map"
    MOVED = "the fix moved, and the robot did not"
    RETURNING = "the fix agrees again, but not for long enough"


@dataclass(frozen=True, slots=True, kw_only=True)
class FixSight:
    """A fix beside what SLAM says at its stamp. ``fix_m`` and ``antenna_m`` (2,) m in ENU with their covariances (2, 2) m²;
    ``track_m`` (2,) m is the antenna's way by scans and odometry alone, its axes turned into ENU (``is_heading_known``: as far as
    that can be done); ``driven_m`` the length driven."""

    stamp_ns: int
    is_solved: bool
    fix_m: Floats
    fix_covariance: Floats
    antenna_m: Floats
    antenna_covariance: Floats
    track_m: Floats
    driven_m: float
    is_heading_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FixVerdict:
    """``apart_m`` (2,) m is fix minus SLAM in ENU, ``covariance`` (2, 2) m² what the fix is held for. ``doubtful_since_ns`` is
    told when a contradiction was found: what was taken in since then is to be taken back."""

    use: FixUse
    apart_m: Floats
    covariance: Floats
    doubtful_since_ns: int | None = None


class FixGate:
    """Judges fix after fix, in the order of their stamps; a stamp that goes back starts it over."""

    def __init__(self, config: FixConfig, roofs: Sequence[Polygon]) -> None:
        self._config = config
        self._walls = unary_union(list(roofs))
        self._roof = prep(self._walls.buffer(config.roof_margin_m))
        self._moved = MovedTest(config)
        self._recent: deque[FixSight] = deque()
        self._is_refusing = False
        self._good_since_ns: int | None = None
        self._last_ns: int | None = None

    def map_moved(self) -> None:
        """The map was corrected: where SLAM had the robot before counts no more."""
        self._recent.clear()

    def judge(self, told: FixSight) -> FixVerdict:
        """What becomes of the fix."""
        self._note_gap(told.stamp_ns)
        sight = self._beside_walls(told)
        apart_m = sight.fix_m - sight.antenna_m
        plain = self._unusable(sight)
        if plain is not None:
            return FixVerdict(use=plain, apart_m=apart_m, covariance=sight.fix_covariance)
        refused = self._contradiction(sight)
        if refused is not None:
            use, since_ns = refused
            self._is_refusing, self._good_since_ns = True, None
            self._moved.forget()
            return FixVerdict(use=use, apart_m=apart_m, covariance=sight.fix_covariance, doubtful_since_ns=since_ns)
        if self._good_since_ns is None:
            self._good_since_ns = sight.stamp_ns
        if self._is_refusing and seconds(sight.stamp_ns - self._good_since_ns) < self._config.back_after_s:
            return FixVerdict(use=FixUse.RETURNING, apart_m=apart_m, covariance=sight.fix_covariance)
        self._is_refusing = False
        return FixVerdict(use=FixUse.USED, apart_m=apart_m, covariance=sight.fix_covariance)

    def _beside_walls(self, sight: FixSight) -> FixSight:
        """The fix with what reflections may do to it."""
        config = self._config
        if self._walls.is_empty or not np.isfinite(sight.fix_m).all():
            return sight
        share = 1.0 - self._walls.distance(Point(*sight.antenna_m)) / config.wall_reach_m
        return replace(sight, fix_covariance=sight.fix_covariance + (max(0.0, share) * config.wall_std_m) ** 2 * np.eye(2))

    def _note_gap(self, stamp_ns: int) -> None:
        """After silence the time of agreement counts from anew; after a clock that went back everything does."""
        last_ns, self._last_ns = self._last_ns, stamp_ns
        if last_ns is None or 0 <= stamp_ns - last_ns <= nanoseconds(self._config.silent_after_s):
            return
        self._recent.clear()
        self._good_since_ns = None
        if stamp_ns < last_ns:
            self._moved.forget()

    def _unusable(self, sight: FixSight) -> FixUse | None:
        """Why the fix says nothing, whether it is honest or not."""
        if not sight.is_solved or not (np.isfinite(sight.fix_m).all() and np.isfinite(sight.fix_covariance).all()):
            return FixUse.NO_SOLUTION
        if max(sight.fix_covariance[0, 0], sight.fix_covariance[1, 1]) > self._config.std_max_m**2:
            return FixUse.POOR
        is_place_known = np.linalg.eigvalsh(sight.antenna_covariance)[-1] < self._config.std_max_m**2
        if self._roof.contains(Point(*(sight.antenna_m if is_place_known else sight.fix_m))):
            return FixUse.ROOFED
        return None

    def _contradiction(self, sight: FixSight) -> tuple[FixUse, int] | None:
        """Which test the fix fails, and since when it may have been wrong."""
        config = self._config
        self._recent.append(sight)
        while sight.stamp_ns - self._recent[0].stamp_ns > nanoseconds(config.window_s):
            self._recent.popleft()
        moved = MovedSight(
            stamp_ns=sight.stamp_ns,
            apart_m=sight.fix_m - sight.track_m,
            variance_m2=_variance(sight.fix_covariance, config.std_floor_m),
            driven_m=sight.driven_m,
        )
        window_s = self._moved.add(moved) if sight.is_heading_known else None
        if window_s is not None:
            return FixUse.MOVED, sight.stamp_ns - nanoseconds(window_s + config.window_s)
        if self._apart(sight) > (config.apart_back if self._is_refusing else config.apart_max):
            return FixUse.APART, sight.stamp_ns - nanoseconds(config.window_s)
        return None

    def _apart(self, sight: FixSight) -> float:
        """Squared Mahalanobis distance of the mean fix of the last moments from the pose. The mean is no surer than one fix:
        errors of GNSS last longer than the window."""
        mean: Floats = np.mean([recent.fix_m - recent.antenna_m for recent in self._recent], axis=0)
        variance = _variance(sight.fix_covariance, self._config.std_floor_m)
        return float(mean @ np.linalg.solve(sight.antenna_covariance + variance * np.eye(2), mean))


def _variance(covariance: Floats, floor_m: float) -> float:
    """The larger horizontal variance in m², the floor at least."""
    xx, xy, yy = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    return max(float(0.5 * (xx + yy) + math.hypot(0.5 * (xx - yy), xy)), floor_m**2)
