# SPDX-License-Identifier: Apache-2.0
"""Does a scan follow on the one before? A robot that was carried off sees all at once other things, though both places may fit
the map: two strips between fences are told apart by neither, but not by one step of the wheels from one to the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2
from slam.config import ContinuityConfig, MatchConfig
from slam.motion import MotionStep
from slam.scan_matcher import MatchTarget, agreement, lies_on
from slam.scan_points import ScanPoints
from slam.surface import surface_from_scan


@dataclass(frozen=True, slots=True)
class _Scan:
    """What was seen, as a target, and the part of it that lies on the map: people walk on."""

    target: MatchTarget
    lasting: ScanPoints
    map_from_base: Pose2


class Continuity:
    """Compares each scan that fits the map with the last one that did."""

    def __init__(self, target: MatchTarget, config: ContinuityConfig, match: MatchConfig) -> None:
        self._map, self._config, self._match = target, config, match
        self._last: _Scan | None = None
        self._moved, self._since_s = IDENTITY2, 0.0
        self._squared: Floats = np.zeros(2)

    def forget(self) -> None:
        """The next scan follows on none."""
        self._last = None

    def moved(self, step: MotionStep) -> None:
        """The robot drove on."""
        self._moved, self._since_s = self._moved @ step.last_from_base, self._since_s + step.dt_s
        if step.because or self._since_s > self._config.within_s:
            self._last = None

    def share(self, points: ScanPoints, map_from_base: Pose2) -> float | None:
        """Share of the lasting things in the scan, taken at ``map_from_base``, that the last one saw as well, or the other way
        round where that is more: who steps aside or through a door sees more than before. None where there is none to compare."""
        last, moved = self._last, self._moved
        kept = lies_on(points, self._map, map_from_base, self._match)
        lasting = ScanPoints(points_m=points.points_m[kept], rays=points.rays[kept])
        target = MatchTarget.from_surface(surface_from_scan(points), self._match.target_voxel_m)
        self._last = _Scan(target, lasting, map_from_base)
        self._moved, self._since_s = IDENTITY2, 0.0
        if last is None or min(len(lasting), len(last.lasting)) < self._config.points_min:
            return None
        by_map = last.map_from_base.inverse() @ map_from_base
        ways = [moved, by_map] if self._may_be(moved, by_map) else [moved]
        return max(self._common(last, self._last, way) for way in ways)

    def _may_be(self, moved: Pose2, by_map: Pose2) -> bool:
        """Whether odometry as good as it has been may have told ``moved`` where it was ``by_map``."""
        config, error = self._config, moved.inverse() @ by_map
        off_m, off_rad = IDENTITY2.distance_to(error), abs(error.yaw_rad)
        std_m, std_rad = np.sqrt(self._squared)
        is_near = off_m <= config.slip_m + config.slip_share * IDENTITY2.distance_to(moved) + config.slip_sigmas * std_m
        may_be = is_near and off_rad <= config.slip_rad + config.slip_share * abs(moved.yaw_rad) + config.slip_sigmas * std_rad
        self._squared += config.follow * (np.square((off_m, off_rad)) - self._squared)
        return bool(may_be)

    def _common(self, last: _Scan, now: _Scan, moved: Pose2) -> float:
        shares = (
            agreement(now.lasting, last.target, moved, self._match),
            agreement(last.lasting, now.target, moved.inverse(), self._match),
        )
        return max(found.overlap * found.score for found in shares)
