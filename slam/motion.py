# SPDX-License-Identifier: Apache-2.0
"""What odometry says about the time between two scans, and how far to believe it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.geometry import IDENTITY2, Pose2
from slam.config import MotionConfig
from slam.scan_matcher import information
from slam.scan_points import BodyRate

_LIE_STD_M = 1.0
_LIE_STD_RAD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionStep:
    """Motion of the base since the last scan with its information (3, 3), the rate it went at, and why it is not believed
    (empty: it is)."""

    last_from_base: Pose2
    information: Floats
    rate: BodyRate
    dt_s: float = 0.0
    because: str = ""


class MotionModel:
    """Turns odometry poses into steps; a step that no robot can make is replaced by the last rate carried on."""

    def __init__(self, config: MotionConfig) -> None:
        self._config = config
        self._last: tuple[int, Pose2] | None = None
        self._moved, self._rate = IDENTITY2, BodyRate()

    def step(self, stamp_ns: int, odom_from_base: Pose2) -> MotionStep:
        """The step since the last call; ``stamp_ns`` must lie after it."""
        if self._last is None:
            self._last = (stamp_ns, odom_from_base)
            return MotionStep(last_from_base=IDENTITY2, information=information(1e-3, 1e-3), rate=BodyRate())
        dt_s = seconds(stamp_ns - self._last[0])
        moved = self._last[1].inverse() @ odom_from_base
        self._last = (stamp_ns, odom_from_base)
        because = self._impossible(moved, dt_s)
        if because or not self._config.use_odometry:
            return self._carried_on(min(dt_s, self._config.gap_max_s), because)
        std_m, std_rad = self._std(moved)
        self._moved, self._rate = moved, _rate(moved, dt_s)
        return MotionStep(last_from_base=moved, information=information(std_m, std_rad), rate=self._rate, dt_s=dt_s)

    def correct(self, last_from_base: Pose2, dt_s: float) -> None:
        """Tell what scan matching found the step to be; the rate to carry on where odometry can not be used."""
        if not self._config.use_odometry and 0.0 < dt_s < self._config.gap_max_s:
            self._rate = _rate(last_from_base, dt_s)

    def _impossible(self, moved: Pose2, dt_s: float) -> str:
        dt_s = max(dt_s, self._config.jitter_max_s)
        speed_mps, turn_radps = math.hypot(moved.x_m, moved.y_m) / dt_s, abs(moved.yaw_rad) / dt_s
        if speed_mps > self._config.speed_max_mps or turn_radps > self._config.turn_max_radps:
            return f"odometry jumped: {speed_mps:.1f} m/s, {turn_radps:.1f} rad/s"
        return ""

    def _carried_on(self, dt_s: float, because: str) -> MotionStep:
        rate = self._rate
        moved = Pose2(rate.x_mps * dt_s, rate.y_mps * dt_s, rate.yaw_radps * dt_s)
        loose = information(_LIE_STD_M, _LIE_STD_RAD)
        return MotionStep(last_from_base=moved, information=loose, rate=rate, dt_s=dt_s, because=because)

    def _std(self, moved: Pose2) -> tuple[float, float]:
        """Standard deviations in m and rad. Odometry and laser never tick quite together, so the last step counts as well."""
        config = self._config
        distance_m = max(math.hypot(moved.x_m, moved.y_m), math.hypot(self._moved.x_m, self._moved.y_m))
        turn_rad = max(abs(moved.yaw_rad), abs(self._moved.yaw_rad))
        return config.still_std_m + config.std_per_m * distance_m, config.still_std_rad + config.std_per_rad * turn_rad


def _rate(moved: Pose2, dt_s: float) -> BodyRate:
    return BodyRate(x_mps=moved.x_m / dt_s, y_mps=moved.y_m / dt_s, yaw_radps=moved.yaw_rad / dt_s)
