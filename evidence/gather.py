# SPDX-License-Identifier: Apache-2.0
"""From a patrol's folder to the record that a report is made from."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from evidence.accumulate import LOG_FILE, SEEN_FILE, read_lines
from evidence.lines import AlertLine, BatteryLine, EndLine, Line, OutcomeLine, PoseLine, StartLine
from evidence.record import Energy, PatrolRecord, PatrolStart, RecordingProof, Seen
from evidence.recorder import RECORDING_FILE
from evidence.recording import quick_check, sha256_of
from patrol.errors import BadInput, Fault
from patrol.grid import OccupancyGrid
from patrol.operations import WaypointOutcome
from patrol.site import Site

NO_CLOSING_WORD = "The log ends without a closing word: the software or the robot stopped."


def read_record(folder: Path, site: Site) -> PatrolRecord:
    """Everything that ``folder`` holds about its patrol. Raises BadInput when the log does not begin, or is of another site."""
    lines = read_lines(folder)
    start = _start(folder, lines, site)
    ends = [line for line in lines if isinstance(line, EndLine)]
    poses = [line for line in lines if isinstance(line, PoseLine)]
    return PatrolRecord(
        start=start,
        site=site,
        ended_ns=max(ends[-1].ended_ns if ends else _last_stamp_ns(lines), start.started_ns),
        ended_because=ends[-1].because if ends else NO_CLOSING_WORD,
        trail_m=np.array([(pose.x_m, pose.y_m) for pose in poses]).reshape(-1, 2),
        distance_m=poses[-1].distance_m if poses else 0.0,
        outcomes=_outcomes(lines),
        alerts=tuple(line.alert(folder) for line in _unique_alerts(lines)),
        energy=_energy(lines),
        seen=_seen(folder / SEEN_FILE),
        recording=_proof(folder / RECORDING_FILE),
        earlier_recordings=tuple(proof for path in _earlier(folder) if (proof := _proof(path)) is not None),
    )


def _outcomes(lines: tuple[Line, ...]) -> tuple[WaypointOutcome, ...]:
    """What became of each waypoint of each lap: after a restart the mission may have told the last one again."""
    first: dict[tuple[int, int], WaypointOutcome] = {}
    for one in (line.outcome_kept() for line in lines if isinstance(line, OutcomeLine)):
        first.setdefault((one.lap, one.leg), one)
    return tuple(first.values())


def _start(folder: Path, lines: tuple[Line, ...], site: Site) -> PatrolStart:
    start = next(line for line in lines if isinstance(line, StartLine)).start()
    if start.site_id != site.site_id:
        fault = Fault(field="site_id", value=start.site_id, because=f"is not the site {site.site_id!r} that was handed in")
        raise BadInput(folder / LOG_FILE, [fault])
    return start


def _last_stamp_ns(lines: tuple[Line, ...]) -> int:
    stamps = [line.stamp_ns for line in lines if isinstance(line, PoseLine | BatteryLine | AlertLine)]
    return max([*stamps, *(line.ended_ns for line in lines if isinstance(line, OutcomeLine))], default=0)


def _unique_alerts(lines: tuple[Line, ...]) -> list[AlertLine]:
    """Each alert as it was last told."""
    return list({line.alert_id: line for line in lines if isinstance(line, AlertLine)}.values())


def _energy(lines: tuple[Line, ...]) -> Energy | None:
    batteries = [line for line in lines if isinstance(line, BatteryLine)]
    if not batteries:
        return None
    first, last = batteries[0], batteries[-1]
    return Energy(charge_start=first.charge, charge_end=last.charge, drawn_wh=last.drawn_wh)


def _seen(path: Path) -> Seen | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            resolution_m, x_m, y_m = (float(value) for value in kept["place"])
            cells, mask, stamp_ns = kept["cells"], kept["seen"], int(kept["stamp_ns"])
        grid = OccupancyGrid(stamp_ns=stamp_ns, resolution_m=resolution_m, origin_x_m=x_m, origin_y_m=y_m, cells=cells)
        return Seen(grid=grid, mask=mask)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"is not a kept map: {error}")]) from error


def _earlier(folder: Path) -> list[Path]:
    """Recordings that were set aside, oldest first."""
    name = Path(RECORDING_FILE)
    paths = [path for path in folder.glob(f"{name.stem}-*{name.suffix}") if path.is_file()]
    return sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path.name))


def _proof(path: Path) -> RecordingProof | None:
    if not path.is_file():
        return None
    messages, damage = quick_check(path)
    size = path.stat().st_size
    return RecordingProof(file_name=path.name, sha256=sha256_of(path), size_bytes=size, messages=messages, damage=damage)
