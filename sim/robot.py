# SPDX-License-Identifier: Apache-2.0
"""One description of a robot for every backend: body, wheels, sensors and their noise.

Nothing here knows MuJoCo or Gazebo; each backend generates its own parts from a ``RobotModel``.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from patrol.checks import Floats
from patrol.config import Config, load_config
from patrol.geometry import Pose3
from patrol.sensors import CameraModel
from patrol.sound import MICROPHONE_FRAME

Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Vector3 = tuple[float, float, float]
ROVER = Path(__file__).parent / "robots" / "rover.yaml"

BASE_OPTICAL_ROTATION = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Turns an optical frame (z forward, x right, y down) that looks along +x of ``base_link`` into ``base_link``."""


class BodyPart(Config):
    """The box of the chassis, centred over the wheels at height ``centre_z_m``, and its casters on the centre line."""

    size_m: tuple[Positive, Positive, Positive]
    centre_z_m: Positive
    mass_kg: Positive
    casters_x_m: tuple[float, ...]
    caster_radius_m: Positive


class Drive(Config):
    """Two wheels at x = 0, ``track_m`` apart. A command older than ``command_timeout_s`` counts as zero."""

    wheel_radius_m: Positive
    wheel_width_m: Positive
    wheel_mass_kg: Positive
    track_m: Positive
    torque_limit_nm: Positive
    velocity_gain_nms: Positive
    forward_limit_mps: Positive
    turn_limit_radps: Positive
    forward_acceleration_mps2: Positive
    turn_acceleration_radps2: Positive
    armature_kgm2: NotNegative = 0.01
    command_timeout_s: Positive


class Lidar(Config):
    """A spinning lidar, ``columns`` firings of ``rings`` beams per revolution, counter-clockwise from straight back.

    The 2D scan takes, per column, the nearest return whose height above the ground under the robot lies in ``scan_band_m``.
    """

    position_m: Vector3
    rings: Annotated[int, Field(ge=1, le=255)]
    columns: Annotated[int, Field(ge=8)]
    elevation_deg: tuple[float, float]
    range_m: tuple[Positive, Positive]
    rate_hz: Positive
    range_noise_m: NotNegative
    dropout: Fraction
    scan_band_m: tuple[float, float]

    def elevations_rad(self) -> Floats:
        """Elevation (rings,) of every ring, lowest first."""
        elevations: Floats = np.radians(np.linspace(*self.elevation_deg, self.rings))
        return elevations


class CameraPart(Config):
    """A camera that looks forward, turned down by ``pitch_deg``."""

    frame_id: str
    position_m: Vector3
    pitch_deg: float
    width_px: Annotated[int, Field(ge=1)]
    height_px: Annotated[int, Field(ge=1)]
    hfov_deg: Annotated[float, Field(gt=0.0, lt=170.0)]
    rate_hz: Positive

    def model(self) -> CameraModel:
        """The pinhole model the rest of the stack uses."""
        base_from_mast = Pose3.from_xyz_rpy(*self.position_m, 0.0, math.radians(self.pitch_deg), 0.0)
        base_from_optical = base_from_mast @ Pose3(np.zeros(3), BASE_OPTICAL_ROTATION)
        return CameraModel.from_hfov(self.frame_id, self.width_px, self.height_px, math.radians(self.hfov_deg), base_from_optical)


class ImuPart(Config):
    position_m: Vector3
    rate_hz: Positive
    gyro_noise_radps: NotNegative
    gyro_bias_radps: NotNegative
    accelerometer_noise_mps2: NotNegative
    accelerometer_bias_mps2: NotNegative


class OdometryPart(Config):
    """Standard deviations: relative wheel radius and track errors are drawn once per run, slip noise per root of metre."""

    rate_hz: Positive
    wheel_radius_error: NotNegative
    track_error: NotNegative
    slip_noise: NotNegative


class GnssPart(Config):
    """White noise per fix on top of a drift that forgets itself over ``drift_time_s`` (first-order Gauss-Markov)."""

    position_m: Vector3
    rate_hz: Positive
    horizontal_noise_m: NotNegative
    vertical_noise_m: NotNegative
    drift_m: NotNegative
    drift_time_s: Positive


class BatteryPart(Config):
    rate_hz: Positive
    capacity_wh: Positive
    idle_w: NotNegative
    drive_w_per_mps: NotNegative
    charger_w: NotNegative = 240.0
    full_v: Positive
    empty_v: Positive


class MicrophonePart(Config):
    """Microphones at ``positions_m`` about ``position_m`` on ``base_link``, heard together in ``rate_hz`` blocks a second. Levels
    in dB are sound pressure levels: of each microphone's own noise, and, at the array, of the robot's fan and of its drives at
    about 1 m/s; ``motor_m`` is where those sit, seen from the array."""

    position_m: Vector3
    positions_m: Annotated[tuple[Vector3, ...], Field(min_length=1, max_length=16)]
    rate_hz: Annotated[float, Field(gt=0.0, le=100.0)] = 10.0
    full_scale_pa: Positive = 20.0
    self_noise_db: float = 29.0
    fan_db: float = 42.0
    motor_db: float = 55.0
    motor_m: Vector3 = (0.0, 0.0, -0.6)


class RobotModel(Config):
    """A whole robot. Frames: ``base_link`` on the ground between the wheels, x forward, z up."""

    name: str
    body: BodyPart
    drive: Drive
    lidar: Lidar
    camera_part: CameraPart = Field(alias="camera")
    thermal_part: CameraPart = Field(alias="thermal")
    imu: ImuPart
    odometry: OdometryPart
    gnss: GnssPart
    battery: BatteryPart
    microphones: MicrophonePart

    @model_validator(mode="after")
    def _stands_on_its_wheels(self) -> RobotModel:
        if self.body.centre_z_m - 0.5 * self.body.size_m[2] <= 0.0:
            raise ValueError("body: the chassis reaches into the ground")
        if self.lidar.range_m[0] >= self.lidar.range_m[1]:
            raise ValueError("lidar.range_m: must be (nearest, farthest)")
        return self

    @property
    def camera(self) -> CameraModel:
        return self.camera_part.model()

    @property
    def thermal(self) -> CameraModel:
        return self.thermal_part.model()

    @property
    def base_from_lidar(self) -> Pose3:
        return Pose3(np.array(self.lidar.position_m), np.eye(3))

    @property
    def base_from_imu(self) -> Pose3:
        return Pose3(np.array(self.imu.position_m), np.eye(3))

    @property
    def base_from_gnss(self) -> Pose3:
        return Pose3(np.array(self.gnss.position_m), np.eye(3))

    @property
    def base_from_microphones(self) -> Pose3:
        return Pose3(np.array(self.microphones.position_m), np.eye(3))

    @property
    def mounts(self) -> dict[str, Pose3]:
        """``base_link_from_frame`` of every sensor's frame: what ``tf_static`` tells, in whichever simulator."""
        return {
            "lidar_link": self.base_from_lidar,
            "imu_link": self.base_from_imu,
            "gnss_link": self.base_from_gnss,
            MICROPHONE_FRAME: self.base_from_microphones,
            self.camera.frame_id: self.camera.base_from_optical,
            self.thermal.frame_id: self.thermal.base_from_optical,
        }

    @property
    def radius_m(self) -> float:
        """Radius around ``base_link`` that encloses the robot seen from above."""
        return math.hypot(0.5 * self.body.size_m[0], 0.5 * self.body.size_m[1])


def read_robot(path: Path = ROVER) -> RobotModel:
    """Read a robot description. Raises BadInput naming field and value."""
    return load_config(RobotModel, path)
