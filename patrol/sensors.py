# SPDX-License-Identifier: Apache-2.0
"""What sensors measure, as the rest of the stack sees it. Stamps are nanoseconds of the active clock; arrays are read-only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from patrol.checks import Bytes, Floats, Floats32, frozen_array, require_finite, require_in, require_positive
from patrol.errors import BadValue
from patrol.geometry import Pose2, Pose3, Twist2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One revolution of a planar laser (sensor_msgs/LaserScan).

    ``ranges_m`` (N,) float32 in the frame ``frame_id``; beam i points at ``angle_min_rad + i * angle_step_rad``.
    A beam without return is ``inf``; NaN marks a beam the driver knows to be broken. ``beam_step_s`` is the time between
    two beams (0: all at once).
    """

    stamp_ns: int
    frame_id: str
    angle_min_rad: float
    angle_step_rad: float
    range_min_m: float
    range_max_m: float
    ranges_m: Floats32
    beam_step_s: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "ranges_m", frozen_array("ranges_m", self.ranges_m, (None,), np.float32))
        require_finite("angle_min_rad", self.angle_min_rad)
        require_finite("angle_step_rad", self.angle_step_rad)
        require_positive("range_max_m", self.range_max_m)

    @property
    def end_ns(self) -> int:
        """Stamp of the last beam."""
        return self.stamp_ns + round(self.beam_step_s * max(self.ranges_m.size - 1, 0) * 1e9)

    def angles_rad(self) -> Floats:
        """Beam directions (N,) rad in the sensor's frame."""
        return self.angle_min_rad + self.angle_step_rad * np.arange(self.ranges_m.size, dtype=np.float64)

    def valid(self) -> npt.NDArray[np.bool_]:
        """Mask (N,) of the beams that returned within the sensor's limits."""
        ranges = self.ranges_m
        return np.isfinite(ranges) & (ranges >= self.range_min_m) & (ranges <= self.range_max_m)

    def supported(self, tolerance_m: float = 0.3) -> npt.NDArray[np.bool_]:
        """Mask (N,) of the valid beams that one of the two beams on either side agrees with; raindrops and snowflakes stand
        alone, things do not. The scan is taken as a full turn."""
        ranges = np.where(self.valid(), self.ranges_m, np.float32(-1e6))
        agrees = [np.abs(np.roll(ranges, step) - ranges) <= tolerance_m for step in (-2, -1, 1, 2) if abs(step) < ranges.size]
        backed: npt.NDArray[np.bool_] = np.any(agrees, axis=0) & (ranges >= 0.0) if agrees else np.zeros(ranges.size, np.bool_)
        return backed

    def points_m(self) -> Floats:
        """Valid returns (M, 2) m in the sensor's frame."""
        keep = self.valid()
        ranges, angles = self.ranges_m[keep].astype(np.float64), self.angles_rad()[keep]
        return np.column_stack((ranges * np.cos(angles), ranges * np.sin(angles)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PointCloud:
    """A 3D lidar revolution (sensor_msgs/PointCloud2): ``points_m`` (N, 3) float32 in ``frame_id``.

    ``intensity`` (N,) float32 in 0..1, ``ring`` (N,) uint8, and ``time_s`` (N,) float32 since ``stamp_ns``, the time of the
    first point. Only returns are listed.
    """

    stamp_ns: int
    frame_id: str
    points_m: Floats32
    intensity: Floats32
    ring: Bytes
    time_s: Floats32

    def __post_init__(self) -> None:
        count = np.asarray(self.points_m).shape[0]
        object.__setattr__(self, "points_m", frozen_array("points_m", self.points_m, (count, 3), np.float32))
        object.__setattr__(self, "intensity", frozen_array("intensity", self.intensity, (count,), np.float32))
        object.__setattr__(self, "ring", frozen_array("ring", self.ring, (count,), np.uint8))
        object.__setattr__(self, "time_s", frozen_array("time_s", self.time_s, (count,), np.float32))


Encoding = Literal["bgr8", "mono8", "mono16"]
_CHANNELS: dict[str, tuple[int, type[np.generic]]] = {"bgr8": (3, np.uint8), "mono8": (1, np.uint8), "mono16": (1, np.uint16)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One picture (sensor_msgs/Image): ``pixels`` (H, W, 3) uint8 for bgr8, (H, W) for mono8 and mono16.

    A thermal image is mono16 with centikelvin per pixel (27315 = 0 °C), row 0 on top. ``frame_id`` is an optical frame
    (REP-103: z forward, x right, y down).
    """

    stamp_ns: int
    frame_id: str
    encoding: Encoding
    pixels: npt.NDArray[np.generic]

    def __post_init__(self) -> None:
        require_in("encoding", self.encoding, tuple(_CHANNELS))
        channels, dtype = _CHANNELS[self.encoding]
        shape = (None, None, 3) if channels == 3 else (None, None)
        object.__setattr__(self, "pixels", frozen_array("pixels", self.pixels, shape, dtype))

    @property
    def width_px(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraModel:
    """Pinhole camera without distortion (sensor_msgs/CameraInfo) and where it sits on the robot.

    ``base_from_optical`` takes points of the optical frame (z forward, x right, y down) to ``base_link``.
    """

    frame_id: str
    width_px: int
    height_px: int
    fx_px: float
    fy_px: float
    cx_px: float
    cy_px: float
    base_from_optical: Pose3

    def __post_init__(self) -> None:
        for name in ("width_px", "height_px", "fx_px", "fy_px"):
            require_positive(name, getattr(self, name))

    @classmethod
    def from_hfov(cls, frame_id: str, width_px: int, height_px: int, hfov_rad: float, base_from_optical: Pose3) -> CameraModel:
        """Square pixels and the optical axis at the centre of the picture, from the horizontal field of view."""
        f_px = 0.5 * width_px / math.tan(0.5 * hfov_rad)
        return cls(
            frame_id=frame_id,
            width_px=width_px,
            height_px=height_px,
            fx_px=f_px,
            fy_px=f_px,
            cx_px=0.5 * width_px,
            cy_px=0.5 * height_px,
            base_from_optical=base_from_optical,
        )

    def project(self, points_optical_m: npt.ArrayLike) -> Floats:
        """Pixels (N, 2) of points (N, 3) m in the optical frame; NaN for points behind the camera."""
        points = np.asarray(points_optical_m, dtype=np.float64)
        depth = np.where(points[:, 2] > 1e-6, points[:, 2], np.nan)
        return np.column_stack((self.fx_px * points[:, 0] / depth + self.cx_px, self.fy_px * points[:, 1] / depth + self.cy_px))

    def rays(self, pixels_px: npt.ArrayLike) -> Floats:
        """Directions (N, 3) in the optical frame, z = 1, through pixels (N, 2)."""
        pixels = np.asarray(pixels_px, dtype=np.float64)
        x, y = (pixels[:, 0] - self.cx_px) / self.fx_px, (pixels[:, 1] - self.cy_px) / self.fy_px
        return np.column_stack((x, y, np.ones(len(pixels))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Imu:
    """Angular rate (3,) rad/s and specific force (3,) m/s² (+9.81 on z at rest), both in ``frame_id``."""

    stamp_ns: int
    frame_id: str
    angular_velocity_radps: Floats
    linear_acceleration_mps2: Floats

    def __post_init__(self) -> None:
        for name in ("angular_velocity_radps", "linear_acceleration_mps2"):
            object.__setattr__(self, name, frozen_array(name, getattr(self, name), (3,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Odometry:
    """Dead reckoning: ``odom_from_base`` since start and the twist in ``base_link``."""

    stamp_ns: int
    odom_from_base: Pose2
    twist: Twist2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One GNSS fix in WGS84 degrees and metres; ``covariance_m2`` (3, 3) in ENU. ``valid`` is false without a solution."""

    stamp_ns: int
    latitude_deg: float
    longitude_deg: float
    altitude_m: float
    covariance_m2: Floats
    valid: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance_m2", frozen_array("covariance_m2", self.covariance_m2, (3, 3)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """State of charge 0..1, terminal voltage, current (negative while discharging, as BatteryState has it)."""

    stamp_ns: int
    charge: float
    voltage_v: float
    current_a: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.charge <= 1.0:
            raise BadValue(f"charge: {self.charge!r} is not within 0..1")
