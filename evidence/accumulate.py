# SPDX-License-Identifier: Apache-2.0
"""The log of a patrol as it goes: append-only, so that a report can be made whatever happens to the robot.

One JSON object per line. Outcomes, alerts and the end are synced to disk before the call returns; poses and battery go to the
operating system at once and reach the disk with the next synced line.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
from pydantic import ValidationError

from evidence.files import sync_folder, write_whole
from evidence.inspections import keep_inspection
from evidence.lines import LINE, AlertLine, BatteryLine, EndLine, Line, OutcomeLine, PoseLine, StartLine
from evidence.record import PatrolStart, Seen
from evidence.summary import picture_name
from patrol.clock import NS_PER_S, seconds
from patrol.errors import BadInput, BadValue, Fault
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2
from patrol.inspection import InspectionReport
from patrol.operations import WaypointOutcome
from patrol.percepts import Alert
from patrol.sensors import Battery

LOG_FILE = "patrol.jsonl"
SEEN_FILE = "seen.npz"

_STEP_M = 0.02
_TRAIL_M = 0.2
_BATTERY_GAP_S = 10.0


class PatrolLog:
    """Collects one patrol in ``folder``. ``begin`` opens a new one; ``resume`` goes on after a crash.

    Distance is summed over odometry, which does not jump when the map's pose is corrected; steps under 2 cm wait until they
    add up, so that a standing robot drives nowhere.
    """

    def __init__(self, folder: Path, file: BinaryIO, lines: tuple[Line, ...]) -> None:
        self.folder, self._file = folder, file
        poses = [line for line in lines if isinstance(line, PoseLine)]
        batteries = [line for line in lines if isinstance(line, BatteryLine)]
        self._distance_m = poses[-1].distance_m if poses else 0.0
        self._drawn_wh = batteries[-1].drawn_wh if batteries else 0.0
        self._counted: Pose2 | None = None
        self._trail: Pose2 | None = None
        self._place: Pose2 | None = None
        self._battery: Battery | None = None
        self._battery_written_ns: int | None = None

    @classmethod
    def begin(cls, folder: Path, start: PatrolStart) -> PatrolLog:
        """Open a new log. Raises BadInput when the folder holds one already."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            file = (folder / LOG_FILE).open("xb", buffering=0)
        except FileExistsError as error:
            raise BadInput(folder, [Fault(field=LOG_FILE, value=str(folder), because="holds a patrol already")]) from error
        log = cls(folder, file, ())
        log._write(StartLine.of(start), sync=True)
        sync_folder(folder)
        return log

    @classmethod
    def resume(cls, folder: Path) -> PatrolLog:
        """Go on with the log in ``folder``; a line that a crash cut short is left behind. Raises BadInput without a log."""
        lines = read_lines(folder)
        file = (folder / LOG_FILE).open("ab", buffering=0)
        file.write(b"\n")
        return cls(folder, file, lines)

    @property
    def distance_m(self) -> float:
        """Driven so far."""
        return self._distance_m

    def add_estimate(self, estimate: PoseEstimate) -> None:
        """Count the way driven, and keep a point of the trail every 0.2 m."""
        odom, place = estimate.odom_from_base, estimate.map_from_base
        step_m = 0.0 if self._counted is None else self._counted.distance_to(odom)
        if self._counted is None or step_m >= _STEP_M:
            self._distance_m += step_m
            self._counted = odom
        self._place = place
        if self._trail is None or self._trail.distance_to(place) >= _TRAIL_M:
            self._trail = place
            line = PoseLine(stamp_ns=estimate.stamp_ns, x_m=place.x_m, y_m=place.y_m, distance_m=self._distance_m)
            self._write(line, sync=False)

    def add_battery(self, battery: Battery) -> None:
        """Integrate the power drawn; charging counts nothing, and neither does a gap of over 10 s."""
        last, self._battery = self._battery, battery
        if last is not None and 0 < seconds(battery.stamp_ns - last.stamp_ns) <= _BATTERY_GAP_S:
            power_w = max(-0.5 * (battery.voltage_v * battery.current_a + last.voltage_v * last.current_a), 0.0)
            self._drawn_wh += power_w * seconds(battery.stamp_ns - last.stamp_ns) / 3600.0
        written_ns = self._battery_written_ns
        if written_ns is None or battery.stamp_ns - written_ns >= _BATTERY_GAP_S * NS_PER_S:
            self._write_battery(battery)

    def add_outcome(self, outcome: WaypointOutcome) -> None:
        """Keep what became of a waypoint; on disk when this returns."""
        self._write(OutcomeLine.of(outcome), sync=True)

    def add_alert(self, alert: Alert) -> None:
        """Keep an alert and its picture; on disk when this returns."""
        if alert.picture_jpeg:
            write_whole(self.folder / picture_name(alert), alert.picture_jpeg)
        self._write(AlertLine.of(alert), sync=True)

    def add_inspection(self, report: InspectionReport) -> None:
        """Keep what an inspection found, beside the log; on disk when this returns."""
        keep_inspection(self.folder, report)

    def keep_seen(self, seen: Seen) -> None:
        """Replace the kept map and seen cells."""
        buffer, grid = io.BytesIO(), seen.grid
        place = np.array([grid.resolution_m, grid.origin_x_m, grid.origin_y_m])
        stamp_ns = np.array(grid.stamp_ns, dtype=np.int64)
        np.savez_compressed(buffer, cells=grid.cells, seen=seen.mask, place=place, stamp_ns=stamp_ns)
        write_whole(self.folder / SEEN_FILE, buffer.getvalue())

    def end(self, ended_ns: int, *, because: str = "") -> None:
        """Write the closing word and close the log."""
        if self._battery is not None:
            self._write_battery(self._battery)
        if self._place is not None:
            x_m, y_m = self._place.x_m, self._place.y_m
            self._write(PoseLine(stamp_ns=ended_ns, x_m=x_m, y_m=y_m, distance_m=self._distance_m), sync=False)
        self._write(EndLine(ended_ns=ended_ns, because=because), sync=True)
        self._file.close()

    def _write_battery(self, battery: Battery) -> None:
        self._battery_written_ns = battery.stamp_ns
        self._write(BatteryLine(stamp_ns=battery.stamp_ns, charge=battery.charge, drawn_wh=self._drawn_wh), sync=False)

    def _write(self, line: Line, *, sync: bool) -> None:
        if self._file.closed:
            raise BadValue("patrol log: is closed")
        self._file.write(line.model_dump_json().encode() + b"\n")
        if sync:
            os.fsync(self._file.fileno())


def read_lines(folder: Path) -> tuple[Line, ...]:
    """The lines of a patrol's log that can be read; ones that a crash cut short are left out. Raises BadInput when there is no
    log, or it does not tell how the patrol began."""
    path = folder / LOG_FILE
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {error}")]) from error
    lines = tuple(line for line in map(_parse, raw.split(b"\n")) if line is not None)
    if not lines or not isinstance(lines[0], StartLine):
        raise BadInput(path, [Fault(field="line 1", value=raw[:60], because="does not say how the patrol began")])
    return lines


def _parse(text: bytes) -> Line | None:
    try:
        return LINE.validate_json(text)
    except ValidationError:
        return None
