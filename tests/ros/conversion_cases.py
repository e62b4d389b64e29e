# SPDX-License-Identifier: Apache-2.0
"""What the tests of the conversions share."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import strategies as st

from patrol.geometry import Pose2, Twist2

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from rclpy.serialization import deserialize_message, serialize_message

STAMPS = st.integers(min_value=0, max_value=2**31 * 10**9 - 1)
METRES = st.floats(min_value=-1e6, max_value=1e6)
ANGLES = st.floats(min_value=-math.pi, max_value=math.pi, exclude_min=True)
POSES = st.builds(Pose2, METRES, METRES, ANGLES)
TWISTS = st.builds(Twist2, METRES, METRES, METRES)
UNIT = st.floats(min_value=0.0, max_value=1.0)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)


def through_wire(message: Any) -> Any:
    """The message as another process would get it."""
    return deserialize_message(serialize_message(message), type(message))


def assert_same_pose(one: Pose2, other: Pose2) -> None:
    assert (one.x_m, one.y_m) == (other.x_m, other.y_m)
    assert abs(math.remainder(one.yaw_rad - other.yaw_rad, 2 * math.pi)) < 1e-9
