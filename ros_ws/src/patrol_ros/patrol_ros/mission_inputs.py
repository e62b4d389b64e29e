# SPDX-License-Identifier: Apache-2.0
"""What the mission node hears, gathered for the executive's next step."""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mission.calendar.weather import Weather
from mission.facts.eyes import PictureSeen
from mission.facts.fact import Fact, Observed
from mission.facts.links import Pulse
from mission.inputs import ExecutiveInputs, HandControl, Heard
from patrol.assignment import Assignment
from patrol.clock import nanoseconds, seconds
from patrol.doors import DoorState
from patrol.estimate import PoseEstimate
from patrol.grid import OccupancyGrid
from patrol.lifts import LiftState
from patrol.passages import PassagesHeld
from patrol.percepts import Alert, Track
from patrol.sensors import Battery, Odometry, Scan
from patrol.topics import topic
from patrol_ros.conversions.geometry import twist_from_ros
from patrol_ros.conversions.grounds import door_state_from_ros, lift_state_from_ros, weather_from_ros
from patrol_ros.conversions.maps import estimate_from_ros, grid_from_ros
from patrol_ros.conversions.percepts import alert_from_ros, tracks_from_ros
from patrol_ros.conversions.sensors import (
    battery_from_ros,
    fix_from_ros,
    imu_from_ros,
    odometry_from_ros,
    scan_from_ros,
)
from patrol_ros.conversions.stamps import stamp_from_ros
from patrol_ros.conversions.stopping import Stopping, stopping_from_ros
from patrol_ros.conversions.team import assignment_from_ros, passages_from_ros
from patrol_ros.link import Link

# Keys of ``diagnostics`` by which a node says how much it has done, and what its pictures look like.
_WORK = ("scans", "pictures")
_LENS = "lens"
# A release of the e-stop has come back from the stop path by then, or it counts as refused.
_RELEASED_WITHIN_S = 5.0
_ODOMETRY_STALE_S = 0.3
_DISK_EVERY_S = 5.0
_HEARD_MOST = 512
_DOORS_MOST = 256
_LIFTS_MOST = 64
_ALERTS_MOST = 32


class MissionInputs:
    """Keeps the newest of each topic, and everything since the last step for the monitors. ``state_folder`` is on the disk
    whose room is watched."""

    def __init__(self, link: Link, state_folder: Path | None = None) -> None:
        self._state_folder = state_folder
        self._heard: deque[Heard] = deque(maxlen=_HEARD_MOST)
        self._alerts: deque[Alert] = deque(maxlen=_ALERTS_MOST)
        self._hand: HandControl | None = None
        self._link_up: bool | None = None
        self._disk: tuple[float, int] | None = None
        self._now_ns = link.now_ns
        self._estimate: PoseEstimate | None = None
        self._odometry: Odometry | None = None
        self._scan: Scan | None = None
        self._grid: OccupancyGrid | None = None
        self._battery: Battery | None = None
        self._tracks: tuple[Track, ...] = ()
        self._tracks_ns = 0
        self._stopping: Stopping | None = None
        self._releasing_until_ns: int | None = None
        self._weather: Weather | None = None
        self._doors: dict[str, DoorState] = {}
        self._lifts: dict[str, LiftState] = {}
        self._assignment: Assignment | None = None
        self._passages: PassagesHeld | None = None
        link.subscribe("localisation", self._on_localisation)
        link.subscribe("odom", self._on_odometry)
        link.subscribe("scan", self._on_scan)
        link.subscribe("map", self._on_map)
        link.subscribe("battery_state", self._on_battery)
        link.subscribe("tracks", self._on_tracks)
        link.subscribe("alerts", self._on_alert)
        link.subscribe("stop_state", self._on_stop_state)
        link.subscribe("diagnostics", self._on_diagnostics)
        link.subscribe("imu", lambda message: self._heard.append(imu_from_ros(message)))
        link.subscribe("fix", lambda message: self._heard.append(fix_from_ros(message)))
        link.subscribe("cmd_vel_hand", self._on_hand)
        link.subscribe("door_state", self._on_door)
        link.subscribe("weather", self._on_weather)
        link.subscribe("assignment", self._on_assignment)
        link.subscribe("lift_state", self._on_lift)
        link.subscribe("passages", self._on_passages)

    @property
    def has_estimate(self) -> bool:
        """Whether the robot has ever known where it is."""
        return self._estimate is not None

    @property
    def has_stop_path(self) -> bool:
        """Whether the stop path has ever spoken."""
        return self._stopping is not None

    def releasing(self, now_ns: int) -> None:
        """The stop path was asked to release the e-stop: that it is latched does not count until it has said that it is not."""
        self._releasing_until_ns = now_ns + nanoseconds(_RELEASED_WITHIN_S)

    def gathered(self, now_ns: int) -> ExecutiveInputs:
        """The newest of everything; tracks that are stale are none."""
        fresh = seconds(now_ns - self._tracks_ns) <= (topic("tracks").stale_after_s or 0.0)
        odometry = self._odometry
        known = odometry is not None and seconds(now_ns - odometry.stamp_ns) <= _ODOMETRY_STALE_S
        heard = tuple(self._heard)
        alerts = tuple(self._alerts)
        self._heard.clear()
        self._alerts.clear()
        stopping = self._stopping
        return ExecutiveInputs(
            now_ns=now_ns,
            steady_ns=time.monotonic_ns(),
            estimate=self._estimate,
            twist=odometry.twist if odometry is not None and known else None,
            driven=stopping.twist if stopping is not None else None,
            heard=heard,
            teleop=self._hand,
            link_up=self._link_up,
            disk_free_bytes=self._disk_free_bytes(),
            scan=self._scan,
            tracks=self._tracks if fresh else (),
            alerts=alerts,
            grid=self._grid,
            battery=self._battery,
            weather=self._weather,
            doors=dict(self._doors),
            lifts=dict(self._lifts),
            assignment=self._assignment,
            passages=self._passages,
            facts=tuple(self._facts(now_ns)),
        )

    def _facts(self, now_ns: int) -> Iterator[Observed]:
        stopping = self._stopping
        if stopping is None:
            yield Observed(fact=Fact.NODE_DEAD, detail="the stop path has not spoken yet")
        elif seconds(now_ns - stopping.stamp_ns) > (topic("stop_state").stale_after_s or 0.0):
            yield Observed(fact=Fact.NODE_DEAD, detail="the stop path is silent")
        elif stopping.estop_latched and not self._is_releasing(now_ns):
            yield Observed(fact=Fact.ESTOP_PRESSED)
        if self._odometry is None or seconds(now_ns - self._odometry.stamp_ns) > _ODOMETRY_STALE_S:
            yield Observed(fact=Fact.SENSOR_SILENT, detail="no odometry")

    def _disk_free_bytes(self) -> int | None:
        """Room on the disk, asked for now and then; None where there is no state folder."""
        if self._state_folder is None or not self._state_folder.exists():
            return None
        now_s = time.monotonic()
        if self._disk is None or now_s - self._disk[0] > _DISK_EVERY_S:
            self._disk = (now_s, shutil.disk_usage(self._state_folder).free)
        return self._disk[1]

    def _is_releasing(self, now_ns: int) -> bool:
        return self._releasing_until_ns is not None and now_ns < self._releasing_until_ns

    def _on_localisation(self, message: Any) -> None:
        self._estimate = estimate_from_ros(message)

    def _on_odometry(self, message: Any) -> None:
        self._odometry = odometry_from_ros(message)
        self._heard.append(self._odometry)

    def _on_scan(self, message: Any) -> None:
        self._scan = scan_from_ros(message)

    def _on_hand(self, message: Any) -> None:
        self._hand = HandControl(twist=twist_from_ros(message), stamp_ns=self._now_ns())

    def _on_map(self, message: Any) -> None:
        self._grid = grid_from_ros(message)

    def _on_battery(self, message: Any) -> None:
        self._battery = battery_from_ros(message)
        self._heard.append(self._battery)

    def _on_tracks(self, message: Any) -> None:
        self._tracks, self._tracks_ns = tracks_from_ros(message), stamp_from_ros(message.header.stamp)

    def _on_alert(self, message: Any) -> None:
        self._alerts.append(alert_from_ros(message))

    def _on_stop_state(self, message: Any) -> None:
        self._stopping = stopping_from_ros(message)
        if not self._stopping.estop_latched:
            self._releasing_until_ns = None

    def _on_door(self, message: Any) -> None:
        state = door_state_from_ros(message)
        if state.door_id in self._doors or len(self._doors) < _DOORS_MOST:
            self._doors[state.door_id] = state

    def _on_lift(self, message: Any) -> None:
        state = lift_state_from_ros(message)
        if state.lift_id in self._lifts or len(self._lifts) < _LIFTS_MOST:
            self._lifts[state.lift_id] = state

    def _on_passages(self, message: Any) -> None:
        self._passages = passages_from_ros(message)

    def _on_assignment(self, message: Any) -> None:
        self._assignment = assignment_from_ros(message)

    def _on_weather(self, message: Any) -> None:
        self._weather = weather_from_ros(message)

    def _on_diagnostics(self, message: Any) -> None:
        """Signs of life, the state of the link, and what the camera's pictures look like."""
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            work = next((values[key] for key in _WORK if key in values), None)
            number = int(work) if work is not None and work.isdigit() else None
            self._heard.append(Pulse(name=status.name, stamp_ns=time.monotonic_ns(), work=number))
            if status.name == "uplink":
                self._link_up = not status.message.startswith("no link")
            if _LENS in values:
                self._heard.append(PictureSeen(stamp_ns=self._now_ns(), lens=values[_LENS]))
