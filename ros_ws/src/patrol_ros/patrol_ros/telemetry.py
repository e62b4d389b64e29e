# SPDX-License-Identifier: Apache-2.0
"""What the command centre is told five times a second, gathered from the topics."""

from __future__ import annotations

import math
import threading
from functools import partial
from typing import Any

from patrol.operations import RobotState
from patrol.percepts import Track
from patrol.topics import topic
from patrol.wire import Telemetry
from patrol_ros.conversions.maps import estimate_from_ros
from patrol_ros.conversions.operations import state_from_ros
from patrol_ros.conversions.percepts import tracks_from_ros
from patrol_ros.conversions.stamps import stamp_from_ros
from patrol_ros.conversions.stopping import stopping_from_ros
from patrol_ros.health import Ages
from patrol_ros.link import Link
from uplink.messages import telemetry_message

SENSORS = ("scan", "odom", "fix", "camera/camera_info", "battery_state", "localisation", "tracks")
_TRACKS_KEPT = 16


class TelemetrySource:
    """Keeps the newest of what telemetry tells. Tracks are kept by the stamp of their picture as well."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._state: RobotState | None = None
        self._facts: tuple[str, ...] = ()
        self._doubt = ""
        self._commanded_mps = 0.0
        self._ages = Ages(SENSORS)
        self._tracks: dict[int, tuple[Track, ...]] = {}
        self._fresh = threading.Condition()
        for name in ("scan", "odom", "fix", "camera/camera_info", "battery_state"):
            link.subscribe(name, partial(self._hear, name), raw=True)
        link.subscribe("localisation", self._on_localisation)
        link.subscribe("robot_state", self._on_state)
        link.subscribe("stop_state", self._on_stop_state)
        link.subscribe("tracks", self._on_tracks)

    def telemetry(self) -> Telemetry | None:
        """The newest of everything; None before the mission node has spoken, and while the clock is not known: who is told that
        the robot is ready may command it, and commands run out by this clock."""
        now_ns = self._link.now_ns()
        if self._state is None or now_ns <= 0:
            return None
        ages = {name: self._ages.age_s(name, now_ns) for name in SENSORS}
        return telemetry_message(
            self._state,
            self.newest_tracks(now_ns),
            commanded_mps=self._commanded_mps,
            doubt=self._doubt,
            ages_s={name: max(age_s, 0.0) for name, age_s in ages.items() if age_s is not None},
            facts=self._facts,
        )

    def newest_tracks(self, now_ns: int) -> tuple[Track, ...]:
        """The newest tracks; none once they are stale."""
        stale_s = topic("tracks").stale_after_s or math.inf
        with self._fresh:
            newest_ns = max(self._tracks, default=None)
            if newest_ns is None or (now_ns - newest_ns) / 1e9 > stale_s:
                return ()
            return self._tracks[newest_ns]

    def tracks_of(self, stamp_ns: int, *, within_s: float) -> tuple[Track, ...]:
        """The tracks of the picture taken at ``stamp_ns``, waiting for them ``within_s`` at most; else none."""
        with self._fresh:
            self._fresh.wait_for(lambda: stamp_ns in self._tracks, within_s)
            return self._tracks.get(stamp_ns, ())

    def _hear(self, name: str, _message: object = None) -> None:
        self._ages.heard(name, self._link.now_ns())

    def _on_localisation(self, message: Any) -> None:
        self._hear("localisation")
        self._doubt = estimate_from_ros(message).doubt

    def _on_state(self, message: Any) -> None:
        self._state, self._facts = state_from_ros(message), tuple(message.facts)

    def _on_stop_state(self, message: Any) -> None:
        self._commanded_mps = stopping_from_ros(message).twist.forward_mps

    def _on_tracks(self, message: Any) -> None:
        self._hear("tracks")
        with self._fresh:
            self._tracks[stamp_from_ros(message.header.stamp)] = tracks_from_ros(message)
            for old in sorted(self._tracks)[:-_TRACKS_KEPT]:
                del self._tracks[old]
            self._fresh.notify_all()
