# SPDX-License-Identifier: Apache-2.0
"""A corridor without end or features, in which lidar tells nothing of the way along it, and a robot on its axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2, Twist2
from patrol.sensors import Imu, Odometry, PointCloud
from tests.slam.lio.course import FORCE_BIAS, GYRO_BIAS, rover, stamp

HALF_WIDTH_M, CEILING_M = 1.6, 2.8
SLIP_S = 0.02
Event = PointCloud | Imu | Odometry


@dataclass(frozen=True, slots=True, kw_only=True)
class Ride:
    """``speed_mps`` and ``wheels_mps`` say how fast robot and wheels go at a time in seconds."""

    lasts_s: float
    speed_mps: Callable[[float], float]
    wheels_mps: Callable[[float], float]
    seed: int = 3

    def x_m(self, at_s: float) -> float:
        """How far the robot has come."""
        times = np.linspace(0.0, at_s, max(round(at_s / 0.005), 1) + 1)
        return float(np.trapezoid([self.speed_mps(time_s) for time_s in times], times))

    def events(self) -> Iterator[Event]:
        """IMU at 100 Hz, wheels at 50 Hz, five revolutions a second."""
        rng, directions = np.random.default_rng(self.seed), _directions()
        for tick in range(1, round(self.lasts_s * 100) + 1):
            now_s = 0.01 * tick
            yield self._imu(now_s, rng)
            if tick % 2 == 0:
                twist = Twist2(forward_mps=self.wheels_mps(now_s) + SLIP_S * rng.standard_normal())
                yield Odometry(stamp_ns=stamp(now_s), odom_from_base=Pose2(0.0, 0.0, 0.0), twist=twist)
            if tick % 20 == 0:
                yield _revolution(now_s, directions, rng)

    def _imu(self, now_s: float, rng: np.random.Generator) -> Imu:
        push = (self.speed_mps(now_s) - self.speed_mps(now_s - 0.01)) / 0.01
        return Imu(
            stamp_ns=stamp(now_s),
            frame_id="imu_link",
            angular_velocity_radps=GYRO_BIAS + 0.002 * rng.standard_normal(3),
            linear_acceleration_mps2=np.array([push, 0.0, 9.81]) + 0.5 * FORCE_BIAS + 0.03 * rng.standard_normal(3),
        )


def _directions() -> Floats:
    """(N, 3), in the order of their time."""
    lidar = rover().lidar
    azimuth = (-np.pi + 2.0 * np.pi * np.arange(lidar.columns) / lidar.columns)[:, None]
    elevation = lidar.elevations_rad()[None, :]
    flat = np.cos(elevation)
    parts = (flat * np.cos(azimuth), flat * np.sin(azimuth), np.broadcast_to(np.sin(elevation), (lidar.columns, lidar.rings)))
    return np.stack(parts, axis=-1).reshape(-1, 3)


def _revolution(end_s: float, directions: Floats, rng: np.random.Generator) -> PointCloud:
    """All that the lidar can see is alike wherever along the corridor it is, moving or not."""
    lidar = rover().lidar
    height_m = lidar.position_m[2]
    sides, up = np.abs(directions[:, 1]), directions[:, 2]
    with np.errstate(divide="ignore"):
        to_side = HALF_WIDTH_M / sides
        to_level = np.where(up < 0.0, height_m, CEILING_M - height_m) / np.abs(up)
    ranges = np.minimum(to_side, to_level) + lidar.range_noise_m * rng.standard_normal(len(directions))
    seen = np.flatnonzero(ranges < lidar.range_m[1])
    return PointCloud(
        stamp_ns=stamp(end_s - 0.1),
        frame_id="lidar_link",
        points_m=(directions[seen] * ranges[seen, None]).astype(np.float32),
        intensity=np.full(len(seen), 0.5, dtype=np.float32),
        ring=(seen % lidar.rings).astype(np.uint8),
        time_s=(0.1 * seen / len(directions)).astype(np.float32),
    )
