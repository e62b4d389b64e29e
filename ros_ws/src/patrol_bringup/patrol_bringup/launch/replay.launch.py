# SPDX-License-Identifier: Apache-2.0
"""The stack on a recording: a CARMEN log, a video or a recording of Patrol's own."""

from __future__ import annotations

from launch import LaunchDescription

from patrol_bringup.launching import describe
from patrol_bringup.table import Backend


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch patrol_bringup replay.launch.py`` starts."""
    return describe(Backend.REPLAY)
