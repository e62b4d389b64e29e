# SPDX-License-Identifier: Apache-2.0
"""The stack on a robot whose driver publishes the backend's topics."""

from __future__ import annotations

from launch import LaunchDescription

from patrol_bringup.launching import describe
from patrol_bringup.table import Backend


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch patrol_bringup robot.launch.py`` starts."""
    return describe(Backend.ROBOT)
