# SPDX-License-Identifier: Apache-2.0
"""Poses, twists and transforms."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import Pose, Pose2D, PoseStamped, PoseWithCovarianceStamped, Quaternion, TransformStamped, Twist
from nav_msgs.msg import Path
from tf2_msgs.msg import TFMessage

from patrol.checks import Floats
from patrol.errors import BadValue
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Pose3, Twist2
from patrol_ros.conversions.stamps import header_to_ros, stamp_from_ros

# Row-major places of x, y and yaw in ROS's 6 x 6 covariance over x, y, z, roll, pitch, yaw.
_PLANAR = np.ix_((0, 1, 5), (0, 1, 5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """``parent_from_child`` at ``stamp_ns``."""

    stamp_ns: int
    parent: str
    child: str
    parent_from_child: Pose3


def pose2d_to_ros(pose: Pose2) -> Pose2D:
    """The planar pose as it is."""
    return Pose2D(x=float(pose.x_m), y=float(pose.y_m), theta=float(pose.yaw_rad))


def pose2d_from_ros(message: Pose2D) -> Pose2:
    """Raises BadValue when a field is not finite."""
    return Pose2(message.x, message.y, message.theta)


def yaw_to_ros(yaw_rad: float) -> Quaternion:
    """A turn about +z."""
    return Quaternion(z=math.sin(0.5 * yaw_rad), w=math.cos(0.5 * yaw_rad))


def yaw_from_ros(rotation: Quaternion) -> float:
    """Yaw of the rotated x axis, in radians. Raises BadValue when the quaternion is not a rotation."""
    x, y, z, w = rotation.x, rotation.y, rotation.z, rotation.w
    norm = x * x + y * y + z * z + w * w
    if not 0.9 < norm < 1.1:
        raise BadValue(f"orientation: squared norm {norm!r} is not 1")
    return math.atan2(2.0 * (w * z + x * y) / norm, 1.0 - 2.0 * (y * y + z * z) / norm)


def pose_to_ros(pose: Pose2, z_m: float = 0.0) -> Pose:
    """The planar pose at height ``z_m``."""
    message = Pose(orientation=yaw_to_ros(pose.yaw_rad))
    message.position.x, message.position.y, message.position.z = float(pose.x_m), float(pose.y_m), float(z_m)
    return message


def pose_from_ros(message: Pose) -> Pose2:
    """The planar part. Raises BadValue when a field is not finite or the orientation is not a rotation."""
    return Pose2(message.position.x, message.position.y, yaw_from_ros(message.orientation))


def twist_to_ros(twist: Twist2) -> Twist:
    """Planar velocity in base_link."""
    message = Twist()
    message.linear.x, message.linear.y = float(twist.forward_mps), float(twist.left_mps)
    message.angular.z = float(twist.turn_radps)
    return message


def twist_from_ros(message: Twist) -> Twist2:
    """The planar part. Raises BadValue when a field is not finite."""
    return Twist2(message.linear.x, message.linear.y, message.angular.z)


def estimate_pose_to_ros(estimate: PoseEstimate) -> PoseWithCovarianceStamped:
    """``map_from_base`` with its covariance, for standard tools; ``Localisation`` says the rest."""
    return planar_pose_to_ros(estimate.stamp_ns, "map", estimate.map_from_base, estimate.covariance)


def planar_pose_to_ros(stamp_ns: int, frame_id: str, pose: Pose2, planar: Floats) -> PoseWithCovarianceStamped:
    """A pose in ``frame_id`` with its covariance ``planar`` (3, 3) over x m, y m, yaw rad."""
    message = PoseWithCovarianceStamped(header=header_to_ros(stamp_ns, frame_id))
    message.pose.pose = pose_to_ros(pose)
    covariance = np.zeros((6, 6))
    covariance[_PLANAR] = planar
    message.pose.covariance = covariance.reshape(-1)
    return message


def transforms_to_ros(transforms: Iterable[Transform]) -> TFMessage:
    """For ``tf`` and ``tf_static``."""
    return TFMessage(transforms=[_transform_to_ros(transform) for transform in transforms])


def _transform_to_ros(transform: Transform) -> TransformStamped:
    message = TransformStamped(header=header_to_ros(transform.stamp_ns, transform.parent), child_frame_id=transform.child)
    at, turn = message.transform.translation, message.transform.rotation
    at.x, at.y, at.z = (float(value) for value in transform.parent_from_child.translation_m)
    turn.x, turn.y, turn.z, turn.w = (float(value) for value in transform.parent_from_child.quaternion_xyzw())
    return message


def transforms_from_ros(message: TFMessage) -> tuple[Transform, ...]:
    """Every transform of the message. Raises BadValue when a field is not finite."""
    return tuple(_transform_from_ros(stamped) for stamped in message.transforms)


def _transform_from_ros(message: TransformStamped) -> Transform:
    at, turn = message.transform.translation, message.transform.rotation
    if not 0.9 < turn.x**2 + turn.y**2 + turn.z**2 + turn.w**2 < 1.1:
        raise BadValue(f"rotation of {message.child_frame_id!r}: is not a unit quaternion")
    return Transform(
        stamp_ns=stamp_from_ros(message.header.stamp),
        parent=message.header.frame_id,
        child=message.child_frame_id,
        parent_from_child=Pose3.from_quaternion((at.x, at.y, at.z), (turn.x, turn.y, turn.z, turn.w)),
    )


def path_to_ros(stamp_ns: int, poses: Iterable[Pose2]) -> Path:
    """A path in map."""
    header = header_to_ros(stamp_ns, "map")
    return Path(header=header, poses=[PoseStamped(header=header, pose=pose_to_ros(pose)) for pose in poses])


def path_from_ros(message: Path) -> tuple[Pose2, ...]:
    """The poses of a path. Raises BadValue when one is not a planar pose."""
    return tuple(pose_from_ros(stamped.pose) for stamped in message.poses)
