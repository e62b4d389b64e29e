# SPDX-License-Identifier: Apache-2.0
"""Is this revolution fit for use? Every way in which it is not has a name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from patrol.checks import Floats, Floats32
from patrol.clock import seconds
from patrol.sensors import PointCloud
from slam.lio.config import RegistrationConfig


class CloudOutcome(StrEnum):
    """What became of a revolution. Whatever is not REGISTERED carries a reason."""

    REGISTERED = "registered"
    POOR_MATCH = "poor match"
    TOO_FEW_RETURNS = "too few returns"
    NOT_FINITE = "not finite"
    STUCK = "cloud stuck"
    TIME_BACKWARDS = "time went backwards"
    GAP = "gap in time"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudVerdict:
    """REGISTERED means fit for registration, with its ``points_m`` (N, 3) m in the lidar and their ``times_s`` (N,) since the
    cloud's stamp; else ``because`` says in words what is wrong. ``end_ns`` is the time of the last point."""

    outcome: CloudOutcome
    end_ns: int
    because: str = ""
    points_m: Floats
    times_s: Floats


class CloudCheck:
    """Looks at successive revolutions."""

    def __init__(self, config: RegistrationConfig, gap_max_s: float) -> None:
        self._config, self._gap_max_s = config, gap_max_s
        self._end_ns: int | None = None
        self._last: Floats32 | None = None

    def check(self, cloud: PointCloud) -> CloudVerdict:
        """Judge the next revolution. One whose time went backwards leaves no trace."""
        finite = np.isfinite(cloud.points_m).all(axis=1) & np.isfinite(cloud.time_s)
        within = finite & (np.abs(cloud.points_m) <= self._config.range_max_m).all(axis=1)
        distance = np.linalg.norm(np.where(within[:, None], cloud.points_m, np.float32(0.0)), axis=1)
        kept = within & (distance >= self._config.range_min_m) & (distance <= self._config.range_max_m)
        points, times = cloud.points_m[kept].astype(np.float64), cloud.time_s[kept].astype(np.float64)
        end_ns = cloud.stamp_ns + round(float(cloud.time_s[finite].max(initial=0.0)) * 1e9)
        outcome, because = self._judged(cloud, finite, len(points), end_ns)
        if outcome is not CloudOutcome.TIME_BACKWARDS:
            self._end_ns, self._last = end_ns, cloud.points_m
        return CloudVerdict(outcome=outcome, end_ns=end_ns, because=because, points_m=points, times_s=times)

    def _judged(
        self, cloud: PointCloud, finite: np.ndarray[tuple[int], np.dtype[np.bool_]], usable: int, end_ns: int
    ) -> tuple[CloudOutcome, str]:
        since_s = None if self._end_ns is None else seconds(end_ns - self._end_ns)
        if since_s is not None and since_s <= 0.0:
            return CloudOutcome.TIME_BACKWARDS, f"the revolution ends {-since_s:.3f} s before the last one"
        broken = len(finite) - int(np.count_nonzero(finite))
        if usable < self._config.points_min:
            if broken > usable:
                return CloudOutcome.NOT_FINITE, f"{broken} of {len(finite)} points are not finite"
            return CloudOutcome.TOO_FEW_RETURNS, f"only {usable} points can be used"
        if self._last is not None and np.array_equal(self._last, cloud.points_m):
            return CloudOutcome.STUCK, "the revolution repeats itself, noise and all"
        if since_s is not None and since_s > self._gap_max_s:
            return CloudOutcome.GAP, f"nothing came for {since_s:.1f} s"
        return CloudOutcome.REGISTERED, ""
