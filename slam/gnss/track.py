# SPDX-License-Identifier: Apache-2.0
"""The motion by scans and odometry alone: what SLAM tells, less every correction of the map and every jump to another place."""

from __future__ import annotations

from patrol.geometry import IDENTITY2, Pose2

_JUMP_M, _JUMP_RAD = 0.3, 0.15


class UncorrectedTrack:
    """Follows ``map_from_odom`` from scan to scan."""

    def __init__(self) -> None:
        self._map_from_odom: Pose2 | None = None
        self._odom_from_base = IDENTITY2
        self._track_from_odom = IDENTITY2
        self.driven_m = 0.0

    def follow(self, map_from_odom: Pose2, odom_from_base: Pose2, *, is_corrected: bool) -> None:
        """The next scan's pose. ``is_corrected``: the map itself was corrected since the last one."""
        before = self._map_from_odom
        if before is None:
            self._track_from_odom = map_from_odom
        else:
            self.driven_m += self._odom_from_base.distance_to(odom_from_base)
            step = (before @ odom_from_base).inverse() @ (map_from_odom @ odom_from_base)
            is_jump = IDENTITY2.distance_to(step) > _JUMP_M or abs(step.yaw_rad) > _JUMP_RAD
            if not (is_corrected or is_jump):
                self._track_from_odom = self._track_from_odom @ odom_from_base @ step @ odom_from_base.inverse()
        self._map_from_odom, self._odom_from_base = map_from_odom, odom_from_base

    def track_from_base(self, odom_from_base: Pose2) -> Pose2:
        """Where the track has the base."""
        return self._track_from_odom @ odom_from_base
