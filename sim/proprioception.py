# SPDX-License-Identifier: Apache-2.0
"""What the robot feels of itself: IMU, wheel odometry, GNSS and battery, with seeded noise."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2, Pose3, Twist2
from patrol.local_frame import LocalFrame
from patrol.sensors import Battery, Fix, Imu, Odometry
from sim.chassis import Chassis, WheelAngles
from sim.robot import RobotModel

_GRAVITY_MPS2 = 9.81


class Encoders(Protocol):
    """What has wheels whose angles can be read."""

    def wheel_angles(self) -> WheelAngles:
        """Both angles since the start."""
        ...


class ImuSensor:
    """Angular rate and specific force with white noise and a bias drawn once per run."""

    def __init__(self, robot: RobotModel, chassis: Chassis, rng: np.random.Generator) -> None:
        part = robot.imu
        self._part, self._chassis, self._rng = part, chassis, rng
        self._gyro_bias = rng.normal(0.0, part.gyro_bias_radps, 3)
        self._force_bias = rng.normal(0.0, part.accelerometer_bias_mps2, 3)
        self._lever_m = np.array(part.position_m)
        self._last_velocity = chassis.velocity_in_map()
        self._last_ns: int | None = None

    def measure(self, now_ns: int, *, noise_gain: float = 1.0) -> Imu:
        """Read the sensor; the acceleration is the mean since the last reading."""
        velocity = self._chassis.velocity_in_map()
        rates = self._chassis.rates_in_base()
        elapsed_s = (now_ns - self._last_ns) / 1e9 if self._last_ns is not None else 0.0
        acceleration = (velocity - self._last_velocity) / elapsed_s if elapsed_s > 0.0 else np.zeros(3)
        self._last_velocity, self._last_ns = velocity, now_ns
        acceleration[2] += _GRAVITY_MPS2
        force = acceleration @ self._chassis.rotation() + _centripetal(rates, self._lever_m)
        white = self._rng.standard_normal(6) * noise_gain
        return Imu(
            stamp_ns=now_ns,
            frame_id="imu_link",
            angular_velocity_radps=_sealed(rates + self._gyro_bias + white[:3] * self._part.gyro_noise_radps),
            linear_acceleration_mps2=_sealed(force + self._force_bias + white[3:] * self._part.accelerometer_noise_mps2),
        )


def _centripetal(rates: Floats, lever_m: Floats) -> Floats:
    """Acceleration (3,) m/s² of a point at ``lever_m`` (3,) of a body that turns at ``rates`` (3,) rad/s: ω (ω·r) - r ω²."""
    return rates * float(rates @ lever_m) - lever_m * float(rates @ rates)


def _sealed(array: Floats) -> Floats:
    array.setflags(write=False)
    return array


class WheelOdometry:
    """Dead reckoning from wheel angles with a slightly wrong wheel radius and track, and slip that grows with the way driven.

    Exact integration along the arc (Siegwart et al., "Introduction to Autonomous Mobile Robots", section 5.2.4).
    """

    def __init__(self, robot: RobotModel, chassis: Encoders, rng: np.random.Generator) -> None:
        part, drive = robot.odometry, robot.drive
        self._chassis, self._rng, self._slip = chassis, rng, part.slip_noise
        common = rng.normal(0.0, part.wheel_radius_error)
        difference = rng.normal(0.0, 0.3 * part.wheel_radius_error)
        self._left_radius_m = drive.wheel_radius_m * (1.0 + common - 0.5 * difference)
        self._right_radius_m = drive.wheel_radius_m * (1.0 + common + 0.5 * difference)
        self._track_m = drive.track_m * (1.0 + rng.normal(0.0, part.track_error))
        self._last: WheelAngles = chassis.wheel_angles()
        self._pose = IDENTITY2
        self._last_ns: int | None = None

    def measure(self, now_ns: int, *, noise_gain: float = 1.0) -> Odometry:
        """Read the encoders and integrate."""
        angles = self._chassis.wheel_angles()
        left = self._travel((angles.left_rad - self._last.left_rad) * self._left_radius_m, noise_gain)
        right = self._travel((angles.right_rad - self._last.right_rad) * self._right_radius_m, noise_gain)
        elapsed_s = (now_ns - self._last_ns) / 1e9 if self._last_ns is not None else math.inf
        self._last, self._last_ns = angles, now_ns
        forward, turn = 0.5 * (left + right), (right - left) / self._track_m
        chord = forward * (math.sin(0.5 * turn) / (0.5 * turn) if abs(turn) > 1e-9 else 1.0)
        self._pose = self._pose @ Pose2(chord * math.cos(0.5 * turn), chord * math.sin(0.5 * turn), turn)
        twist = Twist2(forward_mps=forward / elapsed_s, turn_radps=turn / elapsed_s)
        return Odometry(stamp_ns=now_ns, odom_from_base=self._pose, twist=twist)

    def _travel(self, way_m: float, noise_gain: float) -> float:
        return way_m + self._slip * noise_gain * math.sqrt(abs(way_m)) * 0.1 * float(self._rng.standard_normal())


class GnssSensor:
    """Fixes of the antenna through the site's datum: white noise on top of a slow drift (first-order Gauss-Markov)."""

    def __init__(self, robot: RobotModel, frame: LocalFrame, rng: np.random.Generator) -> None:
        self._part, self._frame, self._rng = robot.gnss, frame, rng
        self._base_from_gnss = robot.base_from_gnss
        self._drift_m = rng.normal(0.0, 1.0, 3) * self._part.drift_m
        horizontal = self._part.horizontal_noise_m**2 + self._part.drift_m**2
        vertical = self._part.vertical_noise_m**2 + self._part.drift_m**2
        self._covariance = np.diag([horizontal, horizontal, vertical])

    def measure(self, now_ns: int, map_from_base: Pose3, *, noise_gain: float = 1.0) -> Fix:
        """One fix of the robot's antenna."""
        return self.fix_at(now_ns, (map_from_base @ self._base_from_gnss).translation_m, noise_gain=noise_gain)

    def fix_at(self, now_ns: int, antenna_m: Floats, *, noise_gain: float = 1.0) -> Fix:
        """One fix of an antenna that is really at ``antenna_m`` (3,) m in map."""
        part = self._part
        keep = math.exp(-1.0 / (part.rate_hz * part.drift_time_s))
        self._drift_m = keep * self._drift_m + math.sqrt(1.0 - keep * keep) * part.drift_m * self._rng.standard_normal(3)
        sigma = np.array([part.horizontal_noise_m, part.horizontal_noise_m, part.vertical_noise_m]) * noise_gain
        longitude, latitude, altitude = self._frame.to_wgs84(antenna_m + self._drift_m + sigma * self._rng.standard_normal(3))
        return Fix(
            stamp_ns=now_ns,
            latitude_deg=float(latitude),
            longitude_deg=float(longitude),
            altitude_m=float(altitude),
            covariance_m2=self._covariance * noise_gain**2,
        )


class BatterySensor:
    """Charge falls with the electronics' draw and with the way driven, and rises while the robot stands in a dock; the voltage
    is linear in the charge."""

    def __init__(self, robot: RobotModel, rng: np.random.Generator, charge: float = 1.0) -> None:
        self._part, self._rng, self._charge = robot.battery, rng, charge
        self._power_w = self._part.idle_w

    def draw(self, speed_mps: float, elapsed_s: float, *, docked: bool = False) -> None:
        """Take ``elapsed_s`` of driving at ``speed_mps`` out of the battery; ``docked`` puts the charger's power into it."""
        charger_w = self._part.charger_w if docked else 0.0
        self._power_w = self._part.idle_w + self._part.drive_w_per_mps * abs(speed_mps) - charger_w
        charge = self._charge - self._power_w * elapsed_s / 3600.0 / self._part.capacity_wh
        self._charge = min(max(charge, 0.0), 1.0)

    def measure(self, now_ns: int) -> Battery:
        """Charge, voltage and current now."""
        volts = self._part.empty_v + (self._part.full_v - self._part.empty_v) * self._charge
        volts += 0.02 * float(self._rng.standard_normal())
        return Battery(stamp_ns=now_ns, charge=self._charge, voltage_v=volts, current_a=-self._power_w / volts)
