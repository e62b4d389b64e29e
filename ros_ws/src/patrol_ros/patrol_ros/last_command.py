# SPDX-License-Identifier: Apache-2.0
"""The newest ``cmd_vel`` of a robot, as its motor driver takes it."""

from __future__ import annotations

import threading
import time
from typing import Any

from patrol.geometry import STOPPED, Twist2
from patrol.topics import topic
from patrol_ros.conversions.geometry import twist_from_ros


class LastCommand:
    """The newest ``cmd_vel``. One older than the table allows, by wall time, stops the wheels."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._twist, self._heard_s = STOPPED, 0.0
        self._stale_s = topic("cmd_vel").stale_after_s or 0.0

    def hear(self, message: Any) -> None:
        twist = twist_from_ros(message)
        with self._lock:
            self._twist, self._heard_s = twist, time.monotonic()

    def twist(self) -> Twist2:
        with self._lock:
            return self._twist if time.monotonic() - self._heard_s <= self._stale_s else STOPPED
