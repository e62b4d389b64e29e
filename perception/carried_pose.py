# SPDX-License-Identifier: Apache-2.0
"""The pose at the time of a picture, from poses that came a little earlier.

A robot that turns at 0.8 rad/s has turned by five degrees in the tenth of a second between a pose and the picture after it: far
more than the pose's own error. The last pose is carried on with the motion between the last two, and its covariance grows by what
the drive can have changed meanwhile, so that what is masked or placed by the pose is right also in a turn.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from pydantic import Field

from patrol.clock import seconds
from patrol.config import Config
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2


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
    """Hand in the newest pose with every picture."""

    def __init__(self, config: CarryConfig) -> None:
        self._config = config
        self._before: PoseEstimate | None = None
        self._last: PoseEstimate | None = None

    def carried(self, estimate: PoseEstimate | None, stamp_ns: int) -> PoseEstimate | None:
        """``estimate`` carried on to ``stamp_ns``; as it is when it is of that time, or too old to be carried."""
        if estimate is None:
            return None
        if self._last is None or estimate.stamp_ns != self._last.stamp_ns:
            self._before, self._last = self._last, estimate
        age_s = seconds(stamp_ns - estimate.stamp_ns)
        if age_s == 0.0 or abs(age_s) > self._config.carry_most_s:
            return estimate
        step, (position_std_m, yaw_std) = self._step(estimate, age_s)
        grown = np.diag([position_std_m**2, position_std_m**2, yaw_std**2])
        return dataclasses.replace(
            estimate,
            stamp_ns=stamp_ns,
            odom_from_base=estimate.odom_from_base @ step,
            covariance=estimate.covariance + grown,
        )

    def _step(self, estimate: PoseEstimate, age_s: float) -> tuple[Pose2, tuple[float, float]]:
        """How the robot moved on since, and the standard deviation of that in metres and radians."""
        config, before = self._config, self._before
        gap_s = 0.0 if before is None else seconds(estimate.stamp_ns - before.stamp_ns)
        if before is None or not 0.0 < gap_s <= config.gap_most_s:
            return Pose2(0.0, 0.0, 0.0), (config.speed_most_mps * abs(age_s) / 3.0, config.turn_most_radps * abs(age_s) / 3.0)
        moved = before.odom_from_base.inverse() @ estimate.odom_from_base
        share = age_s / gap_s
        turned = share * moved.yaw_rad
        cos, sin = math.cos(0.5 * (turned + moved.yaw_rad)), math.sin(0.5 * (turned + moved.yaw_rad))
        back_x = math.cos(moved.yaw_rad) * moved.x_m + math.sin(moved.yaw_rad) * moved.y_m
        back_y = -math.sin(moved.yaw_rad) * moved.x_m + math.cos(moved.yaw_rad) * moved.y_m
        x_m, y_m = share * (cos * back_x - sin * back_y), share * (sin * back_x + cos * back_y)
        changed_s2 = 0.5 * abs(age_s) * (abs(age_s) + gap_s)
        return Pose2(x_m, y_m, turned), (
            config.acceleration_mps2 * changed_s2 / 3.0,
            config.turn_acceleration_radps2 * changed_s2 / 3.0,
        )
