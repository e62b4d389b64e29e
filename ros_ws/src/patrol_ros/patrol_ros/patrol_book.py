# SPDX-License-Identifier: Apache-2.0
"""Keeps the book of one patrol: way, outcomes, alerts, battery and ground seen, and the report when its mission is done."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from evidence.accumulate import LOG_FILE, PatrolLog, read_lines
from evidence.lines import EndLine
from evidence.record import PatrolStart, Seen
from evidence.report import make_report
from mission.coverage import CoverageConfig, CoverageMap, FieldOfView
from patrol.clock import seconds
from patrol.estimate import PoseEstimate
from patrol.grid import OccupancyGrid
from patrol.inspection import InspectionReport
from patrol.operations import Mission, Mode, RobotState, WaypointOutcome
from patrol.percepts import Alert
from patrol.promise import Promise
from patrol.sensors import Battery, CameraModel
from patrol.site import Site
from patrol.version import software

log = logging.getLogger(__name__)
_KEEP_SEEN_S = 20.0
_RESTING = (Mode.IDLE, Mode.DOCKED)


class PatrolBook:
    """Begins when a mission begins, ends when it is done and the robot rests. The first patrol's book is in ``folder``, each
    later one's in a folder of its own inside it. ``promise`` says what a mission guarantees, None where that is not known."""

    def __init__(
        self,
        folder: Path,
        site: Site,
        missions: dict[str, Mission],
        *,
        robot_id: str,
        robot_name: str,
        promise: Callable[[Mission], Promise | None] = lambda _: None,
    ) -> None:
        self._folders = patrol_folders(folder)
        self._folder, self._site, self._missions = _newest(folder), site, missions
        self._robot, self._promise = (robot_id, robot_name), promise
        self._log = PatrolLog.resume(self._folder) if _is_open(self._folder) else None
        self._view: FieldOfView | None = None
        self._coverage = CoverageMap(CoverageConfig(), site)
        self._grid: OccupancyGrid | None = None
        self._stamp_ns, self._seen_ns = 0, 0
        self.is_done = (self._folder / LOG_FILE).exists() and self._log is None

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

    def take_inspection(self, report: InspectionReport) -> None:
        self._write(lambda book: book.add_inspection(report))

    def take_state(self, state: RobotState) -> None:
        """Begin with the mission, end once its last waypoint is settled and the robot rests."""
        self._stamp_ns = state.stamp_ns
        progress = state.progress
        if progress is None:
            return
        mission = self._missions.get(progress.mission_id)
        if self._log is None and mission is not None and state.mode not in _RESTING and progress.fraction < 1.0:
            self._begin(mission, state.stamp_ns)
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

    def _begin(self, mission: Mission, now_ns: int) -> None:
        if self.is_done:
            self._folder, self.is_done = next(self._folders), False
            self._coverage = CoverageMap(CoverageConfig(), self._site)
        self._log = PatrolLog.begin(self._folder, self._start(mission, now_ns))

    def _keep_seen(self) -> None:
        if self._grid is not None and self._log is not None:
            self._seen_ns = self._grid.stamp_ns
            self._log.keep_seen(Seen(grid=self._grid, mask=self._coverage.seen_on(self._grid)))

    def _write(self, entry: Callable[[PatrolLog], None]) -> None:
        if self._log is not None:
            entry(self._log)

    def _start(self, mission: Mission, now_ns: int) -> PatrolStart:
        version, commit = software()
        laps, stops = mission.laps_counted
        return PatrolStart(
            patrol_id=self._folder.name,
            robot_id=self._robot[0],
            robot_name=self._robot[1],
            site_id=self._site.site_id,
            mission_id=mission.mission_id,
            mission_name=mission.name,
            laps=laps,
            waypoints_per_lap=stops,
            started_ns=now_ns,
            version=version,
            commit=commit,
            promise=self._promise(mission),
        )


def patrol_folders(folder: Path) -> Iterator[Path]:
    """The folders that later patrols of a run may use, those already there left out."""
    return (path for number in itertools.count(2) if not (path := folder / f"patrol-{number}").exists())


def _newest(folder: Path) -> Path:
    """The folder of the newest patrol of a run, or the run's own."""
    later = [path for path in folder.glob("patrol-*") if (path / LOG_FILE).exists()]
    return max(later, key=lambda path: (len(path.name), path.name), default=folder)


def _is_open(folder: Path) -> bool:
    """Whether a patrol began there and has not ended."""
    return (folder / LOG_FILE).exists() and not any(isinstance(line, EndLine) for line in read_lines(folder))
