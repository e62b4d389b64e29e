# SPDX-License-Identifier: Apache-2.0
"""What a robot that does not know where it is saw on its way of late. Two strips between fences look alike wherever one stands in
them; a way of many metres that comes by a gate does not."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2
from patrol.sensors import Scan
from slam.config import MatchConfig, TrailConfig
from slam.motion import MotionStep
from slam.scan_matcher import Match, MatchTarget, information, inverse, match_points
from slam.scan_points import BodyRate, ScanPoints, voxel_groups
from slam.surface import Surface, joined, surface_from_scan

_WAYS = 8
_LINE_MIN = 0.5
_WAY_STD_M, _WAY_STD_RAD = 0.05, 0.02
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One scan on the way, its points straightened at ``rate``, and where the base was, from where it is now."""

    scan: Scan
    points: ScanPoints
    rate: BodyRate
    now_from_then: Pose2


@dataclass(frozen=True, slots=True)
class _Kept:
    scan: Scan
    points: ScanPoints
    rate: BodyRate
    surface: Surface
    trail_from_base: Pose2


class Trail:
    """Scans of the latest metres, laid on one another: wheels slip, scans do not."""

    def __init__(self, config: TrailConfig, match: MatchConfig) -> None:
        self._config, self._match = config, match
        self._kept: deque[_Kept] = deque(maxlen=config.looks_max)
        self.forget()

    def forget(self) -> None:
        """The way begins at the next scan."""
        self._kept.clear()
        self._trail_from_base, self._since, self._covariance = IDENTITY2, IDENTITY2, np.zeros((3, 3))

    def add(self, scan: Scan, points: ScanPoints, rate: BodyRate, step: MotionStep) -> None:
        """Take one scan in, and the step that led to it. A step that odometry does not tell begins the way anew."""
        if step.because:
            self.forget()
        self._trail_from_base = self._trail_from_base @ step.last_from_base
        self._since, self._covariance = self._since @ step.last_from_base, self._covariance + step.covariance
        if self._kept and IDENTITY2.distance_to(self._since) < self._config.every_m:
            return
        if self._kept:
            self._trail_from_base = self._laid(points)
        surface = surface_from_scan(points).moved(self._trail_from_base)
        self._kept.append(_Kept(scan, points, rate, surface, self._trail_from_base))
        self._since, self._covariance = IDENTITY2, np.zeros((3, 3))

    @property
    def length_m(self) -> float:
        """How far the robot drove along it."""
        places = [kept.trail_from_base for kept in self._kept] + [self._trail_from_base]
        return sum(first.distance_to(second) for first, second in pairwise(places))

    @property
    def looks(self) -> Sequence[Look]:
        """What was seen, the latest first."""
        now_from_trail = self._trail_from_base.inverse()
        return [
            Look(scan=kept.scan, points=kept.points, rate=kept.rate, now_from_then=now_from_trail @ kept.trail_from_base)
            for kept in reversed(self._kept)
        ]

    def sample_m(self, now: ScanPoints, voxel_m: float, count: int) -> Floats:
        """Some ``count`` points (N, 2) m in base_link of what was seen on the way and is seen ``now``, one a voxel, and as many
        that face one way as another (normal-space sampling, Rusinkiewicz and Levoy, 3DIM 2001): long walls do not tell how far
        along them one stands, and are not to drown the few things that do."""
        now_from_trail = self._trail_from_base.inverse()
        surface = joined([surface_from_scan(now), *(kept.surface.moved(now_from_trail) for kept in self._kept)])
        _, rows = np.unique(voxel_groups(surface.points_m, voxel_m)[0], return_index=True)
        facing_rad = np.remainder(np.arctan2(surface.normals[rows, 1], surface.normals[rows, 0]), math.pi)
        way = np.minimum((facing_rad * (_WAYS / math.pi)).astype(np.int64), _WAYS - 1)
        way[surface.across[rows] < _LINE_MIN] = _WAYS
        share = math.ceil(count / (_WAYS + 1))
        alike = [rows[way == number] for number in range(_WAYS + 1)]
        points_m: Floats = surface.points_m[np.concatenate([_spread(some, share) for some in alike])]
        return points_m

    def way_to(self, place: Pose2, scan: Scan, target: MatchTarget) -> Iterator[tuple[Look, Match]]:
        """How what was seen before ``scan``, the latest first, fits ``target`` if the base stands at ``place`` by now."""
        pose, last, prior = place, IDENTITY2, information(_WAY_STD_M, _WAY_STD_RAD)
        for look in self.looks:
            if look.scan is not scan:
                match = match_points(look.points, target, pose @ last.inverse() @ look.now_from_then, prior, self._match)
                pose, last = match.target_from_base, look.now_from_then
                yield look, match

    def _laid(self, points: ScanPoints) -> Pose2:
        """Where the scan lies on the latest ones."""
        latest = [kept.surface for kept in self._kept][-self._config.laid_on :]
        target = MatchTarget.from_surface(joined(latest), self._match.target_voxel_m)
        floor = np.diag(np.square((self._config.std_m, self._config.std_m, self._config.std_rad)))
        return match_points(
            points, target, self._trail_from_base, inverse(self._covariance + floor), self._match
        ).target_from_base


def _spread(rows: Rows, count: int) -> Rows:
    """``count`` of the rows (N,), evenly spaced, or all where there are fewer."""
    return rows[np.unique(np.linspace(0, rows.size - 1, min(count, rows.size)).astype(np.int64))] if rows.size else rows
