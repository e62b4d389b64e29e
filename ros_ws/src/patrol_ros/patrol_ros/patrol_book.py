# SPDX-License-Identifier: Apache-2.0
"""Keeps the book of one patrol: way, outcomes, alerts, battery and ground seen, and the report when its mission is done."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from evidence.accumulate import LOG_FILE, PatrolLog
from evidence.record import PatrolStart, Seen
from evidence.report import make_report
from mission.coverage import CoverageConfig, CoverageMap, FieldOfView
from patrol.clock import seconds
from patrol.estimate import PoseEstimate
from patrol.grid import OccupancyGrid
from patrol.operations import Mission, Mode, RobotState, WaypointOutcome
from patrol.percepts import Alert
from patrol.sensors import Battery, CameraModel
from patrol.site import Site
from patrol.version import software

log = logging.getLogger(__name__)
_KEEP_SEEN_S = 20.0
_RESTING = (Mode.IDLE, Mode.DOCKED)


class PatrolBook:
    """Begins when a mission begins, ends when it is done and the robot rests. One book a folder."""

    def __init__(self, folder: Path, site: Site, missions: dict[str, Mission], *, robot_id: str, robot_name: str) -> None:
        self._folder, self._site, self._missions = folder, site, missions
        self._robot = (robot_id, robot_name)
        self._log = PatrolLog.resume(folder) if (folder / LOG_FILE).exists() else None
        self._view: FieldOfView | None = None
        self._coverage = CoverageMap(CoverageConfig(), site)
        self._grid: OccupancyGrid | None = None
        self._stamp_ns, self._seen_ns = 0, 0
        self.is_done = False

    def know_camera(self, camera: CameraModel) -> None:
        """What looks around."""
        self._view = FieldOfView.of_camera(camera)

    def take_estimate(self, estimate: PoseEstimate) -> None:
        self._write(lambda book: book.add_estimate(estimate))
        if self._view is not None and self._log is not None:
            self._coverage.look(estimate.map_from_base, self._view, estimate.stamp_ns)

    def take_grid(self, grid: OccupancyGrid) -> None:
        """The newest map; the ground seen is kept with it now and then, for the case that this process is killed."""
        self._grid = grid
        self._coverage.set_grid(grid)
        if not 0.0 <= seconds(grid.stamp_ns - self._seen_ns) < _KEEP_SEEN_S:
            self._keep_seen()

    def take_battery(self, battery: Battery) -> None:
        self._write(lambda book: book.add_battery(battery))

    def take_outcome(self, outcome: WaypointOutcome) -> None:
        self._write(lambda book: book.add_outcome(outcome))

    def take_alert(self, alert: Alert) -> None:
        self._write(lambda book: book.add_alert(alert))

    def take_state(self, state: RobotState) -> None:
        """Begin with the mission, end once its last waypoint is settled and the robot rests."""
        self._stamp_ns = state.stamp_ns
        progress = state.progress
        if progress is None or self.is_done:
            return
        if self._log is None and progress.mission_id in self._missions and state.mode not in _RESTING:
            self._log = PatrolLog.begin(self._folder, self._start(self._missions[progress.mission_id], state.stamp_ns))
        if self._log is not None and progress.fraction >= 1.0 and state.mode in _RESTING:
            self._keep_seen()
            self.end("")
            make_report(self._folder, self._site)

    def end(self, because: str) -> None:
        """Write the closing word; nothing is taken in afterwards."""
        if self._log is None:
            return
        self._log.end(self._stamp_ns, because=because)
        self._log, self.is_done = None, True

    def _keep_seen(self) -> None:
        if self._grid is not None and self._log is not None:
            self._seen_ns = self._grid.stamp_ns
            self._log.keep_seen(Seen(grid=self._grid, mask=self._coverage.seen_on(self._grid)))

    def _write(self, entry: Callable[[PatrolLog], None]) -> None:
        if self._log is not None:
            entry(self._log)

    def _start(self, mission: Mission, now_ns: int) -> PatrolStart:
        version, commit = software()
        return PatrolStart(
            patrol_id=self._folder.name,
            robot_id=self._robot[0],
            robot_name=self._robot[1],
            site_id=self._site.site_id,
            mission_id=mission.mission_id,
            mission_name=mission.name,
            laps=mission.laps,
            waypoints_per_lap=len(mission.route.waypoints),
            started_ns=now_ns,
            version=version,
            commit=commit,
        )
