# SPDX-License-Identifier: Apache-2.0
"""The laser lines of CARMEN logs, ``FLASER`` and ``ROBOTLASER1``, as numbers with units."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.errors import BadValue, Fault
from patrol.geometry import Pose2

LASER_LINES = ("FLASER", "ROBOTLASER1")
_ROBOTLASER_HEADER = 8
_FLASER_TAIL = 7
_ROBOTLASER_TAIL = 12
_STAMP_MAX_S = 9e9
_HALF_TURN_DEG = 180.0
_FIELD_OF_VIEW_DEG = {401: 100.0, 541: 270.0, 1081: 270.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class LaserLine:
    """The numbers of one laser line: ranges (N,) m, first beam and step in rad, the range from which on nothing was seen (None:
    the line does not say), the robot's odometry, where the line has the laser, the stamp in s, and when the line was logged, in s
    (None: it does not say)."""

    ranges_m: Floats
    angle_min_rad: float
    angle_step_rad: float
    range_max_m: float | None
    odom_from_base: Pose2
    odom_from_lidar: Pose2
    stamp_s: float
    logged_s: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.stamp_s <= _STAMP_MAX_S:
            raise BadValue(f"stamp_s: {self.stamp_s} is no time")
        if not (math.isfinite(self.angle_min_rad) and 0.0 < abs(self.angle_step_rad) <= 2.0 * math.pi):
            raise BadValue(f"angles: start {self.angle_min_rad}, step {self.angle_step_rad}")


def parse_laser_line(number: int, words: list[str]) -> LaserLine | Fault:
    """The line, or what is wrong with it. ``words`` begin with one of ``LASER_LINES``."""
    try:
        return _parse_flaser(words) if words[0] == "FLASER" else _parse_robotlaser(words)
    except (ValueError, IndexError, BadValue) as error:
        return Fault(field=f"line {number}", value=words[0], because=f"is not a laser line: {error}")


def _parse_flaser(words: list[str]) -> LaserLine:
    count = int(words[1])
    ranges, tail = words[2 : 2 + count], [float(word) for word in words[2 + count : 2 + count + _FLASER_TAIL]]
    _require_length(ranges, count, tail, _FLASER_TAIL)
    step_rad = _flaser_step_rad(count)
    return LaserLine(
        ranges_m=np.array(ranges, dtype=np.float64),
        angle_min_rad=-0.5 * step_rad * (count - count % 2),
        angle_step_rad=step_rad,
        range_max_m=None,
        odom_from_base=Pose2(*tail[3:6]),
        odom_from_lidar=Pose2(*tail[:3]),
        stamp_s=tail[6],
        logged_s=_logged_s(words, 2 + count + _FLASER_TAIL),
    )


def _flaser_step_rad(count: int) -> float:
    """FLASER lines do not say their angles. Numbers of beams that only one mode of a common scanner has tell its field of view;
    all others cover half a turn."""
    return math.radians(_FIELD_OF_VIEW_DEG.get(count, _HALF_TURN_DEG)) / max(count - count % 2, 1)


def _parse_robotlaser(words: list[str]) -> LaserLine:
    start_rad, fov_rad, step_rad, range_max_m = (float(word) for word in words[2:6])
    count = int(words[_ROBOTLASER_HEADER])
    at = _ROBOTLASER_HEADER + 1
    ranges = words[at : at + count]
    at += count
    at += 1 + int(words[at])
    tail = [float(word) for word in words[at : at + _ROBOTLASER_TAIL]]
    _require_length(ranges, count, tail, _ROBOTLASER_TAIL)
    return LaserLine(
        ranges_m=np.array(ranges, dtype=np.float64),
        angle_min_rad=start_rad,
        angle_step_rad=step_rad or fov_rad / max(count - 1, 1),
        range_max_m=range_max_m if math.isfinite(range_max_m) and range_max_m > 0.0 else None,
        odom_from_base=Pose2(*tail[3:6]),
        odom_from_lidar=Pose2(*tail[:3]),
        stamp_s=tail[11],
        logged_s=_logged_s(words, at + _ROBOTLASER_TAIL),
    )


def _logged_s(words: list[str], at: int) -> float | None:
    """The logger's stamp, which follows the name of the host at ``at``."""
    try:
        stamp_s = float(words[at + 1])
    except (IndexError, ValueError):
        return None
    return stamp_s if 0.0 <= stamp_s <= _STAMP_MAX_S else None


def _require_length(ranges: list[str], count: int, tail: list[float], tail_count: int) -> None:
    if count < 1 or len(ranges) != count or len(tail) != tail_count:
        raise ValueError(f"{count} ranges and {tail_count} fields announced, {len(ranges)} and {len(tail)} found")
