# SPDX-License-Identifier: Apache-2.0
"""CARMEN laser logs (``.clf`` and ``.log``, plain or compressed) as scans with odometry.

Reads ``FLASER`` and ``ROBOTLASER1`` lines and the ``PARAM`` lines that tell where the laser sits. Format: the CARMEN Robot
Navigation Toolkit's logger.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.errors import BadInput, BadValue, Fault
from patrol.geometry import IDENTITY2, Pose2
from patrol.sensors import Scan
from slam.carmen_lines import LASER_LINES, LaserLine, parse_laser_line
from slam.text_lines import words_of_lines

log = logging.getLogger(__name__)
_FRAME_ID = "lidar_link"
_NO_RETURN_MARGIN = 0.98
_RANGE_MAX_M = 100.0
_BROKEN_SHARE_MAX = 0.01
_OVERTAKEN_MAX_S = 1.0
_COARSE_SHARE = 0.1
_UNSTAMPED_S = 1.0
_PADDING_SHARE_MIN, _PADDING_LINES_SHARE, _PADDING_CLEAR_M, _PADDING_TIMES = 0.5, 0.9, 0.9, 10.0
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


def read_carmen(path: Path) -> CarmenLog:
    """Read the log at ``path``.

    A range at or above the log's "no return" value becomes ``inf``: the ``maximum_range`` of a ROBOTLASER1 line, for FLASER
    the largest value that the log repeats, or another that all lines are padded with. Where no PARAM tells the laser's offset,
    the laser poses of the lines do, if they agree. Of a log that holds lines of both kinds the kind with more of them counts.
    Lines that overtook one another by less than a second are put in order, and where the clock was so coarse that stamps
    repeat, the scans are spread over its ticks.
    Where all stamps are the same, those of the logger count, and if these say nothing either, a second lies between two scans.
    Old logs break off or hold a stray line: up to 1 % of broken laser lines are left out with a warning. Raises BadInput
    naming the lines when there are more, or when the file holds no laser line.
    """
    parameters: dict[str, str] = {}
    lines: dict[str, list[LaserLine]] = {kind: [] for kind in LASER_LINES}
    broken: list[Fault] = []
    others: Counter[str] = Counter()
    for number, words in words_of_lines(path):
        if words[0] == "PARAM" and len(words) >= 3:
            parameters[words[1]] = words[2]
        elif words[0] in LASER_LINES:
            line = parse_laser_line(number, words)
            if isinstance(line, Fault):
                broken.append(line)
            else:
                lines[words[0]].append(line)
        else:
            others[words[0][:20]] += 1
    chosen = _chosen(path, lines, broken, others)
    no_return_m, stamps_ns = _no_return_m(chosen), _stamps_ns(_stamps_s(path, chosen))
    records = [_record(line, int(stamp_ns), no_return_m) for line, stamp_ns in zip(chosen, stamps_ns, strict=True)]
    return CarmenLog(source=str(path), base_from_lidar=_laser_mount(path, parameters, chosen), records=tuple(records))


def _chosen(path: Path, lines: dict[str, list[LaserLine]], broken: list[Fault], others: Counter[str]) -> list[LaserLine]:
    """The laser lines that count, in the order of their stamps; complains of the rest."""
    kind = max(LASER_LINES, key=lambda name: len(lines[name]))
    chosen = lines[kind]
    if len(broken) > _BROKEN_SHARE_MAX * (sum(map(len, lines.values())) + len(broken)):
        raise BadInput(path, broken)
    for fault in broken:
        log.warning("%s: %s is left out: %s", path, fault.field, fault.because)
    if not chosen:
        held = ", ".join(f"{count} {name}" for name, count in others.most_common(3))
        because = f"holds no FLASER or ROBOTLASER1 line{f', only {held}' if held else ''}"
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=because)])
    for name in set(LASER_LINES) - {kind}:
        if lines[name]:
            log.warning("%s: %d %s lines are left out beside %d %s", path, len(lines[name]), name, len(chosen), kind)
    back_s = -float(np.diff([line.stamp_s for line in chosen]).min(initial=0.0))
    if back_s >= _OVERTAKEN_MAX_S:
        log.warning("%s: its clock goes back by %.1f s", path, back_s)
        return chosen
    return sorted(chosen, key=lambda line: line.stamp_s)


def _stamps_s(path: Path, lines: list[LaserLine]) -> list[float]:
    """What the lines say, if they say anything: else when they were logged, else as if a scan had come every second."""
    stamps_s = [line.stamp_s for line in lines]
    if len(lines) < 2 or len(set(stamps_s)) > 1:
        return stamps_s
    logged_s = [line.logged_s for line in lines if line.logged_s is not None]
    if len(logged_s) == len(lines) and logged_s[0] < logged_s[-1] and logged_s == sorted(logged_s):
        log.warning("%s: all stamps are %s s; the logger's own are taken", path, stamps_s[0])
        return logged_s
    log.warning("%s: all stamps are %s s; the scans are taken to be %s s apart", path, stamps_s[0], _UNSTAMPED_S)
    return [stamps_s[0] + number * _UNSTAMPED_S for number in range(len(lines))]


def _stamps_ns(stamps_s: list[float]) -> npt.NDArray[np.int64]:
    """Stamps (N,) ns. Those of a coarse clock, which repeat, are spread evenly up to its next tick."""
    stamps = np.round(np.array(stamps_s) * 1e9).astype(np.int64)
    first = np.flatnonzero(np.concatenate(([True], np.diff(stamps) != 0)))
    if first.size > (1.0 - _COARSE_SHARE) * stamps.size or first.size < 2:
        return stamps
    counts = np.diff(np.append(first, stamps.size))
    ticks = np.diff(stamps[first])
    ticks = np.append(ticks, np.median(ticks)).clip(0, 2 * np.median(ticks))
    place = np.arange(stamps.size) - np.repeat(first, counts)
    spread: npt.NDArray[np.int64] = stamps + (place * np.repeat(ticks / counts, counts)).astype(np.int64)
    return spread


def _no_return_m(lines: list[LaserLine]) -> float:
    """What the driver wrote for "no return": the largest range that the log repeats, or a lesser one, of beams that were never
    measured, that nearly all lines repeat and hardly any other range lies near."""
    found = np.concatenate([line.ranges_m[np.isfinite(line.ranges_m)] for line in lines])
    values, counts = np.unique(np.round(found, 1), return_counts=True)
    repeated = values[counts >= max(2, len(lines) // 500)]
    if not repeated.size:
        return math.inf
    largest = float(repeated.max())
    for value in values[(values > _PADDING_SHARE_MIN * largest) & (counts >= _PADDING_LINES_SHARE * len(lines))]:
        away_m = np.abs(values - value)
        is_lone = counts[away_m < 0.15].sum() > _PADDING_TIMES * counts[(away_m >= 0.15) & (away_m < _PADDING_CLEAR_M)].sum()
        if is_lone:
            return float(min(value, largest))
    return largest


def _record(line: LaserLine, stamp_ns: int, log_no_return_m: float) -> CarmenRecord:
    limit_m = _NO_RETURN_MARGIN * (line.range_max_m or log_no_return_m)
    with np.errstate(invalid="ignore"):
        ranges = np.where(line.ranges_m >= limit_m, np.inf, line.ranges_m)
    scan = Scan(
        stamp_ns=stamp_ns,
        frame_id=_FRAME_ID,
        angle_min_rad=line.angle_min_rad,
        angle_step_rad=line.angle_step_rad,
        range_min_m=0.05,
        range_max_m=limit_m if 0.0 < limit_m < math.inf else _RANGE_MAX_M,
        ranges_m=ranges.astype(np.float32),
    )
    return CarmenRecord(stamp_ns=stamp_ns, scan=scan, odom_from_base=line.odom_from_base)


def _laser_mount(path: Path, parameters: dict[str, str], lines: list[LaserLine]) -> Pose2:
    text = parameters.get("robot_frontlaser_offset")
    if text is None:
        return _agreed_mount(lines)
    try:
        return Pose2(float(text), 0.0, 0.0)
    except (ValueError, BadValue) as error:
        fault = Fault(field="PARAM robot_frontlaser_offset", value=text, because="is not a length in metres")
        raise BadInput(path, [fault]) from error


def _agreed_mount(lines: list[LaserLine]) -> Pose2:
    """Where the lines have the laser on the robot; on its centre when they do not agree, as in logs that were corrected later."""
    mounts = [line.odom_from_base.inverse() @ line.odom_from_lidar for line in lines]
    table: Floats = np.array([(mount.x_m, mount.y_m, mount.yaw_rad) for mount in mounts])
    middle = np.median(table, axis=0)
    share = float((np.abs(table - middle).max(axis=1) < _MOUNT_WITHIN).mean())
    is_agreed = share >= _MOUNT_SHARE_MIN and float(np.hypot(middle[0], middle[1])) <= _MOUNT_MAX_M
    return Pose2(*(float(value) for value in middle)) if is_agreed else IDENTITY2
