# SPDX-License-Identifier: Apache-2.0
"""What the mission node hears, gathered for the executive's next step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from mission.inputs import ExecutiveInputs
from mission.supervisor import Fact, Observed
from patrol.clock import seconds
from patrol.estimate import PoseEstimate
from patrol.grid import OccupancyGrid
from patrol.percepts import Track
from patrol.sensors import Battery, Odometry, Scan
from patrol.topics import topic
from patrol_ros.conversions.maps import estimate_from_ros, grid_from_ros
from patrol_ros.conversions.percepts import tracks_from_ros
from patrol_ros.conversions.sensors import battery_from_ros, odometry_from_ros, scan_from_ros
from patrol_ros.conversions.stamps import stamp_from_ros
from patrol_ros.conversions.stopping import Stopping, stopping_from_ros
from patrol_ros.link import Link

# How long a node may be silent on ``diagnostics``, where each reports once a second, and what its silence means.
_SILENT_S = 3.0
_HELPERS = ("perception", "recorder", "uplink")
# A release of the e-stop needs this long to come back from the stop path.
_RELEASE_S = 0.5
_ODOMETRY_STALE_S = 0.3


class MissionInputs:
    """Keeps the newest of each topic and reads facts off what other nodes say."""

    def __init__(self, link: Link) -> None:
        self._estimate: PoseEstimate | None = None
        self._odometry: Odometry | None = None
        self._scan: Scan | None = None
        self._grid: OccupancyGrid | None = None
        self._battery: Battery | None = None
        self._tracks: tuple[Track, ...] = ()
        self._tracks_ns = 0
        self._stopping: Stopping | None = None
        self._released_ns: int | None = None
        self._said: dict[str, tuple[float, str]] = {}
        link.subscribe("localisation", self._on_localisation)
        link.subscribe("odom", self._on_odometry)
        link.subscribe("scan", self._on_scan)
        link.subscribe("map", self._on_map)
        link.subscribe("battery_state", self._on_battery)
        link.subscribe("tracks", self._on_tracks)
        link.subscribe("stop_state", self._on_stop_state)
        link.subscribe("diagnostics", self._on_diagnostics)

    @property
    def has_estimate(self) -> bool:
        """Whether the robot has ever known where it is."""
        return self._estimate is not None

    @property
    def has_stop_path(self) -> bool:
        """Whether the stop path has ever spoken."""
        return self._stopping is not None

    def released(self, now_ns: int) -> None:
        """The e-stop was released now; older words of the stop path do not count."""
        self._released_ns = now_ns

    def gathered(self, now_ns: int) -> ExecutiveInputs:
        """The newest of everything; tracks that are stale are none."""
        fresh = seconds(now_ns - self._tracks_ns) <= (topic("tracks").stale_after_s or 0.0)
        odometry = self._odometry
        known = odometry is not None and seconds(now_ns - odometry.stamp_ns) <= _ODOMETRY_STALE_S
        return ExecutiveInputs(
            now_ns=now_ns,
            estimate=self._estimate,
            twist=odometry.twist if odometry is not None and known else None,
            scan=self._scan,
            tracks=self._tracks if fresh else (),
            grid=self._grid,
            battery=self._battery,
            facts=tuple(self._facts(now_ns)),
        )

    def _facts(self, now_ns: int) -> Iterator[Observed]:
        stopping = self._stopping
        if stopping is None or seconds(now_ns - stopping.stamp_ns) > (topic("stop_state").stale_after_s or 0.0):
            yield Observed(fact=Fact.NODE_DEAD, detail="the stop path is silent")
        elif stopping.estop_latched and not self._is_releasing(now_ns):
            yield Observed(fact=Fact.ESTOP_PRESSED)
        if self._odometry is None or seconds(now_ns - self._odometry.stamp_ns) > _ODOMETRY_STALE_S:
            yield Observed(fact=Fact.SENSOR_SILENT, detail="no odometry")
        now_s = time.monotonic()
        silent = [name for name in _HELPERS if name in self._said and now_s - self._said[name][0] > _SILENT_S]
        if silent:
            yield Observed(fact=Fact.HELPER_DEAD, detail=", ".join(silent))
        if "uplink" in self._said and "uplink" not in silent and self._said["uplink"][1].startswith("no link"):
            yield Observed(fact=Fact.LINK_LOST)

    def _is_releasing(self, now_ns: int) -> bool:
        return self._released_ns is not None and seconds(now_ns - self._released_ns) < _RELEASE_S

    def _on_localisation(self, message: Any) -> None:
        self._estimate = estimate_from_ros(message)

    def _on_odometry(self, message: Any) -> None:
        self._odometry = odometry_from_ros(message)

    def _on_scan(self, message: Any) -> None:
        self._scan = scan_from_ros(message)

    def _on_map(self, message: Any) -> None:
        self._grid = grid_from_ros(message)

    def _on_battery(self, message: Any) -> None:
        self._battery = battery_from_ros(message)

    def _on_tracks(self, message: Any) -> None:
        self._tracks, self._tracks_ns = tracks_from_ros(message), stamp_from_ros(message.header.stamp)

    def _on_stop_state(self, message: Any) -> None:
        self._stopping = stopping_from_ros(message)

    def _on_diagnostics(self, message: Any) -> None:
        for status in message.status:
            self._said[status.name] = (time.monotonic(), status.message)
