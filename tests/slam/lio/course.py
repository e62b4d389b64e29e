# SPDX-License-Identifier: Apache-2.0
"""A robot that drives figures of eight in the yard of the prison: revolutions, IMU and wheels, and where it really was."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2, Pose3, Twist2
from patrol.sensors import Imu, Odometry, PointCloud
from sim.lidar import SpinningLidar
from sim.robot import RobotModel, read_robot
from sim.sdf import World, read_world
from sim.weather import Weather
from slam.lio.odometry import Mounts3

ROOT = Path(__file__).resolve().parents[3]
MIDDLE = (0.0, -19.0)
PERIOD_S = 40.0
REVOLUTION_S = 0.1
RAMP_S = 2.0
GYRO_BIAS = np.array([0.002, -0.001, 0.003])
FORCE_BIAS = np.array([0.02, -0.03, 0.01])
START_NS = 1_000_000_000
Event = PointCloud | Imu | Odometry


@cache
def prison() -> World:
    return read_world(ROOT / "sim" / "worlds" / "prison.sdf")


@cache
def rover() -> RobotModel:
    return read_robot()


@cache
def _lidar() -> SpinningLidar:
    return SpinningLidar(rover().lidar, prison(), np.random.default_rng(5))


def mounts() -> Mounts3:
    return Mounts3(base_from_lidar=rover().base_from_lidar, base_from_imu=rover().base_from_imu)


def _gone(time_s: float) -> tuple[float, float, float]:
    """How far along the course the robot is, in seconds at full speed, with its rate and the rate's change: it starts softly."""
    if time_s < RAMP_S:
        return 0.5 * time_s * time_s / RAMP_S, time_s / RAMP_S, 1.0 / RAMP_S
    return time_s - 0.5 * RAMP_S, 1.0, 0.0


def _eight(at_s: float) -> tuple[Floats, Floats, Floats]:
    """The figure: place, and its first and second derivative."""
    rate = 2.0 * math.pi / PERIOD_S
    phase = rate * at_s
    place_m = np.array([MIDDLE[0] + 9.0 * math.sin(phase), MIDDLE[1] + 5.0 * math.sin(2.0 * phase)])
    first = rate * np.array([9.0 * math.cos(phase), 10.0 * math.cos(2.0 * phase)])
    second = rate**2 * np.array([-9.0 * math.sin(phase), -20.0 * math.sin(2.0 * phase)])
    return place_m, first, second


def place(time_s: float) -> Floats:
    """x, y (2,) m."""
    return _eight(_gone(time_s)[0])[0]


def acceleration(time_s: float) -> Floats:
    at_s, rate, change = _gone(time_s)
    _, first, second = _eight(at_s)
    forced: Floats = rate**2 * second + change * first
    return forced


def yaw(time_s: float) -> float:
    _, first, _ = _eight(_gone(time_s)[0])
    return math.atan2(first[1], first[0])


def turn(time_s: float) -> float:
    """Rate of the heading, rad/s."""
    at_s, rate, _ = _gone(time_s)
    _, first, second = _eight(at_s)
    return float(rate * (first[0] * second[1] - first[1] * second[0]) / (first @ first))


def pose(time_s: float) -> Pose2:
    x_m, y_m = place(time_s)
    return Pose2(float(x_m), float(y_m), yaw(time_s))


def start(course: Course | None = None) -> Pose3:
    """Where the robot is at the first revolution."""
    return Pose3.from_pose2(pose((course or Course()).from_s + REVOLUTION_S))


def true_at(stamp_ns: int) -> Pose2:
    return pose((stamp_ns - START_NS) * 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is measured from ``from_s`` on: ``every_s`` between revolutions, the first after a tenth of a second; wheels that are
    ``scale`` too long."""

    lasts_s: float = PERIOD_S
    every_s: float = 0.1
    scale: float = 1.01
    with_imu: bool = True
    with_wheels: bool = True
    seed: int = 1
    from_s: float = 0.0

    def events(self) -> Iterator[Event]:
        """Everything in the order in which it is complete."""
        rng = np.random.default_rng(self.seed)
        lidar = _lidar()
        odometry, next_s = IDENTITY2, self.from_s + 2.0 * REVOLUTION_S
        first = round(self.from_s * 100)
        for tick in range(first + 1, first + round(self.lasts_s * 100) + 1):
            now_s = 0.01 * tick
            if self.with_imu:
                yield imu(now_s, rng)
            if self.with_wheels and tick % 2 == 0:
                step = pose(now_s - 0.02).inverse() @ pose(now_s)
                odometry = odometry @ Pose2(self.scale * step.x_m, step.y_m, step.yaw_rad)
                yield wheels(now_s, odometry, self.scale * step.x_m / 0.02)
            if now_s >= next_s - 1e-9:
                next_s += self.every_s
                yield revolution(lidar, now_s)


def imu(now_s: float, rng: np.random.Generator) -> Imu:
    heading, mean_s = yaw(now_s), now_s - 0.005
    x, y = acceleration(mean_s)
    cos, sin = math.cos(heading), math.sin(heading)
    force = np.array([cos * x + sin * y, -sin * x + cos * y, 9.81])
    return Imu(
        stamp_ns=stamp(now_s),
        frame_id="imu_link",
        angular_velocity_radps=np.array([0.0, 0.0, turn(now_s)]) + GYRO_BIAS + 0.002 * rng.standard_normal(3),
        linear_acceleration_mps2=force + FORCE_BIAS + 0.03 * rng.standard_normal(3),
    )


def wheels(now_s: float, odometry: Pose2, forward_mps: float) -> Odometry:
    twist = Twist2(forward_mps=forward_mps, turn_radps=turn(now_s - 0.01))
    return Odometry(stamp_ns=stamp(now_s), odom_from_base=odometry, twist=twist)


def revolution(lidar: SpinningLidar, end_s: float) -> PointCloud:
    times = np.linspace(end_s - REVOLUTION_S, end_s, 11)
    yaws = np.unwrap([yaw(time_s) for time_s in times])
    trail = np.array([(*place(time_s), 0.0, 0.0, 0.0, heading) for time_s, heading in zip(times, yaws, strict=True)])
    return lidar.cloud(lidar.revolve(trail, stamp(end_s - REVOLUTION_S), (), Weather()))


def stamp(time_s: float) -> int:
    return START_NS + round(time_s * 1e9)
