# SPDX-License-Identifier: Apache-2.0
"""Is this scan fit for use? Every way in which it is not has a name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats32
from patrol.geometry import Pose2
from patrol.sensors import Scan
from slam.updates import ScanOutcome

_STUCK_MOVE_M = 0.05
_STUCK_TURN_RAD = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanVerdict:
    """MATCHED means fit for matching; else ``because`` says in words what is wrong."""

    outcome: ScanOutcome
    because: str = ""


class ScanCheck:
    """Looks at successive scans."""

    def __init__(self, points_min: int) -> None:
        self._points_min = points_min
        self._stamp_ns: int | None = None
        self._ranges: Floats32 | None = None
        self._odom_at_change: Pose2 | None = None

    def check(self, scan: Scan, odom_from_base: Pose2) -> ScanVerdict:
        """Judge the next scan. One whose time went backwards leaves no trace."""
        if self._stamp_ns is not None and scan.stamp_ns <= self._stamp_ns:
            back_s = (self._stamp_ns - scan.stamp_ns) * 1e-9
            return ScanVerdict(outcome=ScanOutcome.TIME_BACKWARDS, because=f"the scan is {back_s:.3f} s older than the last one")
        self._stamp_ns = scan.stamp_ns
        returns = int(np.count_nonzero(scan.valid()))
        if returns < self._points_min:
            because = f"only {returns} of {scan.ranges_m.size} beams returned"
            return ScanVerdict(outcome=ScanOutcome.TOO_FEW_RETURNS, because=because)
        if self._is_stuck(scan, odom_from_base):
            return ScanVerdict(outcome=ScanOutcome.STUCK, because="the scan repeats itself while the robot moves")
        return ScanVerdict(outcome=ScanOutcome.MATCHED)

    def _is_stuck(self, scan: Scan, odom_from_base: Pose2) -> bool:
        """Whether the very same ranges came while odometry moved."""
        if (
            self._ranges is None
            or self._odom_at_change is None
            or not np.array_equal(scan.ranges_m, self._ranges, equal_nan=True)
        ):
            self._ranges, self._odom_at_change = scan.ranges_m, odom_from_base
            return False
        moved = self._odom_at_change.inverse() @ odom_from_base
        return self._odom_at_change.distance_to(odom_from_base) > _STUCK_MOVE_M or abs(moved.yaw_rad) > _STUCK_TURN_RAD
