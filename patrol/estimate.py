# SPDX-License-Identifier: Apache-2.0
"""Where the robot believes it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from patrol.checks import Floats, frozen_array
from patrol.geometry import Pose2


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseEstimate:
    """Pose in map with covariance (3, 3) over x m, y m, yaw rad. ``doubt`` is empty while the pose can be trusted, and else
    says in words why not."""

    stamp_ns: int
    map_from_odom: Pose2
    odom_from_base: Pose2
    covariance: Floats
    doubt: str = ""
    floor: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance", frozen_array("covariance", self.covariance, (3, 3)))

    @property
    def map_from_base(self) -> Pose2:
        return self.map_from_odom @ self.odom_from_base

    @property
    def position_std_m(self) -> float:
        """Standard deviation along the worst horizontal direction, in metres."""
        xx, xy, yy = self.covariance[0, 0], self.covariance[0, 1], self.covariance[1, 1]
        largest = 0.5 * (xx + yy) + math.hypot(0.5 * (xx - yy), xy)
        return math.sqrt(max(float(largest), 0.0))
