# SPDX-License-Identifier: Apache-2.0
"""Poses and twists. ``map_from_base`` takes points of ``base_link`` to ``map``; frames cancel in a product:
``map_from_base = map_from_odom @ odom_from_base``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, frozen_array, require_all_finite, require_finite
from patrol.errors import BadValue


def wrap_angle(angle_rad: float) -> float:
    """Bring an angle into (-π, π]."""
    wrapped = math.remainder(angle_rad, 2.0 * math.pi)
    return math.pi if wrapped == -math.pi else wrapped


@dataclass(frozen=True, slots=True)
class Pose2:
    """Planar pose of a frame B in a frame A (``a_from_b``): metres and radians, yaw about +z, wrapped into (-π, π]."""

    x_m: float
    y_m: float
    yaw_rad: float

    def __post_init__(self) -> None:
        for name in ("x_m", "y_m", "yaw_rad"):
            require_finite(name, getattr(self, name))
        object.__setattr__(self, "yaw_rad", wrap_angle(self.yaw_rad))

    def __matmul__(self, other: Pose2) -> Pose2:
        cos, sin = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return Pose2(
            self.x_m + cos * other.x_m - sin * other.y_m,
            self.y_m + sin * other.x_m + cos * other.y_m,
            self.yaw_rad + other.yaw_rad,
        )

    def inverse(self) -> Pose2:
        """``b_from_a`` of this ``a_from_b``."""
        cos, sin = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return Pose2(-cos * self.x_m - sin * self.y_m, sin * self.x_m - cos * self.y_m, -self.yaw_rad)

    def apply(self, points_m: npt.ArrayLike) -> Floats:
        """Take points (N, 2) m in frame B to frame A."""
        points = np.asarray(points_m, dtype=np.float64)
        cos, sin = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        moved: Floats = points @ np.array([[cos, sin], [-sin, cos]]) + (self.x_m, self.y_m)
        return moved

    def distance_to(self, other: Pose2) -> float:
        """Distance between the two origins, in metres."""
        return math.hypot(other.x_m - self.x_m, other.y_m - self.y_m)


IDENTITY2 = Pose2(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Pose3:
    """Rigid transform ``a_from_b``: translation (3,) m and rotation matrix (3, 3), both read-only."""

    translation_m: Floats
    rotation: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "translation_m", frozen_array("translation_m", self.translation_m, (3,)))
        object.__setattr__(self, "rotation", frozen_array("rotation", self.rotation, (3, 3)))
        require_all_finite("translation_m", self.translation_m)
        require_all_finite("rotation", self.rotation)

    @classmethod
    def from_xyz_rpy(cls, x_m: float, y_m: float, z_m: float, roll_rad: float, pitch_rad: float, yaw_rad: float) -> Pose3:
        """Pose from fixed-axis roll, pitch, yaw (REP-103; the ``<pose>`` of SDF and the ``rpy`` of URDF)."""
        return cls(np.array([x_m, y_m, z_m]), _rotation_from_rpy(roll_rad, pitch_rad, yaw_rad))

    @classmethod
    def from_quaternion(cls, translation_m: npt.ArrayLike, xyzw: npt.ArrayLike) -> Pose3:
        """Pose from a translation (3,) m and a quaternion (x, y, z, w), the order of ROS messages; it is brought to length 1.

        Raises BadValue for a quaternion of length zero, or one that is not finite.
        """
        return cls(np.asarray(translation_m, dtype=np.float64), _rotation_from_quaternion(xyzw))

    @classmethod
    def from_pose2(cls, pose: Pose2, z_m: float = 0.0) -> Pose3:
        """The planar pose lifted to height ``z_m``."""
        return cls.from_xyz_rpy(pose.x_m, pose.y_m, z_m, 0.0, 0.0, pose.yaw_rad)

    def __matmul__(self, other: Pose3) -> Pose3:
        return Pose3(self.rotation @ other.translation_m + self.translation_m, self.rotation @ other.rotation)

    def inverse(self) -> Pose3:
        """``b_from_a`` of this ``a_from_b``."""
        return Pose3(-(self.rotation.T @ self.translation_m), self.rotation.T)

    def apply(self, points_m: npt.ArrayLike) -> Floats:
        """Take points (N, 3) m in frame B to frame A."""
        return np.asarray(points_m, dtype=np.float64) @ self.rotation.T + self.translation_m

    def quaternion_xyzw(self) -> Floats:
        """Unit quaternion (x, y, z, w), its largest part positive (Shepperd, 1978)."""
        m = self.rotation
        trace = float(np.trace(m))
        largest = int(np.argmax([m[0, 0], m[1, 1], m[2, 2], trace]))
        quaternion = np.empty(4)
        if largest == 3:
            quaternion[:] = (m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], 1.0 + trace)
        else:
            i, j, k = largest, (largest + 1) % 3, (largest + 2) % 3
            quaternion[i] = 1.0 - trace + 2.0 * m[i, i]
            quaternion[j] = m[j, i] + m[i, j]
            quaternion[k] = m[k, i] + m[i, k]
            quaternion[3] = m[k, j] - m[j, k]
        unit: Floats = quaternion / np.linalg.norm(quaternion)
        return unit

    def to_pose2(self) -> Pose2:
        """The planar part: x, y and the yaw of the frame's x axis."""
        yaw_rad = math.atan2(self.rotation[1, 0], self.rotation[0, 0])
        return Pose2(float(self.translation_m[0]), float(self.translation_m[1]), yaw_rad)


def _rotation_from_rpy(roll_rad: float, pitch_rad: float, yaw_rad: float) -> Floats:
    """Rotation matrix (3, 3) of fixed-axis roll, pitch, yaw: Rz @ Ry @ Rx."""
    cr, sr = math.cos(roll_rad), math.sin(roll_rad)
    cp, sp = math.cos(pitch_rad), math.sin(pitch_rad)
    cy, sy = math.cos(yaw_rad), math.sin(yaw_rad)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def _rotation_from_quaternion(xyzw: npt.ArrayLike) -> Floats:
    """Rotation matrix (3, 3) of a quaternion (x, y, z, w) of any length but zero."""
    x, y, z, w = (float(part) for part in np.asarray(xyzw, dtype=np.float64))
    length = math.sqrt(x * x + y * y + z * z + w * w)
    if not (math.isfinite(length) and length > 0.0):
        raise BadValue(f"quaternion: has no direction (got {(x, y, z, w)})")
    x, y, z, w = x / length, y / length, z / length, w / length
    return np.array(
        [
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
            [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
            [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
        ]
    )


@dataclass(frozen=True, slots=True)
class Twist2:
    """Planar velocity in ``base_link``: forward m/s, left m/s, counter-clockwise rad/s."""

    forward_mps: float = 0.0
    left_mps: float = 0.0
    turn_radps: float = 0.0

    def __post_init__(self) -> None:
        for name in ("forward_mps", "left_mps", "turn_radps"):
            require_finite(name, getattr(self, name))


STOPPED = Twist2()
