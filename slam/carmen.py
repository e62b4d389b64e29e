# SPDX-License-Identifier: Apache-2.0
"""CARMEN laser logs (``.clf`` and ``.log``, plain, gzip or bzip2) as scans with odometry.

Reads ``FLASER`` and ``ROBOTLASER1`` lines and the ``PARAM`` lines that tell where the laser sits. Format: the CARMEN Robot
Navigation Toolkit's logger.
"""

from __future__ import annotations

import bz2
import gzip
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patrol.checks import Floats
from patrol.errors import BadInput, BadValue, Fault
from patrol.geometry import IDENTITY2, Pose2
from patrol.sensors import Scan

log = logging.getLogger(__name__)
_OPENERS = {".bz2": bz2.open, ".gz": gzip.open}
_FRAME_ID = "lidar_link"
_NO_RETURN_MARGIN = 0.98
_ROBOTLASER_HEADER = 8
_FLASER_TAIL = 7
_ROBOTLASER_TAIL = 12
_BROKEN_SHARE_MAX = 0.01
_MOUNT_WITHIN = 0.005
_MOUNT_SHARE_MIN = 0.9
_MOUNT_MAX_M = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CarmenRecord:
    """One laser line: the scan in ``lidar_link``, and where odometry put the robot when the line was written."""

    stamp_ns: int
    scan: Scan
    odom_from_base: Pose2


@dataclass(frozen=True, slots=True, kw_only=True)
class CarmenLog:
    """A whole log. Iterate over it for its records, in stamp order as far as the log has it."""

    source: str
    base_from_lidar: Pose2
    records: tuple[CarmenRecord, ...]

    def __iter__(self) -> Iterator[CarmenRecord]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """The numbers of one laser line: ranges (N,) m, first beam and step in rad, the robot's odometry, where the line has the
    laser, and the stamp."""

    ranges_m: Floats
    angle_min_rad: float
    angle_step_rad: float
    range_max_m: float | None
    odom_from_base: Pose2
    odom_from_lidar: Pose2
    stamp_s: float


def read_carmen(path: Path) -> CarmenLog:
    """Read the log at ``path``.

    A range at or above the log's "no return" value becomes ``inf``: the ``maximum_range`` of a ROBOTLASER1 line, for FLASER
    the largest value that the log repeats. Where no PARAM tells the laser's offset, the laser poses of the lines do, if they
    agree. Old logs break off or hold a stray line: up to 1 % of broken laser lines are left out with a warning. Raises BadInput
    naming the lines when there are more, or when the file holds no laser line.
    """
    parameters: dict[str, str] = {}
    lines: list[_Line] = []
    broken: list[Fault] = []
    for number, words in _split_lines(path):
        if words[0] == "PARAM" and len(words) >= 3:
            parameters[words[1]] = words[2]
        elif words[0] in ("FLASER", "ROBOTLASER1"):
            line = _parse_line(number, words)
            if isinstance(line, Fault):
                broken.append(line)
            else:
                lines.append(line)
    if len(broken) > _BROKEN_SHARE_MAX * (len(lines) + len(broken)):
        raise BadInput(path, broken)
    for fault in broken:
        log.warning("%s: %s is left out: %s", path, fault.field, fault.because)
    if not lines:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because="holds no FLASER or ROBOTLASER1 line")])
    no_return_m = _no_return_m(lines)
    records = tuple(_record_from_line(line, no_return_m) for line in lines)
    return CarmenLog(source=str(path), base_from_lidar=_laser_mount(path, parameters, lines), records=records)


def _split_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    opener = _OPENERS.get(path.suffix, open)
    try:
        with opener(path, "rt", encoding="ascii", errors="replace") as file:
            for number, text in enumerate(file, start=1):
                words = text.split()
                if words:
                    yield number, words
    except (OSError, EOFError) as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {error}")]) from error


def _parse_line(number: int, words: list[str]) -> _Line | Fault:
    try:
        return _parse_flaser(words) if words[0] == "FLASER" else _parse_robotlaser(words)
    except (ValueError, IndexError, BadValue) as error:
        return Fault(field=f"line {number}", value=words[0], because=f"is not a laser line: {error}")


def _parse_flaser(words: list[str]) -> _Line:
    count = int(words[1])
    ranges, tail = words[2 : 2 + count], [float(word) for word in words[2 + count : 2 + count + _FLASER_TAIL]]
    _require_length(ranges, count, tail, _FLASER_TAIL)
    step_rad = _flaser_step_rad(count)
    return _Line(
        ranges_m=np.array(ranges, dtype=np.float64),
        angle_min_rad=-0.5 * step_rad * (count - count % 2),
        angle_step_rad=step_rad,
        range_max_m=None,
        odom_from_base=Pose2(*tail[3:6]),
        odom_from_lidar=Pose2(*tail[:3]),
        stamp_s=tail[6],
    )


def _flaser_step_rad(count: int) -> float:
    """FLASER lines do not say their angles. 401 beams are the 100° quarter-degree mode of SICK scanners, else half a turn."""
    return math.radians(0.25) if count == 401 else math.pi / (count - count % 2)


def _parse_robotlaser(words: list[str]) -> _Line:
    start_rad, _fov_rad, step_rad, range_max_m = (float(word) for word in words[2:6])
    count = int(words[_ROBOTLASER_HEADER])
    at = _ROBOTLASER_HEADER + 1
    ranges = words[at : at + count]
    at += count
    at += 1 + int(words[at])
    tail = [float(word) for word in words[at : at + _ROBOTLASER_TAIL]]
    _require_length(ranges, count, tail, _ROBOTLASER_TAIL)
    return _Line(
        ranges_m=np.array(ranges, dtype=np.float64),
        angle_min_rad=start_rad,
        angle_step_rad=step_rad,
        range_max_m=range_max_m,
        odom_from_base=Pose2(*tail[3:6]),
        odom_from_lidar=Pose2(*tail[:3]),
        stamp_s=tail[11],
    )


def _require_length(ranges: list[str], count: int, tail: list[float], tail_count: int) -> None:
    if count < 1 or len(ranges) != count or len(tail) != tail_count:
        raise ValueError(f"{count} ranges and {tail_count} fields announced, {len(ranges)} and {len(tail)} found")


def _no_return_m(lines: list[_Line]) -> float:
    """The largest range that the log repeats: what its driver wrote for "no return"."""
    largest = np.concatenate([line.ranges_m[np.isfinite(line.ranges_m)] for line in lines])
    values, counts = np.unique(np.round(largest, 1), return_counts=True)
    repeated = values[counts >= max(2, len(lines) // 500)]
    return float(repeated.max()) if repeated.size else math.inf


def _record_from_line(line: _Line, log_no_return_m: float) -> CarmenRecord:
    limit_m = _NO_RETURN_MARGIN * (line.range_max_m or log_no_return_m)
    with np.errstate(invalid="ignore"):
        ranges = np.where(line.ranges_m >= limit_m, np.inf, line.ranges_m)
    stamp_ns = round(line.stamp_s * 1e9)
    scan = Scan(
        stamp_ns=stamp_ns,
        frame_id=_FRAME_ID,
        angle_min_rad=line.angle_min_rad,
        angle_step_rad=line.angle_step_rad,
        range_min_m=0.05,
        range_max_m=limit_m if math.isfinite(limit_m) else 100.0,
        ranges_m=ranges.astype(np.float32),
    )
    return CarmenRecord(stamp_ns=stamp_ns, scan=scan, odom_from_base=line.odom_from_base)


def _laser_mount(path: Path, parameters: dict[str, str], lines: list[_Line]) -> Pose2:
    text = parameters.get("robot_frontlaser_offset")
    if text is None:
        return _agreed_mount(lines)
    try:
        return Pose2(float(text), 0.0, 0.0)
    except (ValueError, BadValue) as error:
        fault = Fault(field="PARAM robot_frontlaser_offset", value=text, because="is not a length in metres")
        raise BadInput(path, [fault]) from error


def _agreed_mount(lines: list[_Line]) -> Pose2:
    """Where the lines have the laser on the robot; on its centre when they do not agree, as in logs that were corrected later."""
    mounts = [line.odom_from_base.inverse() @ line.odom_from_lidar for line in lines]
    table = np.array([(mount.x_m, mount.y_m, mount.yaw_rad) for mount in mounts])
    middle = np.median(table, axis=0)
    share = float((np.abs(table - middle).max(axis=1) < _MOUNT_WITHIN).mean())
    is_agreed = share >= _MOUNT_SHARE_MIN and float(np.hypot(middle[0], middle[1])) <= _MOUNT_MAX_M
    return Pose2(*(float(value) for value in middle)) if is_agreed else IDENTITY2
