# SPDX-License-Identifier: Apache-2.0
"""The whole stack with Gazebo 11, which the node ``gazebo`` starts."""

from __future__ import annotations

from launch import LaunchDescription

from patrol_bringup.launching import describe
from patrol_bringup.table import Backend


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch patrol_bringup gazebo.launch.py`` starts."""
    return describe(Backend.GAZEBO)
