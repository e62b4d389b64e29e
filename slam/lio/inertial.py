# SPDX-License-Identifier: Apache-2.0
"""The inertial filter: where the IMU is and how it moves, from its own rates and forces, the wheels, and registered revolutions.

An error-state Kalman filter with gravity among its states (Xu and Zhang, "FAST-LIO", RA-L 2021; notation of Solà, "Quaternion
kinematics for the error-state Kalman filter", 2017), and the scale of wheel odometry as well: down a corridor without features
the wheels alone tell the way, and their radius is never quite the stated one.

Error states: turn in the body (0:3), position (3:6), velocity (6:9), gyro bias (9:12), force bias (12:15), gravity (15:18), and
the logarithm of what odometry says over what is true (18).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose3, Twist2
from patrol.sensors import Imu
from slam.lio.config import InertialConfig
from slam.lio.rotations import IDENTITY, righted, skew, turn_of, turned_by
from slam.lio.standstill import Still

_STATES = 19
_TURN, _PLACE, _SPEED = slice(0, 3), slice(3, 6), slice(6, 9)
_GYRO_BIAS, _FORCE_BIAS, _GRAVITY, _SCALE = slice(9, 12), slice(12, 15), slice(15, 18), 18
_START_POSE_STD = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A pose that registration found, and the information (6, 6) it has, over turn (rad) and shift (m) in the body; a direction
    that the surroundings do not tell has none."""

    odom_from_imu: Pose3
    information: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelRest:
    """What odometry says (M,) m/s in the base, less what is known, with its jacobian (M, 19) and noise (M, M); ``sigmas`` is how
    far off it is in standard deviations."""

    rest_mps: Floats
    jacobian: Floats
    noise: Floats
    sigmas: float


class InertialFilter:
    """The state at one moment. ``odom`` is a fixed frame that drifts slowly; ``imu_from_base`` is the mount."""

    def __init__(self, config: InertialConfig, odom_from_imu: Pose3, imu_from_base: Pose3) -> None:
        self._config = config
        self._base_from_imu = imu_from_base.rotation.T
        self._lever_m = imu_from_base.translation_m
        self.rotation: Floats = np.array(odom_from_imu.rotation)
        self.position_m: Floats = np.array(odom_from_imu.translation_m)
        self.velocity_mps: Floats = np.zeros(3)
        self.gyro_bias_radps: Floats = np.zeros(3)
        self.force_bias_mps2: Floats = np.zeros(3)
        self.gravity_mps2: Floats = np.array([0.0, 0.0, -config.gravity_mps2])
        self.wheel_scale = 1.0
        self._rate_radps: Floats = np.zeros(3)
        self._covariance = np.diag(np.square(_start_stds(config)))

    @property
    def pose(self) -> Pose3:
        """``odom_from_imu``."""
        return Pose3(self.position_m.copy(), self.rotation.copy())

    @property
    def rate_radps(self) -> Floats:
        """How the body turns (3,), its bias taken off."""
        return self._rate_radps

    @property
    def pose_covariance(self) -> Floats:
        """Covariance (6, 6) over turn (rad) and shift (m) in the body."""
        to_body = _to_body(self.rotation)
        covariance: Floats = to_body @ self._covariance[:6, :6] @ to_body.T
        return covariance

    def propagate(self, duration_s: float, before: Imu, after: Imu) -> None:
        """Go on by ``duration_s`` from one reading to the next. What the body did between them is unsure by a share of their
        difference: a blow shakes it faster than the IMU reads."""
        config = self._config
        rate = 0.5 * (before.angular_velocity_radps + after.angular_velocity_radps) - self.gyro_bias_radps
        force = after.linear_acceleration_mps2 - self.force_bias_mps2
        root_s = config.change_share * math.sqrt(duration_s)
        shaken = root_s * float(np.linalg.norm(after.angular_velocity_radps - before.angular_velocity_radps))
        pushed = root_s * float(np.linalg.norm(after.linear_acceleration_mps2 - before.linear_acceleration_mps2))
        self._go_on(duration_s, rate, force, (math.hypot(config.gyro_noise, shaken), math.hypot(config.force_noise, pushed)))

    def propagate_blind(self, duration_s: float, turn_radps: float | None) -> None:
        """Go on without an IMU: at the last velocity, turning as the wheels say or, if they are silent too, as before."""
        rate = self._rate_radps if turn_radps is None else self._base_from_imu.T @ np.array([0.0, 0.0, turn_radps])
        config = self._config
        turn_noise = config.blind_turn_noise if turn_radps is None else config.wheel_turn_std_radps
        force = -(self.rotation.T @ self.gravity_mps2)
        self._go_on(duration_s, rate, force, (turn_noise, config.blind_force_noise))

    def move_at(self, twist: Twist2) -> None:
        """Begin at the speed that the wheels say."""
        self._rate_radps = self._base_from_imu.T @ np.array([0.0, 0.0, twist.turn_radps])
        at_base = self._base_from_imu.T @ np.array([twist.forward_mps, twist.left_mps, 0.0])
        self.velocity_mps = self.rotation @ (at_base - np.cross(self._rate_radps, self._lever_m))

    def halt(self) -> None:
        """Nothing is known of the motion any more: the body is taken to stand, at any speed."""
        self.velocity_mps, self._rate_radps = np.zeros(3), np.zeros(3)
        self._covariance[_SPEED, :] = 0.0
        self._covariance[:, _SPEED] = 0.0
        self._covariance[_SPEED, _SPEED] = self._config.start_speed_std_mps**2 * IDENTITY

    def compare_wheels(self, twist: Twist2) -> tuple[WheelRest, WheelRest]:
        """What odometry says of the speed ahead, and that wheels do not go aside or up, beside what is known of either."""
        config = self._config
        speed = self._base_from_imu @ (self.rotation.T @ self.velocity_mps + np.cross(self._rate_radps, self._lever_m))
        told = np.array([twist.forward_mps, twist.left_mps, 0.0])
        expected = np.array([self.wheel_scale * speed[0], speed[1], speed[2]])
        jacobian = np.zeros((3, _STATES))
        jacobian[:, _TURN] = self._base_from_imu @ skew(self.rotation.T @ self.velocity_mps)
        jacobian[:, _SPEED] = self._base_from_imu @ self.rotation.T
        jacobian[:, _GYRO_BIAS] = self._base_from_imu @ skew(self._lever_m)
        jacobian[0] *= self.wheel_scale
        jacobian[0, _SCALE] = expected[0]
        std = config.wheel_std_mps + config.wheel_share * abs(twist.forward_mps)
        noise, rest = np.square([std, config.aside_std_mps, config.aside_std_mps]), told - expected
        return self._rest(rest[:1], jacobian[:1], noise[:1]), self._rest(rest[1:], jacobian[1:], noise[1:])

    def _rest(self, rest: Floats, jacobian: Floats, variances: Floats) -> WheelRest:
        noise = np.diag(variances)
        spread = jacobian @ self._covariance @ jacobian.T + noise
        sigmas = math.sqrt(max(float(rest @ np.linalg.solve(spread, rest)), 0.0))
        return WheelRest(rest_mps=rest, jacobian=jacobian, noise=noise, sigmas=sigmas)

    def correct_by_wheels(self, compared: WheelRest) -> None:
        """Take in what was just compared; the farther it is off, the less (Huber, 1964)."""
        soft = max(compared.sigmas / self._config.wheel_soft_sigmas, 1.0)
        self._take(compared.rest_mps, compared.jacobian, soft * compared.noise)

    def correct_by_standstill(self, still: Still) -> bool:
        """Take in that the body stands, neither moving nor turning; false, and nothing is changed, when that contradicts what is
        known: the speed or the gyro's bias can not be that far off, or the force is not gravity."""
        config = self._config.standstill
        push = self.rotation @ (still.force_mps2 - self.force_bias_mps2) + self.gravity_mps2
        jacobian = np.zeros((6, _STATES))
        jacobian[:3, _SPEED] = jacobian[3:, _GYRO_BIAS] = IDENTITY
        rest = np.concatenate((-self.velocity_mps, still.rate_radps - self.gyro_bias_radps))
        noise = np.diag(np.square([config.speed_std_mps] * 3 + [config.rate_std_radps] * 3))
        spread = jacobian @ self._covariance @ jacobian.T + noise
        is_off = float(rest @ np.linalg.solve(spread, rest)) > config.gate_sigmas**2
        if is_off or float(np.linalg.norm(push)) > config.force_off_mps2:
            return False
        self._take(rest, jacobian, noise)
        return True

    def doubt_speed(self, noise: float, duration_s: float) -> None:
        """The speed becomes less sure, by ``noise`` in m/s per root of a second."""
        self._covariance[_SPEED, _SPEED] += noise**2 * duration_s * IDENTITY

    def correct_by_registration(self, found: Registered) -> None:
        """Take in a registered pose, as far as it has information."""
        to_body = _to_body(self.rotation)
        rest = np.concatenate(
            (
                turn_of(self.rotation.T @ found.odom_from_imu.rotation),
                self.rotation.T @ (found.odom_from_imu.translation_m - self.position_m),
            )
        )
        shared = self._covariance[:, :6] @ to_body.T
        spread = to_body @ shared[:6]
        share = np.linalg.solve((np.eye(6) + found.information @ spread).T, shared.T).T
        gain = share @ found.information
        jacobian = np.zeros((6, _STATES))
        jacobian[:, :6] = to_body
        self._correct(gain @ rest, gain @ jacobian, gain @ share.T)

    def forget_pose(self, std_m: float, std_rad: float) -> None:
        """From here on the pose is counted from where it is now: its own uncertainty is handed over to whoever keeps it."""
        self._covariance[:6, :] = 0.0
        self._covariance[:, :6] = 0.0
        self._covariance[_TURN, _TURN] = std_rad**2 * IDENTITY
        self._covariance[_PLACE, _PLACE] = std_m**2 * IDENTITY

    def _take(self, rest: Floats, jacobian: Floats, noise: Floats) -> None:
        """Take in a measurement (M,) with its jacobian (M, 19) and noise (M, M)."""
        shared = self._covariance @ jacobian.T
        gain = np.linalg.solve(jacobian @ shared + noise, shared.T).T
        self._correct(gain @ rest, gain @ jacobian, gain @ noise @ gain.T)

    def _go_on(self, duration_s: float, rate_radps: Floats, force_mps2: Floats, noise: tuple[float, float]) -> None:
        turn = turned_by(rate_radps * duration_s)
        acceleration = self.rotation @ force_mps2 + self.gravity_mps2
        step = np.eye(_STATES)
        push = -duration_s * self.rotation @ skew(force_mps2)
        step[_TURN, _TURN] = turn.T
        step[_TURN, _GYRO_BIAS] = -duration_s * IDENTITY
        step[_PLACE, _SPEED] = duration_s * IDENTITY
        step[_PLACE, _TURN] = 0.5 * duration_s * push
        step[_SPEED, _TURN] = push
        step[_SPEED, _FORCE_BIAS] = -duration_s * self.rotation
        step[_SPEED, _GRAVITY] = duration_s * IDENTITY
        self._covariance = step @ self._covariance @ step.T
        diagonal = np.einsum("ii->i", self._covariance)
        config = self._config
        diagonal[_TURN] += noise[0] ** 2 * duration_s
        diagonal[_SPEED] += noise[1] ** 2 * duration_s
        diagonal[_GYRO_BIAS] += config.gyro_bias_walk**2 * duration_s
        diagonal[_FORCE_BIAS] += config.force_bias_walk**2 * duration_s
        diagonal[_SCALE] += config.wheel_scale_walk**2 * duration_s
        self.position_m = self.position_m + duration_s * self.velocity_mps + 0.5 * duration_s**2 * acceleration
        self.velocity_mps = self.velocity_mps + duration_s * acceleration
        self.rotation = righted(self.rotation @ turn)
        self._rate_radps = rate_radps

    def _correct(self, error: Floats, gain_jacobian: Floats, gain_noise: Floats) -> None:
        """Put the estimated error (19,) into the state; the covariance follows in Joseph's form, which keeps it positive."""
        self.rotation = righted(self.rotation @ turned_by(error[_TURN]))
        self.position_m = self.position_m + error[_PLACE]
        self.velocity_mps = self.velocity_mps + error[_SPEED]
        self.gyro_bias_radps = self.gyro_bias_radps + error[_GYRO_BIAS]
        self.force_bias_mps2 = self.force_bias_mps2 + error[_FORCE_BIAS]
        gravity = self.gravity_mps2 + error[_GRAVITY]
        self.gravity_mps2 = gravity * (self._config.gravity_mps2 / float(np.linalg.norm(gravity)))
        self.wheel_scale *= math.exp(float(error[_SCALE]))
        rest = np.eye(_STATES) - gain_jacobian
        covariance = rest @ self._covariance @ rest.T + gain_noise
        self._covariance = 0.5 * (covariance + covariance.T)


def _to_body(rotation: Floats) -> Floats:
    """Takes an error of turn and position to turn and shift in the body (6, 6)."""
    matrix = np.eye(6)
    matrix[3:, 3:] = rotation.T
    return matrix


def _start_stds(config: InertialConfig) -> Floats:
    stds = np.full(_STATES, _START_POSE_STD)
    stds[_SPEED] = config.start_speed_std_mps
    stds[_GYRO_BIAS] = config.start_gyro_bias_std_radps
    stds[_FORCE_BIAS] = config.start_force_bias_std_mps2
    stds[_GRAVITY] = (*[config.start_tilt_std_rad * config.gravity_mps2] * 2, 1e-3)
    stds[_SCALE] = config.wheel_scale_std
    return stds
