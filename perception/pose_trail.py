# SPDX-License-Identifier: Apache-2.0
"""Where the robot was at any time of the last second: a lidar takes a tenth of it to turn once, pictures come at other times.

A robot that begins to turn at half a radian per second has turned by three degrees a tenth of a second later: as much as three
people are wide, 15 m away. So every return, and every picture, has the pose of its own time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.clock import NS_PER_S, nanoseconds, seconds
from patrol.geometry import Pose2

_KEPT_S, _PACE_OVER_S = 1.0, 0.05

Stamps = npt.NDArray[np.int64]


class PoseTrail:
    """Poses in ``odom`` of the last second, from odometry or from estimates. Beyond the newest the robot goes on as it went, for
    ``reach_s`` at most; poses farther apart than ``gap_most_s`` do not tell how. One thread may hear while another asks."""

    def __init__(self, *, gap_most_s: float = 0.5, reach_s: float = 0.5) -> None:
        self._gap_most_s, self._reach_s = gap_most_s, reach_s
        self._known: tuple[Stamps, Floats] = (np.empty(0, dtype=np.int64), np.empty((0, 3)))

    def hear(self, stamp_ns: int, odom_from_base: Pose2) -> None:
        """Take in a pose, in any order; of two of one time the first counts."""
        stamps, poses = self._known
        at = int(np.searchsorted(stamps, stamp_ns))
        if at < len(stamps) and stamps[at] == stamp_ns:
            return
        pose = (odom_from_base.x_m, odom_from_base.y_m, odom_from_base.yaw_rad)
        stamps, poses = np.insert(stamps, at, stamp_ns), np.insert(poses, at, pose, axis=0)
        kept = stamps >= stamps[-1] - nanoseconds(_KEPT_S)
        self._known = (stamps[kept], poses[kept])

    def unknown_s2(self, stamp_ns: int) -> float | None:
        """Half the product of the times to the two poses from which that of a time follows: times the most acceleration, this is
        how far it may be off. None where no two poses tell it."""
        stamps, _ = self._known
        after = int(np.searchsorted(stamps, stamp_ns))
        if after < len(stamps):
            pair = None if after == 0 and stamps[0] > stamp_ns else (max(after - 1, 0), after)
        else:
            before = self._before(stamps)
            pair = None if before is None else (before, -1)
        return (
            None
            if pair is None
            else 0.5 * abs(seconds(stamp_ns - int(stamps[pair[0]])) * seconds(stamp_ns - int(stamps[pair[1]])))
        )

    def alone_s(self, stamp_ns: int) -> float:
        """How long before or after all known poses a time is; 0 between them. Raises IndexError before the first pose."""
        stamps, _ = self._known
        return max(seconds(stamp_ns - int(stamps[-1])), seconds(int(stamps[0]) - stamp_ns), 0.0)

    def at(self, stamps_ns: Stamps) -> Floats:
        """x m, y m and yaw rad (N, 3) of ``odom_from_base`` at these times (N,). Raises IndexError before the first pose."""
        stamps, poses = self._known
        poses = np.column_stack((poses[:, :2], np.unwrap(poses[:, 2])))
        times_s, known_s = (stamps_ns - stamps[-1]) / NS_PER_S, (stamps - stamps[-1]) / NS_PER_S
        found = np.column_stack([np.interp(times_s, known_s, column) for column in poses.T])
        before = self._before(stamps)
        if before is not None:
            beyond_s = np.clip(times_s, 0.0, self._reach_s)
            found += _gone_on(poses[before], poses[-1], beyond_s / -known_s[before])
        return found

    def pose_at(self, stamp_ns: int) -> Pose2:
        """``odom_from_base`` at one time."""
        x_m, y_m, yaw_rad = self.at(np.array([stamp_ns]))[0].tolist()
        return Pose2(x_m, y_m, yaw_rad)

    def _before(self, stamps: Stamps) -> int | None:
        """Which earlier pose tells the pace with the newest."""
        gap_ns = stamps[-1] - stamps
        found = np.flatnonzero((gap_ns >= nanoseconds(_PACE_OVER_S)) & (gap_ns <= nanoseconds(self._gap_most_s)))
        return int(found[-1]) if len(found) else None


def _gone_on(before: Floats, last: Floats, share: Floats) -> Floats:
    """What is added to the pose ``last`` (3,) by going on along the same arc as since ``before``, ``share`` (N,) times as far:
    (N, 3)."""
    east, north, turned = (last - before).tolist()
    bearing = np.arctan2(north, east) + 0.5 * turned * (1.0 + share)
    way_m = np.hypot(east, north) * share
    return np.column_stack((way_m * np.cos(bearing), way_m * np.sin(bearing), turned * share))
