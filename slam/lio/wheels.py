# SPDX-License-Identifier: Apache-2.0
"""Are the wheels believed? Not while they turn and the robot does not, nor while they stand and it slides."""

from __future__ import annotations

from patrol.clock import seconds
from patrol.sensors import Imu, Odometry
from slam.lio.config import InertialConfig
from slam.lio.inertial import InertialFilter
from slam.lio.standstill import Stillness


class WheelTrust:
    """Compares what the wheels say with the motion that IMU and revolutions tell, and hands the filter what is believed.

    One contradiction ends the trust; several readings in a row that agree bring it back. While there is none, the motion itself
    becomes a little less sure, so that wheels which insist for long, and which no revolution speaks against, are believed in the
    end. A robot whose IMU feels nothing, and whose speed may be zero by all that is known, stands: whatever its wheels do.
    """

    def __init__(self, config: InertialConfig, filter_: InertialFilter) -> None:
        self._config, self._filter = config, filter_
        self._stillness = Stillness(config.standstill)
        self._agreed, self._last_ns = config.wheel_regain_readings, 0

    @property
    def is_trusted(self) -> bool:
        """Whether the newest reading was believed."""
        return self._agreed >= self._config.wheel_regain_readings

    def hear_imu(self, imu: Imu) -> None:
        """Take in the next reading."""
        self._stillness.hear(imu)

    def hear_wheels(self, odometry: Odometry) -> None:
        """Take in the next reading; the filter stands at its stamp."""
        config, twist = self._config, odometry.twist
        ahead, aside = self._filter.compare_wheels(twist)
        if aside.sigmas <= config.wheel_gate_sigmas:
            self._filter.correct_by_wheels(aside)
        limit = config.wheel_gate_sigmas if self.is_trusted else config.wheel_regain_sigmas
        self._agreed = min(self._agreed + 1, config.wheel_regain_readings) if ahead.sigmas <= limit else 0
        is_at_rest = max(abs(twist.forward_mps), abs(twist.turn_radps)) < config.standstill.wheels_at_rest
        stands = (is_at_rest or not self.is_trusted) and self._stands(odometry.stamp_ns)
        if self.is_trusted:
            self._filter.correct_by_wheels(self._filter.compare_wheels(twist)[0])
        elif not stands:
            waited_s = min(max(seconds(odometry.stamp_ns - self._last_ns), 0.0), config.odometry_silent_after_s)
            self._filter.doubt_speed(config.wheel_doubt_noise, waited_s)
        self._last_ns = odometry.stamp_ns

    def _stands(self, now_ns: int) -> bool:
        """Whether the robot stands; the filter is told so."""
        still = self._stillness.at(now_ns)
        return still is not None and self._filter.correct_by_standstill(still)
