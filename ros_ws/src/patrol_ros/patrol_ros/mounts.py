# SPDX-License-Identifier: Apache-2.0
"""Where sensors sit on the robot, as ``tf_static`` tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patrol.geometry import Pose3
from patrol_ros.conversions.geometry import transforms_from_ros
from patrol_ros.conversions.sensors import BASE_FRAME
from patrol_ros.link import Link


class Mounts:
    """Keeps ``base_link``'s static children; ``on_change`` is called after each message."""

    def __init__(self, link: Link, on_change: Callable[[], None]) -> None:
        self._base_from: dict[str, Pose3] = {}
        self._on_change = on_change
        link.subscribe("tf_static", self._take)

    def base_from(self, frame_id: str) -> Pose3 | None:
        """``base_from_frame``; None while it is not known."""
        return self._base_from.get(frame_id)

    def _take(self, message: Any) -> None:
        for transform in transforms_from_ros(message):
            if transform.parent == BASE_FRAME:
                self._base_from[transform.child] = transform.parent_from_child
        self._on_change()
