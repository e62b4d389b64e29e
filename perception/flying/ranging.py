# SPDX-License-Identifier: Apache-2.0
"""How far something in the air is: from the lidar where a beam met it, else from how large such things are.

One meeting tells how large it is, and from then on its size in the picture tells how far. Sizes are kept as a normal distribution
of their logarithm, begun with what drones measure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from patrol.checks import Floats, Floats32
from patrol.clock import NS_PER_S, seconds
from perception.flying.config import RangeConfig
from perception.flying.following import Followed
from perception.flying.sighting import Sighting

_ROUND_REACH_RAD = 0.2
_SIZE_OVER = 5


@dataclass(slots=True)
class Ruler:
    """What is known of one thing's size, and the newest meeting with a beam."""

    config: RangeConfig
    _log_size: float = field(init=False)
    _variance: float = field(init=False)
    _met: tuple[int, float] | None = None

    def __post_init__(self) -> None:
        self._log_size, self._variance = math.log(self.config.size_m), self.config.size_spread**2

    def measure(self, item: Followed, points_m: Floats, times_s: Floats32, began_ns: int) -> None:
        """Look for the thing among returns (N, 3) in odom, ``times_s`` (N,) after ``began_ns``."""
        last = item.last
        if abs(seconds(began_ns - last.stamp_ns)) > self.config.stale_after_s or not last.before_sky:
            return
        way = points_m - last.origin_m
        near = np.flatnonzero(way @ last.direction > math.cos(_ROUND_REACH_RAD) * np.linalg.norm(way, axis=1))
        if not len(near):
            return
        range_m = np.linalg.norm(way[near], axis=1)
        expected = np.array([item.expected(began_ns + round(float(time_s) * NS_PER_S)) for time_s in times_s[near]])
        apart_rad = np.arccos(np.clip(np.einsum("ni,ni->n", way[near], expected) / range_m, -1.0, 1.0))
        met = range_m[apart_rad <= 0.5 * last.size_rad + self.config.reach_rad]
        if len(met):
            self._take(float(np.median(met[met <= met.min() + 1.0])), item, began_ns)

    def _take(self, range_m: float, item: Followed, stamp_ns: int) -> None:
        """A meeting at ``range_m``: it tells the size."""
        self._met = (stamp_ns, range_m)
        gain = self._variance / (self._variance + self.config.measured_spread**2)
        self._log_size += gain * (math.log(max(range_m * apparent_rad(item.seen), 1e-3)) - self._log_size)
        self._variance *= 1.0 - gain

    def range_m(self, item: Followed) -> tuple[float, float]:
        """Distance from the camera to the newest sighting, and its standard deviation."""
        config, stamp_ns = self.config, item.last.stamp_ns
        if self._met is not None and abs(seconds(stamp_ns - self._met[0])) <= config.stale_after_s:
            return self._met[1], config.lidar_std_m
        range_m = min(math.exp(self._log_size) / apparent_rad(item.seen), config.farthest_m)
        spread = math.hypot(math.sqrt(self._variance), config.apparent_spread)
        return range_m, range_m * spread


def apparent_rad(seen: Sequence[Sighting]) -> float:
    """How large it looks: the median of the last few, less the pixel that blur adds."""
    return float(np.median([max(item.size_rad - item.pixel_rad, 0.7 * item.pixel_rad) for item in seen[-_SIZE_OVER:]]))
