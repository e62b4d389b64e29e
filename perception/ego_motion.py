# SPDX-License-Identifier: Apache-2.0
"""What the robot's own motion does to boxes in the picture, so that turning is not taken for people running."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2, Pose3
from patrol.sensors import CameraModel

TYPICAL_HEIGHT_M = 1.65
_DEPTH_LIMITS_M = (0.8, 80.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraMotion:
    """How the camera moved from one picture to the next: ``now_from_before`` takes points of the earlier optical frame to
    the present one."""

    camera: CameraModel
    now_from_before: Pose3

    def warp(self, boxes: Floats) -> Floats:
        """Where boxes (N, 4) px that stood still in the world appear now.

        Depth comes from the box's height, taking it for a person's; it matters for driving only, not for turning. A box
        that the motion puts behind the camera stays as it is.
        """
        camera = self.camera
        depth_m = np.clip(camera.fy_px * TYPICAL_HEIGHT_M / np.maximum(boxes[:, 3] - boxes[:, 1], 1.0), *_DEPTH_LIMITS_M)
        corners = np.concatenate((boxes[:, [0, 1]], boxes[:, [2, 1]], boxes[:, [0, 3]], boxes[:, [2, 3]]))
        points = camera.rays(corners) * np.tile(depth_m, 4)[:, None]
        seen = camera.project(self.now_from_before.apply(points)).reshape(4, -1, 2)
        left, right = seen[[0, 2], :, 0].mean(axis=0), seen[[1, 3], :, 0].mean(axis=0)
        top, bottom = seen[[0, 1], :, 1].mean(axis=0), seen[[2, 3], :, 1].mean(axis=0)
        moved = np.column_stack((left, top, right, bottom))
        sound = np.isfinite(moved).all(axis=1) & (right - left > 1.0) & (bottom - top > 1.0)
        return np.where(sound[:, None], moved, boxes)


def camera_motion(camera: CameraModel, *, odom_from_base_before: Pose2, odom_from_base: Pose2) -> CameraMotion:
    """Motion of ``camera`` between two poses of the robot. Taken from odometry: it drifts, but it never jumps."""
    base_now_from_before = Pose3.from_pose2(odom_from_base.inverse() @ odom_from_base_before)
    optical_from_base = camera.base_from_optical.inverse()
    return CameraMotion(camera=camera, now_from_before=optical_from_base @ base_now_from_before @ camera.base_from_optical)
