# SPDX-License-Identifier: Apache-2.0
"""Where odometry had the robot at a given stamp."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

from patrol.clock import nanoseconds, seconds
from patrol.geometry import IDENTITY2, Pose2
from patrol.sensors import Odometry


class OdometryBuffer:
    """The newest odometry, ``keep_s`` seconds of it. A stamp beyond the newest is reached with its twist, for ``reach_s`` at
    most. Odometry that goes back in time starts the buffer over: its clock was reset."""

    def __init__(self, *, keep_s: float = 3.0, reach_s: float = 0.15) -> None:
        self._keep_ns, self._reach_ns = nanoseconds(keep_s), nanoseconds(reach_s)
        self._kept: deque[Odometry] = deque()

    def add(self, odometry: Odometry) -> None:
        """Take the newest."""
        if self._kept and odometry.stamp_ns < self._kept[-1].stamp_ns:
            self._kept.clear()
        self._kept.append(odometry)
        while odometry.stamp_ns - self._kept[0].stamp_ns > self._keep_ns:
            self._kept.popleft()

    @property
    def newest(self) -> Odometry | None:
        return self._kept[-1] if self._kept else None

    def at(self, stamp_ns: int) -> Pose2 | None:
        """``odom_from_base`` at ``stamp_ns``; None when that lies outside what is kept and can be reached."""
        if not self._kept or stamp_ns < self._kept[0].stamp_ns or stamp_ns > self._kept[-1].stamp_ns + self._reach_ns:
            return None
        after = bisect_left(self._kept, stamp_ns, key=lambda odometry: odometry.stamp_ns)
        if after == len(self._kept):
            last = self._kept[-1]
            return last.odom_from_base @ _moved(last, seconds(stamp_ns - last.stamp_ns))
        if after == 0:
            return self._kept[0].odom_from_base
        return _between(self._kept[after - 1], self._kept[after], stamp_ns)


def _between(one: Odometry, two: Odometry, stamp_ns: int) -> Pose2:
    if two.stamp_ns == one.stamp_ns:
        return two.odom_from_base
    share = (stamp_ns - one.stamp_ns) / (two.stamp_ns - one.stamp_ns)
    step = one.odom_from_base.inverse() @ two.odom_from_base
    return one.odom_from_base @ Pose2(share * step.x_m, share * step.y_m, share * step.yaw_rad)


def _moved(odometry: Odometry, duration_s: float) -> Pose2:
    twist = odometry.twist
    turned = Pose2(0.0, 0.0, 0.5 * twist.turn_radps * duration_s)
    return IDENTITY2 @ turned @ Pose2(twist.forward_mps * duration_s, twist.left_mps * duration_s, 0.0) @ turned
