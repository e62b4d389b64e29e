# SPDX-License-Identifier: Apache-2.0
"""Motion that does not fit: wheels that slip, a robot that is stuck, that is pushed, or that has tipped over."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from mission.facts.fact import Fact, Observed
from patrol.clock import seconds
from patrol.config import Config
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Twist2, wrap_angle
from patrol.sensors import Imu

_BOUND = 256


class MotionConfig(Config):
    """Windows and limits. ``slip_share``: the part of the wheels' way that the map must confirm. ``gyro_miss_rad``: how far
    gyro and wheels may turn apart within ``slip_s``. ``driven_mps`` and ``driven_radps`` count as an order to move."""

    slip_s: float = Field(default=2.0, gt=0)
    slip_least_m: float = Field(default=0.5, gt=0)
    slip_share: float = Field(default=0.5, gt=0, lt=1)
    gyro_miss_rad: float = Field(default=0.4, gt=0)
    stuck_s: float = Field(default=4.0, gt=0)
    stuck_m: float = Field(default=0.1, gt=0)
    stuck_rad: float = Field(default=0.15, gt=0)
    driven_mps: float = Field(default=0.1, gt=0)
    driven_radps: float = Field(default=0.2, gt=0)
    pushed_s: float = Field(default=1.0, gt=0)
    pushed_m: float = Field(default=0.15, gt=0)
    pushed_rad: float = Field(default=0.3, gt=0)
    settle_s: float = Field(default=1.0, gt=0)
    gap_s: float = Field(default=0.4, gt=0)
    tipped_rad: float = Field(default=math.radians(30.0), gt=0)
    tip_smoothing_s: float = Field(default=0.3, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """``turned_rad`` is the gyro's heading since the start, None without a gyro; ``driven`` what was let through to the
    wheels."""

    stamp_ns: int
    odom_from_base: Pose2
    map_from_base: Pose2
    turned_rad: float | None
    driven: Twist2


class MotionWatch:
    """Compares what the wheels were told, what they say, where the map says the robot is, and what the gyro feels."""

    def __init__(self, config: MotionConfig) -> None:
        self._config = config
        self._moments: deque[_Moment] = deque(maxlen=_BOUND)
        self._turned_rad: float | None = None
        self._imu_ns: int | None = None
        self._force: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None

    def hear_imu(self, imu: Imu) -> None:
        """Integrate the gyro and smooth the specific force."""
        elapsed_s = seconds(imu.stamp_ns - self._imu_ns) if self._imu_ns is not None else 0.0
        if elapsed_s < 0.0:
            return
        self._imu_ns = imu.stamp_ns
        self._turned_rad = (self._turned_rad or 0.0) + float(imu.angular_velocity_radps[2]) * elapsed_s
        share = 1.0 if self._force is None else 1.0 - math.exp(-elapsed_s / self._config.tip_smoothing_s)
        before = imu.linear_acceleration_mps2 if self._force is None else self._force
        self._force = before + share * (imu.linear_acceleration_mps2 - before)

    def look(self, estimate: PoseEstimate, driven: Twist2 | None) -> None:
        """Note where the robot is and what its wheels were told. An estimate that is no newer than the last tells nothing, and
        nothing is concluded across a gap in them."""
        newest_ns = self._moments[-1].stamp_ns if self._moments else None
        if newest_ns is not None and not 0.0 <= seconds(estimate.stamp_ns - newest_ns) <= self._config.gap_s:
            self._moments.clear()
        elif estimate.stamp_ns == newest_ns:
            return
        if driven is None:
            self._moments.clear()
            return
        moment = _Moment(
            stamp_ns=estimate.stamp_ns,
            odom_from_base=estimate.odom_from_base,
            map_from_base=estimate.map_from_base,
            turned_rad=self._turned_rad,
            driven=driven,
        )
        self._moments.append(moment)

    def facts(self) -> Iterator[Observed]:
        """What does not fit now."""
        if self._force is not None and _tilt_rad(self._force) > self._config.tipped_rad:
            yield Observed(fact=Fact.TIPPED, detail=f"by more than {math.degrees(self._config.tipped_rad):.0f}°")
        slip = self._slip()
        if slip:
            yield Observed(fact=Fact.WHEEL_SLIP, detail=slip)
        if self._is_stuck():
            yield Observed(fact=Fact.STUCK, detail=f"no way made in {self._config.stuck_s:g} s")
        if self._is_pushed():
            yield Observed(fact=Fact.PUSHED, detail="it moved while it was told to stand")

    def _last(self, window_s: float) -> list[_Moment]:
        """The moments of the last ``window_s``; none while they do not reach back that far."""
        if not self._moments:
            return []
        newest_ns = self._moments[-1].stamp_ns
        if seconds(newest_ns - self._moments[0].stamp_ns) < window_s:
            return []
        return [moment for moment in self._moments if seconds(newest_ns - moment.stamp_ns) <= window_s]

    def _slip(self) -> str:
        config, moments = self._config, self._last(self._config.slip_s)
        if not moments:
            return ""
        first, last = moments[0], moments[-1]
        wheels_m = first.odom_from_base.distance_to(last.odom_from_base)
        ground_m = first.map_from_base.distance_to(last.map_from_base)
        if wheels_m > config.slip_least_m and ground_m < config.slip_share * wheels_m:
            return "the wheels turn, the robot hardly moves"
        if first.turned_rad is None or last.turned_rad is None:
            return ""
        by_wheels = wrap_angle(last.odom_from_base.yaw_rad - first.odom_from_base.yaw_rad)
        apart_rad = abs(wrap_angle(last.turned_rad - first.turned_rad - by_wheels))
        return "the gyro and the wheels turn apart" if apart_rad > config.gyro_miss_rad else ""

    def _is_stuck(self) -> bool:
        config, moments = self._config, self._last(self._config.stuck_s)
        if not moments:
            return False
        ways = [self._told(moment.driven) for moment in moments]
        if any(way != ways[0] or way == (0, 0) for way in ways):
            return False
        first, last = moments[0].map_from_base, moments[-1].map_from_base
        turned_rad = abs(wrap_angle(last.yaw_rad - first.yaw_rad))
        return first.distance_to(last) < config.stuck_m and turned_rad < config.stuck_rad

    def _told(self, driven: Twist2) -> tuple[int, int]:
        """Which way the wheels were told to go: forwards or backwards, left or right; a turn counts on the spot only."""
        forward = _sign(driven.forward_mps, self._config.driven_mps)
        return forward, 0 if forward else _sign(driven.turn_radps, self._config.driven_radps)

    def _is_pushed(self) -> bool:
        config = self._config
        moments = self._last(config.settle_s + config.pushed_s)
        if not moments or any(moment.driven != Twist2() for moment in moments):
            return False
        newest_ns = moments[-1].stamp_ns
        late = [moment for moment in moments if seconds(newest_ns - moment.stamp_ns) <= config.pushed_s]
        first, last = late[0], late[-1]
        if first.odom_from_base.distance_to(last.odom_from_base) > config.pushed_m:
            return True
        if first.turned_rad is None or last.turned_rad is None:
            return False
        return abs(last.turned_rad - first.turned_rad) > config.pushed_rad


def _sign(value: float, least: float) -> int:
    return 0 if abs(value) < least else int(math.copysign(1.0, value))


def _tilt_rad(force: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Angle between the specific force (3,) in the IMU's frame and its z axis; zero in free fall, which tells nothing."""
    length = float(np.linalg.norm(force))
    return math.acos(min(max(float(force[2]) / length, -1.0), 1.0)) if length > 2.0 else 0.0
