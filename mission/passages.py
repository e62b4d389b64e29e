# SPDX-License-Identifier: Apache-2.0
"""Passages that are too narrow for two robots: where they are, and how a robot of a team waits before one until it is its own.

Only the team's fresh word that the passage is this robot's lets it in; without the team it stays out, and the stop behind it is
missed in time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from pydantic import Field
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from mission.lookout import View
from mission.route import standing_on
from patrol.checks import Floats
from patrol.clock import seconds
from patrol.config import Config
from patrol.geometry import Pose2
from patrol.passages import PassagesHeld
from patrol.site import Site

PASSING_M = 1.6
"""Two robots pass each other where a disc of this width can go."""
ENTERS_M = 0.8
"""A robot enters what a disc of this width can go through."""
_SHORTEST_M = 1.0
_LEAST_M2 = 0.8
_APART_M = 5.0
"""Between two passages nearer than this a robot can not wait without standing in the way: they are one."""
_RIM_M = 0.3
_ROUNDING_M = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """``area`` in map, a little more than what is narrow."""

    name: str
    area: Polygon

    def holds(self, pose: Pose2) -> bool:
        """Whether the robot's middle is inside."""
        return bool(self.area.contains(Point(pose.x_m, pose.y_m)))


def passages_of(site: Site) -> tuple[Passage, ...]:
    """The narrow passages of the ground floor, named from west to east: what a robot can enter but two can not pass in, by
    opening the free ground with a disc (Serra, 1982). Mere corners are left out."""
    free = site.perimeter.difference(unary_union(standing_on(site)))
    roomy = _opened(free, PASSING_M).buffer(_ROUNDING_M)
    tight = [part for part in _polygons(_opened(free, ENTERS_M).difference(roomy)) if _is_long(part)]
    joined = unary_union([part.buffer(0.5 * _APART_M) for part in tight]).buffer(_RIM_M - 0.5 * _APART_M).intersection(free)
    areas = sorted((part for part in _polygons(joined) if part.area >= _LEAST_M2), key=lambda part: part.centroid.coords[0])
    return tuple(Passage(name=f"passage {number}", area=area) for number, area in enumerate(areas, start=1))


class PassageConfig(Config):
    """The team is asked ``ask_ahead_m`` before a passage; the robot waits ``stand_off_m`` before it, ``wait_s`` at the longest. A
    word of the team older than ``stale_s`` does not count."""

    ask_ahead_m: float = Field(default=12.0, gt=0)
    stand_off_m: float = Field(default=3.2, gt=0)
    stale_s: float = Field(default=1.5, gt=0)
    wait_s: float = Field(default=120.0, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageStep:
    """The clause ``waits`` while the robot must stand, and ``gave_up`` with the reason once it has waited too long."""

    waits: str = ""
    gave_up: str = ""


def ahead(passages: Iterable[Passage], path_m: Floats, pose: Pose2, within_m: float) -> tuple[Passage, float] | None:
    """The next passage that the path (N, 2) m in map leads into within ``within_m``, and how far it is along the path; one that
    the robot is in does not count."""
    if len(path_m) == 0:
        return None
    steps_m = np.hypot(*np.diff(path_m, axis=0).T) if len(path_m) > 1 else np.zeros(0)
    near = path_m[: int(np.searchsorted(np.cumsum(steps_m), within_m)) + 1]
    way = LineString(np.vstack(([[pose.x_m, pose.y_m]], near)))
    found = []
    for passage in passages:
        inside = way.intersection(passage.area)
        if not inside.is_empty and not passage.holds(pose):
            found.append((min(way.project(Point(at)) for at in shapely.get_coordinates(inside)), passage))
    if not found:
        return None
    away_m, first = min(found, key=lambda each: each[0])
    return (first, float(away_m)) if away_m <= within_m else None


class PassageKeeper:
    """Call ``step`` 20 times a second while the robot follows a path."""

    def __init__(self, config: PassageConfig, passages: tuple[Passage, ...]) -> None:
        self._config, self._passages = config, passages
        self._waits_for, self._waited_s = "", 0.0

    def step(self, path_m: Floats, view: View, told: PassagesHeld | None) -> PassageStep:
        """What the passages on what is left of the path (N, 2) m in map ask for."""
        next_ = ahead(self._passages, path_m, view.pose, self._config.stand_off_m) if view.floor == 0 else None
        if next_ is None or self._is_held(next_[0], told, view.now_ns):
            self._waits_for, self._waited_s = "", 0.0
            return PassageStep()
        name = next_[0].name
        self._waited_s = self._waited_s + view.dt_s if self._waits_for == name else 0.0
        self._waits_for = name
        refused = told.refused.get(name, "the team has not answered yet") if told is not None else "the team says nothing"
        if self._waited_s <= self._config.wait_s:
            return PassageStep(waits=f"Waiting before {name}: {refused}")
        because = f"{name} was not free within {self._config.wait_s:g} s; {refused}"
        self._waits_for, self._waited_s = "", 0.0
        return PassageStep(waits=because, gave_up=because)

    def _is_held(self, passage: Passage, told: PassagesHeld | None, now_ns: int) -> bool:
        if told is None or passage.name not in told.held:
            return False
        return abs(seconds(now_ns - told.stamp_ns)) <= self._config.stale_s


def _opened(shape: BaseGeometry, width_m: float) -> BaseGeometry:
    """What a disc of ``width_m`` can sweep."""
    return shape.buffer(-0.5 * width_m).buffer(0.5 * width_m)


def _polygons(shape: BaseGeometry) -> list[Polygon]:
    return [part for part in shapely.get_parts(shape) if isinstance(part, Polygon)]


def _is_long(part: Polygon) -> bool:
    box = shapely.get_coordinates(part.minimum_rotated_rectangle)
    sides_m = np.hypot(*np.diff(box[:3], axis=0).T) if len(box) >= 3 else np.zeros(1)
    return part.area >= _LEAST_M2 and float(sides_m.max()) >= _SHORTEST_M
