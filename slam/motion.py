# SPDX-License-Identifier: Apache-2.0
"""What odometry says about the time between two scans, and how far to believe it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.geometry import IDENTITY2, Pose2
from slam.config import MotionConfig
from slam.latency import OdometryClock
from slam.scan_points import BodyRate

_STEP_S = 0.2
_STANDING_M, _STANDING_RAD, _STANDING_SHARE = 1e-3, 5e-4, 0.1
_SEEN_STANDING_MPS, _SEEN_STANDING_RADPS = 0.1, 0.05
_OBSERVED_SHARE = 0.5
_FOLLOW_SHARE = 0.05
_DISTRUST_MAX = 400.0
_JUMP_KEPT_SHARE = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionStep:
    """Motion of the base since the last scan with its covariance (3, 3), the rate it went at, and why it is not believed
    (empty: it is). ``carried_on`` is the same motion had the base gone on at the rate that scan matching saw last, ``loose``
    (3, 3) the covariance of a motion that odometry says nothing of."""

    last_from_base: Pose2
    covariance: Floats
    rate: BodyRate
    carried_on: Pose2
    loose: Floats
    dt_s: float = 0.0
    because: str = ""


class MotionModel:
    """Turns odometry poses into steps. Latency is found and taken out; odometry that scan matching keeps contradicting is
    believed less; a step that no robot can make is replaced by the last rate carried on. Odometry that has not moved yet may be
    off, and says nothing."""

    def __init__(self, config: MotionConfig) -> None:
        self._config = config
        self._clock = OdometryClock()
        self._last: tuple[int, Pose2, Pose2] | None = None
        self._moved, self._matched_rate = IDENTITY2, BodyRate()
        self._distrust = np.ones(2)
        self._has_moved = False

    @property
    def latency_s(self) -> float:
        """How late odometry is, as far as known; negative when it runs ahead of the laser."""
        return self._clock.latency_s

    @property
    def distrust(self) -> tuple[float, float]:
        """By what odometry's stated deviations of position and heading are multiplied; 1 for honest odometry."""
        return float(math.sqrt(self._distrust[0])), float(math.sqrt(self._distrust[1]))

    def step(self, stamp_ns: int, odom_from_base: Pose2) -> MotionStep:
        """The step since the last call; ``stamp_ns`` must lie after it."""
        on_time = self._clock.add(stamp_ns, odom_from_base)
        if self._last is None:
            self._last = (stamp_ns, odom_from_base, on_time)
            sure = _covariance(1e-3, 1e-3)
            return MotionStep(last_from_base=IDENTITY2, covariance=sure, rate=BodyRate(), carried_on=IDENTITY2, loose=sure)
        dt_s = seconds(stamp_ns - self._last[0])
        before = self._last[1]
        told, moved = before.inverse() @ odom_from_base, self._last[2].inverse() @ on_time
        self._last = (stamp_ns, odom_from_base, on_time)
        because = self._impossible(told, dt_s)
        carried_on = _moved_at(self._matched_rate, min(dt_s, self._config.carry_max_s))
        loose = _covariance(*self._loose_std(dt_s))
        self._has_moved = self._has_moved or odom_from_base != before
        if because or not self._is_used:
            if because:
                self._clock = OdometryClock()
                self._last = (stamp_ns, odom_from_base, self._clock.add(stamp_ns, odom_from_base))
            return MotionStep(
                last_from_base=carried_on,
                covariance=loose,
                rate=self._matched_rate,
                carried_on=carried_on,
                loose=loose,
                dt_s=dt_s,
                because=because,
            )
        std_m, std_rad = self._std(moved, dt_s)
        self._moved = moved
        return MotionStep(
            last_from_base=moved,
            covariance=_covariance(std_m, std_rad),
            rate=_rate(moved, dt_s),
            carried_on=carried_on,
            loose=loose,
            dt_s=dt_s,
        )

    def correct(self, stamp_ns: int, step: MotionStep, matched: Pose2, covariance: Floats, track_yaw_rad: float) -> None:
        """Tell what scan matching found the step to be, with its ``covariance`` (3, 3), and the heading it leads to."""
        if 0.0 < step.dt_s < self._config.gap_max_s:
            self._matched_rate = _rate(matched, step.dt_s)
        if step.because or not self._is_used:
            return
        self._clock.add_track(stamp_ns, track_yaw_rad)
        error = step.last_from_base.inverse() @ matched
        stated = step.covariance.diagonal() / np.array([self._distrust[0], self._distrust[0], self._distrust[1]])
        for row, part, squared in ((0, 0, error.x_m**2), (1, 0, error.y_m**2), (2, 1, error.yaw_rad**2)):
            if covariance[row, row] < _OBSERVED_SHARE**2 * stated[row]:
                excess = min(squared / stated[row], _JUMP_KEPT_SHARE)
                follow = _FOLLOW_SHARE if row == 2 else 0.5 * _FOLLOW_SHARE
                self._distrust[part] += follow * (excess - self._distrust[part])
        self._distrust = np.clip(self._distrust, 1.0, _DISTRUST_MAX)

    @property
    def _is_used(self) -> bool:
        return self._config.use_odometry and self._has_moved

    def _is_seen_standing(self) -> bool:
        """Whether scan matching had the base stand as well: wheels that say so alone may be off."""
        rate = self._matched_rate
        return math.hypot(rate.x_mps, rate.y_mps) < _SEEN_STANDING_MPS and abs(rate.yaw_radps) < _SEEN_STANDING_RADPS

    def _impossible(self, moved: Pose2, dt_s: float) -> str:
        dt_s = max(dt_s, self._config.jitter_max_s)
        speed_mps, turn_radps = math.hypot(moved.x_m, moved.y_m) / dt_s, abs(moved.yaw_rad) / dt_s
        if speed_mps > self._config.speed_max_mps or turn_radps > self._config.turn_max_radps:
            return f"odometry jumped: {speed_mps:.1f} m/s, {turn_radps:.1f} rad/s"
        return ""

    def _loose_std(self, dt_s: float) -> tuple[float, float]:
        """Deviations of a step without odometry: speed and turn may have changed within it."""
        dt_s = min(dt_s, self._config.gap_max_s)
        return 0.05 + self._config.change_mps * dt_s, 0.05 + self._config.change_radps * dt_s

    def _std(self, moved: Pose2, dt_s: float) -> tuple[float, float]:
        """Standard deviations in m and rad. Odometry and laser never tick quite together, so the last step counts as well."""
        config, share = self._config, math.sqrt(min(dt_s / _STEP_S, 1.0))
        distance_m = max(math.hypot(moved.x_m, moved.y_m), math.hypot(self._moved.x_m, self._moved.y_m))
        turn_rad = max(abs(moved.yaw_rad), abs(self._moved.yaw_rad))
        if distance_m < _STANDING_M and turn_rad < _STANDING_RAD and self._is_seen_standing():
            share *= _STANDING_SHARE
        std_m = config.still_std_m * share + config.std_per_m * distance_m
        std_rad = config.still_std_rad * share + config.std_per_rad * turn_rad
        return std_m * math.sqrt(self._distrust[0]), std_rad * math.sqrt(self._distrust[1])


def _covariance(std_m: float, std_rad: float) -> Floats:
    return np.diag([std_m**2, std_m**2, std_rad**2])


def _rate(moved: Pose2, dt_s: float) -> BodyRate:
    return BodyRate(x_mps=moved.x_m / dt_s, y_mps=moved.y_m / dt_s, yaw_radps=moved.yaw_rad / dt_s)


def _moved_at(rate: BodyRate, dt_s: float) -> Pose2:
    return Pose2(rate.x_mps * dt_s, rate.y_mps * dt_s, rate.yaw_radps * dt_s)
