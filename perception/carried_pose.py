# SPDX-License-Identifier: Apache-2.0
"""The pose at the time of a picture, from poses that came a little earlier.

A robot that turns at 0.8 rad/s has turned by five degrees in the tenth of a second between a pose and the picture after it: far
more than the pose's own error. The last pose is carried on by odometry; where that ends, with the motion before. Its covariance
grows by what the drive can have changed meanwhile, so that what is masked or placed by the pose is right also in a turn.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from pydantic import Field

from patrol.clock import seconds
from patrol.config import Config
from patrol.estimate import PoseEstimate
from perception.pose_trail import PoseTrail


class CarryConfig(Config):
    """What the drive can do: the most speed and turn rate (they count until two poses have shown how it moves), and how quickly
    they change, taken for three standard deviations."""

    speed_most_mps: float = Field(default=1.5, ge=0)
    turn_most_radps: float = Field(default=1.2, ge=0)
    acceleration_mps2: float = Field(default=1.5, ge=0)
    turn_acceleration_radps2: float = Field(default=3.0, ge=0)
    gap_most_s: float = Field(default=0.5, gt=0, description="poses farther apart do not tell the motion")
    carry_most_s: float = Field(default=0.5, gt=0, description="a pose older than that is handed on as it is")


class PoseCarrier:
    """Hand in the newest pose with every picture. ``trail`` is where the robot was by odometry."""

    def __init__(self, config: CarryConfig, trail: PoseTrail | None = None) -> None:
        self._config = config
        self._trail = PoseTrail(gap_most_s=config.gap_most_s, reach_s=config.carry_most_s) if trail is None else trail

    def carried(self, estimate: PoseEstimate | None, stamp_ns: int) -> PoseEstimate | None:
        """``estimate`` carried on to ``stamp_ns``; as it is when it is of that time, or too old to be carried."""
        if estimate is None:
            return None
        self._trail.hear(estimate.stamp_ns, estimate.odom_from_base)
        age_s = seconds(stamp_ns - estimate.stamp_ns)
        if age_s == 0.0 or abs(age_s) > self._config.carry_most_s:
            return estimate
        step = self._trail.pose_at(estimate.stamp_ns).inverse() @ self._trail.pose_at(stamp_ns)
        position_std_m, yaw_std = self._doubt(stamp_ns)
        grown = np.diag([position_std_m**2, position_std_m**2, yaw_std**2])
        return dataclasses.replace(
            estimate,
            stamp_ns=stamp_ns,
            odom_from_base=estimate.odom_from_base @ step,
            covariance=estimate.covariance + grown,
        )

    def _doubt(self, stamp_ns: int) -> tuple[float, float]:
        """Standard deviation, in metres and radians, of how the robot moved between the poses that are known."""
        config, unknown_s2 = self._config, self._trail.unknown_s2(stamp_ns)
        if unknown_s2 is None:
            alone_s = self._trail.alone_s(stamp_ns)
            return config.speed_most_mps * alone_s / 3.0, config.turn_most_radps * alone_s / 3.0
        return config.acceleration_mps2 * unknown_s2 / 3.0, config.turn_acceleration_radps2 * unknown_s2 / 3.0
