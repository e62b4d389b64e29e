# SPDX-License-Identifier: Apache-2.0
"""The stand-in for tf2_msgs is what an ordinary ROS 2 Jazzy has."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from tf2_msgs.msg import TFMessage

ROOT = Path(__file__).resolve().parents[2]


def test_the_message_has_the_standard_layout() -> None:
    assert TFMessage.get_fields_and_field_types() == {"transforms": "sequence<geometry_msgs/TransformStamped>"}
    text = (ROOT / "ros_ws" / "overlay" / "tf2_msgs" / "msg" / "TFMessage.msg").read_text("utf-8")
    assert text == "geometry_msgs/TransformStamped[] transforms\n"
