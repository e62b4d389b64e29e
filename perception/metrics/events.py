# SPDX-License-Identifier: Apache-2.0
"""Events that paths on the ground make, and which of two sets are the same. Metres and seconds throughout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon

from patrol.checks import Floats, frozen_array


@dataclass(frozen=True, slots=True, kw_only=True)
class Path2:
    """Where one thing was: ``time_s`` (N,) growing, ``place_m`` (N, 2). ``number`` says which thing."""

    time_s: Floats
    place_m: Floats
    number: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "time_s", frozen_array("time_s", self.time_s, (None,)))
        object.__setattr__(self, "place_m", frozen_array("place_m", self.place_m, (len(self.time_s), 2)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened at ``time_s`` and ``place_m``; ``what`` names the zone or line, and the direction of a crossing;
    ``number`` is that of the path."""

    what: str
    time_s: float
    place_m: tuple[float, float]
    number: int = 0


def stays(paths: Sequence[Path2], zone: Polygon, name: str, *, after_s: float, gap_s: float = 0.5) -> Iterator[Event]:
    """One event for every stay in ``zone`` that lasts ``after_s``, at the moment when it does. Less than ``gap_s`` outside or
    unseen does not end a stay. With 1 s this is an intrusion, with 5 s loitering."""
    for path in paths:
        inside = shapely.contains_xy(zone, path.place_m[:, 0], path.place_m[:, 1])
        since_s = last_s = -np.inf
        told = False
        for time_s, place, here in zip(path.time_s.tolist(), path.place_m.tolist(), inside.tolist(), strict=True):
            if not here:
                continue
            if time_s - last_s > gap_s:
                since_s, told = time_s, False
            last_s = time_s
            if not told and time_s - since_s >= after_s:
                told = True
                yield Event(what=name, time_s=time_s, place_m=(place[0], place[1]), number=path.number)


def crossings(
    paths: Sequence[Path2], line: LineString, name: str, *, clear_m: float = 0.0, again_after_s: float = 1.0
) -> Iterator[Event]:
    """One event, with its direction, whenever a path goes over ``line`` from one side to the other; to and fro within
    ``again_after_s`` is one hesitation and counts once, if it ends on the other side. Within ``clear_m`` of the line a path is on
    neither side: the event is told of the moment when it was gone over last, once the path is clear of it."""
    (x0, y0), (x1, y1) = line.coords
    along = np.array([x1 - x0, y1 - y0])
    for path in paths:
        beside = path.place_m - np.array([x0, y0])
        offset_m = (along[0] * beside[:, 1] - along[1] * beside[:, 0]) / np.hypot(*along)
        last: tuple[float, str] | None = None
        for index in _gone_over(offset_m, clear_m):
            if not LineString(path.place_m[index : index + 2]).intersects(line):
                continue
            time_s, way = float(path.time_s[index + 1]), "left" if offset_m[index + 1] > 0.0 else "right"
            if last is None or time_s - last[0] > again_after_s or last[1] == way:
                here = path.place_m[index + 1].tolist()
                yield Event(what=f"{name} to the {way}", time_s=time_s, place_m=(here[0], here[1]), number=path.number)
            last = (time_s, way)


def _gone_over(offset_m: Floats, clear_m: float) -> Iterator[int]:
    """The steps with which a path goes over to the other side, of those that end up more than ``clear_m`` beyond: of each the
    last that changes the side."""
    side, before = 0.0, 0
    for index in np.flatnonzero((np.abs(offset_m) >= clear_m) & (offset_m != 0.0)).tolist():
        now = float(np.sign(offset_m[index]))
        if side not in (0.0, now):
            yield before + int(np.flatnonzero(np.sign(offset_m[before:index]) != now)[-1])
        side, before = now, index


def matched(truth: Sequence[Event], found: Sequence[Event], *, within_s: float, within_m: float) -> list[tuple[int, int]]:
    """Which events are the same, as indices: those of the same name one to one, nearest in time first; those too far apart in
    time or place never."""
    pairs = sorted(
        (abs(one.time_s - other.time_s), row, column)
        for row, one in enumerate(truth)
        for column, other in enumerate(found)
        if one.what == other.what
        and abs(one.time_s - other.time_s) <= within_s
        and float(np.hypot(one.place_m[0] - other.place_m[0], one.place_m[1] - other.place_m[1])) <= within_m
    )
    rows, columns = dict[int, int](), set[int]()
    for _, row, column in pairs:
        if row not in rows and column not in columns:
            rows[row] = column
            columns.add(column)
    return sorted(rows.items())
