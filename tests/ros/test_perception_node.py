# SPDX-License-Identifier: Apache-2.0
"""What the process that looks hands on to its core: every message of odometry, not only those that come with a picture."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from patrol.geometry import Pose2, Twist2
from patrol.sensors import Odometry
from patrol_ros.backend import CAMERA_FRAME
from patrol_ros.conversions.geometry import Transform, transforms_to_ros
from patrol_ros.conversions.pictures import camera_to_ros, image_to_ros
from patrol_ros.conversions.sensors import odometry_to_ros
from patrol_ros.link import Closing, Link
from patrol_ros.perception_node import PerceptionNode
from perception.pipeline import Perception
from tests.perception.build import CAMERA, LOOKING_FORWARD, STEP_NS, noise_image


class Wire:
    """A node's edge to ROS without ROS: what it hears is called by hand, what it says is kept."""

    def __init__(self) -> None:
        self.closing, self.node = Closing(), self
        self.heard: dict[str, Callable[[Any], None]] = {}
        self.said: list[str] = []
        self.a_picture = threading.Event()

    def get_name(self) -> str:
        return "perception"

    def now_ns(self) -> int:
        return 0

    def path(self, name: str) -> Path | None:
        del name
        return None

    def publisher(self, name: str) -> Any:
        wire = self

        class Publisher:
            def publish(self, message: object) -> None:
                del message
                wire.said.append(name)
                if name == "tracks":
                    wire.a_picture.set()

        return Publisher()

    def subscribe(self, name: str, callback: Callable[[Any], None]) -> None:
        self.heard[name] = callback

    def every_wall(self, period_s: float, callback: Callable[[], None]) -> None:
        del period_s, callback


def odometry(number: int) -> Odometry:
    twist = Twist2(forward_mps=0.0, left_mps=0.0, turn_radps=0.5)
    return Odometry(stamp_ns=number * STEP_NS // 5, odom_from_base=Pose2(0.0, 0.0, 0.01 * number), twist=twist)


def test_every_odometry_message_reaches_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr(Perception, "on_odometry", lambda _, message: taken.append(message.stamp_ns))
    wire = Wire()
    PerceptionNode(cast(Link, wire))
    wire.heard["odom"](odometry_to_ros(odometry(0)))
    assert taken == [], "there is no core before the first picture"
    mount = Transform(stamp_ns=0, parent="base_link", child=CAMERA_FRAME, parent_from_child=LOOKING_FORWARD)
    wire.heard["tf_static"](transforms_to_ros([mount]))
    wire.heard["camera/camera_info"](camera_to_ros(CAMERA, 0))
    wire.heard["camera/image_raw"](image_to_ros(noise_image(STEP_NS)))
    assert wire.a_picture.wait(60.0)
    for number in range(1, 6):
        wire.heard["odom"](odometry_to_ros(odometry(number)))
    wire.closing.run()
    assert taken == [number * STEP_NS // 5 for number in range(1, 6)]
    assert wire.said[:2] == ["camera/image_safe", "tracks"], "a picture leaves before it is judged"
