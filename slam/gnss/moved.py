# SPDX-License-Identifier: Apache-2.0
"""Does GNSS move as the robot does? The way by fixes is compared with the one by scans and odometry, over windows from seconds to
minutes at once.

This is the windowed generalised likelihood ratio for a change that began at an unknown time (Willsky and Jones, 1976), of which
Page's CUSUM is the case of a known rate: a jump shows in the short windows, a creeping ramp in the long ones.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.clock import nanoseconds
from slam.gnss.config import FixConfig

_BIN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedSight:
    """``apart_m`` (2,) m: fix minus the antenna by scans and odometry, in ENU up to a constant. ``variance_m2`` is the fix's,
    per axis; ``driven_m`` the way driven until then."""

    stamp_ns: int
    apart_m: Floats
    variance_m2: float
    driven_m: float


@dataclass(slots=True)
class _Bin:
    """The mean over one second."""

    start_ns: int
    stamp_s: float
    apart_m: Floats
    variance_m2: float
    driven_m: float
    count: int

    def add(self, sight: MovedSight) -> None:
        self.count += 1
        share = 1.0 / self.count
        self.stamp_s += share * (sight.stamp_ns / 1e9 - self.stamp_s)
        self.apart_m = self.apart_m + share * (sight.apart_m - self.apart_m)
        self.variance_m2 += share * (sight.variance_m2 - self.variance_m2)
        self.driven_m += share * (sight.driven_m - self.driven_m)


class MovedTest:
    """Keeps one mean a second, as far back as the longest window."""

    def __init__(self, config: FixConfig) -> None:
        self._config = config
        self._bins: deque[_Bin] = deque(maxlen=round(max(config.moved_windows_s) / _BIN_S) + 2)

    def forget(self) -> None:
        """Start over."""
        self._bins.clear()

    def add(self, sight: MovedSight) -> float | None:
        """Take one more; the length in s of a window over which fixes moved otherwise than the robot, None when there is none."""
        if not self._bins or sight.stamp_ns - self._bins[-1].start_ns >= nanoseconds(_BIN_S):
            stamp_s = sight.stamp_ns / 1e9
            self._bins.append(_Bin(sight.stamp_ns, stamp_s, sight.apart_m, sight.variance_m2, sight.driven_m, 1))
        else:
            self._bins[-1].add(sight)
        return self._failed_window_s() if self._bins[-1].count > 1 else None

    def _failed_window_s(self) -> float | None:
        now = self._bins[-1]
        ages_s = now.stamp_s - np.array([kept.stamp_s for kept in self._bins])
        rows = [
            int(np.abs(ages_s - window_s).argmin()) for window_s in self._config.moved_windows_s if window_s <= ages_s[0] + 0.5
        ]
        for row in rows:
            then = self._bins[row]
            moved = now.apart_m - then.apart_m
            if float(moved @ moved) > self._config.moved_max * self._variance(then, now):
                return float(ages_s[row])
        return None

    def _variance(self, then: _Bin, now: _Bin) -> float:
        """Variance per axis in m² of what may lie between two honest means: errors of GNSS that change with time (first-order
        Gauss-Markov) or from fix to fix, and the drift of scans and odometry."""
        config = self._config
        driven_m = abs(now.driven_m - then.driven_m)
        changed = 1.0 - np.exp(-(now.stamp_s - then.stamp_s) / config.correlation_s)
        gnss = then.variance_m2 * (changed + 1.0 / then.count) + now.variance_m2 * (changed + 1.0 / now.count)
        turned_m = config.drift_rad_per_root_m * np.sqrt(driven_m) * driven_m
        return float(gnss + (config.drift_per_m * driven_m) ** 2 + turned_m**2)
