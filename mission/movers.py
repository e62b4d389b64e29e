# SPDX-License-Identifier: Apache-2.0
"""What moves around the robot, found in the scans alone, so that driving among people does not hang on a camera.

Returns that the site and the map do not explain are grouped into small clusters by the gaps between neighbouring beams;
a cluster is followed by its nearest predecessor, its velocity smoothed exponentially. ``told_movers`` adds those of perception.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field

from mission.surroundings import Mover
from mission.sweep import Sweep
from mission.told_movers import ToldMoverConfig
from patrol.clock import seconds
from patrol.config import Config

_NOTHING_M = 1e3


class MoverConfig(Config):
    reach_m: float = Field(default=12.0, gt=0)
    gap_m: float = Field(default=0.35, gt=0)
    largest_m: float = Field(default=1.1, gt=0)
    least_returns: int = Field(default=3, ge=1)
    association_m: float = Field(default=0.6, gt=0)
    smoothing: float = Field(default=0.35, gt=0, le=1)
    moving_mps: float = Field(default=0.25, gt=0)
    fastest_mps: float = Field(default=3.0, gt=0)
    forget_s: float = Field(default=0.5, gt=0)
    least_sightings: int = Field(default=3, ge=2)
    told: ToldMoverConfig = ToldMoverConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Followed:
    x_m: float
    y_m: float
    vx_mps: float
    vy_mps: float
    stamp_ns: int
    sightings: int


class MoverWatch:
    """Follows small clusters from scan to scan."""

    def __init__(self, config: MoverConfig) -> None:
        self._config = config
        self._followed: tuple[_Followed, ...] = ()

    def add(self, sweep: Sweep) -> None:
        """Take one scan, laid out in map."""
        stamp_ns = sweep.stamp_ns
        centres = self._clusters(sweep)
        fresh = [old for old in self._followed if seconds(stamp_ns - old.stamp_ns) <= self._config.forget_s]
        followed: list[_Followed] = []
        for x_m, y_m in centres:
            before = self._predecessor(fresh, x_m, y_m, stamp_ns)
            if before is not None:
                fresh.remove(before)
            followed.append(self._follow(before, x_m, y_m, stamp_ns))
        self._followed = (*followed, *fresh)

    def movers(self, now_ns: int) -> tuple[Mover, ...]:
        """Clusters that move, predicted to ``now_ns``; metres in map."""
        found = []
        for one in self._followed:
            speed = math.hypot(one.vx_mps, one.vy_mps)
            if one.sightings < self._config.least_sightings or not self._config.moving_mps <= speed <= self._config.fastest_mps:
                continue
            age_s = min(max(seconds(now_ns - one.stamp_ns), 0.0), self._config.forget_s)
            position = (one.x_m + one.vx_mps * age_s, one.y_m + one.vy_mps * age_s)
            found.append(Mover(position_m=position, velocity_mps=(one.vx_mps, one.vy_mps)))
        return tuple(found)

    def _clusters(self, sweep: Sweep) -> list[tuple[float, float]]:
        """Middles in map of the small clusters that stand in front of whatever is seen beside them; slivers of background
        between two things seem to move when the robot does, and are left out."""
        ranges = np.where(sweep.hit, sweep.ranges_m, _NOTHING_M)
        points = sweep.ends_m(ranges)
        edges = np.flatnonzero(np.hypot(*np.diff(points, axis=0).T) > self._config.gap_m) + 1
        starts, ends = np.concatenate(([0], edges)), np.concatenate((edges, [len(points)]))
        in_front = np.minimum(ranges[starts - 1] - ranges[starts], ranges[ends % len(ranges)] - ranges[ends - 1]) > 0.0
        worth = in_front & (ends - starts >= self._config.least_returns) & (ranges[starts] < self._config.reach_m)
        parts = [points[start:end] for start, end in zip(starts[worth], ends[worth], strict=True)]
        small = [part.mean(axis=0) for part in parts if np.hypot(*np.ptp(part, axis=0)) <= self._config.largest_m]
        return [(float(x_m), float(y_m)) for x_m, y_m in small]

    def _predecessor(self, olds: list[_Followed], x_m: float, y_m: float, stamp_ns: int) -> _Followed | None:
        def miss_m(old: _Followed) -> float:
            age_s = seconds(stamp_ns - old.stamp_ns)
            return math.hypot(old.x_m + old.vx_mps * age_s - x_m, old.y_m + old.vy_mps * age_s - y_m)

        nearest = min(olds, key=miss_m, default=None)
        return nearest if nearest is not None and miss_m(nearest) <= self._config.association_m else None

    def _follow(self, before: _Followed | None, x_m: float, y_m: float, stamp_ns: int) -> _Followed:
        if before is None:
            return _Followed(x_m=x_m, y_m=y_m, vx_mps=0.0, vy_mps=0.0, stamp_ns=stamp_ns, sightings=1)
        age_s = max(seconds(stamp_ns - before.stamp_ns), 1e-3)
        share = self._config.smoothing
        vx = before.vx_mps + share * ((x_m - before.x_m) / age_s - before.vx_mps)
        vy = before.vy_mps + share * ((y_m - before.y_m) / age_s - before.vy_mps)
        sightings = before.sightings + 1
        return replace(before, x_m=x_m, y_m=y_m, vx_mps=vx, vy_mps=vy, stamp_ns=stamp_ns, sightings=sightings)
