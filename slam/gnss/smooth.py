# SPDX-License-Identifier: Apache-2.0
"""The told pose follows corrections of the map at a bounded rate: between two scans it leaves the motion by odometry by a step at
most. What is left to follow counts as doubt in the covariance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from slam.gnss.config import CorrectionConfig


class SmoothCorrection:
    """Stands between SLAM, which corrects itself at once, and those who drive by its pose."""

    def __init__(self, config: CorrectionConfig) -> None:
        self._config = config
        self._map_from_odom: Pose2 | None = None

    def follow(self, estimate: PoseEstimate) -> PoseEstimate:
        """The estimate as it is told."""
        told = estimate if self._map_from_odom is None else self._followed(estimate, self._map_from_odom)
        self._map_from_odom = told.map_from_odom
        return told

    def _followed(self, estimate: PoseEstimate, map_from_odom: Pose2) -> PoseEstimate:
        config = self._config
        carried = map_from_odom @ estimate.odom_from_base
        off = carried.inverse() @ estimate.map_from_base
        off_m, off_rad = IDENTITY2.distance_to(off), abs(off.yaw_rad)
        share = min(1.0, config.step_max_m / max(off_m, 1e-9), config.step_max_rad / max(off_rad, 1e-9))
        if share >= 1.0 or off_m > config.jump_m or off_rad > config.jump_rad:
            return estimate
        told = carried @ Pose2(share * off.x_m, share * off.y_m, share * off.yaw_rad)
        left_m, left_rad = told.distance_to(estimate.map_from_base), (1.0 - share) * off_rad
        return replace(
            estimate,
            map_from_odom=told @ estimate.odom_from_base.inverse(),
            covariance=estimate.covariance + np.diag([left_m**2, left_m**2, left_rad**2]),
        )
