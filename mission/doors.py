# SPDX-License-Identifier: Apache-2.0
"""Doors on the way: ask in time, wait in front, pass, let it close, and give up with a reason when it does not open.

The line of a door is known from the site file. Nothing is assumed about a door that says nothing: only its own fresh word that it
is open lets the robot through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import Field
from shapely.geometry import LineString, Point

from mission.lookout import View
from patrol.checks import Floats
from patrol.clock import nanoseconds, seconds
from patrol.config import Config
from patrol.doors import DoorRequest, DoorState
from patrol.site import Door

_LEAST_PATH = 2


class DoorConfig(Config):
    """A door is asked ``ask_ahead_m`` before it, again every ``again_s``; the robot waits ``stand_off_m`` before it, and one that
    is within ``in_doorway_m`` drives on out of it. A word older than ``stale_s`` does not count; ``clear_m`` behind a door it may
    close."""

    ask_ahead_m: float = Field(default=10.0, gt=0)
    stand_off_m: float = Field(default=3.2, gt=0)
    in_doorway_m: float = Field(default=0.6, ge=0)
    again_s: float = Field(default=1.0, gt=0)
    stale_s: float = Field(default=3.0, gt=0)
    clear_m: float = Field(default=1.2, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorStep:
    """What the doors ask of one step: what to say to them, the clause ``waits`` while the robot must stand, and ``gave_up`` with
    the reason once it has waited too long."""

    asks: tuple[DoorRequest, ...] = ()
    waits: str = ""
    gave_up: str = ""


class Doorkeeper:
    """Call ``step`` 20 times a second while the robot follows a path, ``leave`` when it does something else."""

    def __init__(self, config: DoorConfig, doors: tuple[Door, ...]) -> None:
        self._config, self._doors = config, doors
        self._asked_ns: dict[str, int] = {}
        self._passing: dict[str, Door] = {}
        self._waited_s = 0.0
        self._waits_for = ""

    def step(self, path_m: Floats, view: View, states: Mapping[str, DoorState]) -> DoorStep:
        """What the doors on what is left of the path (N, 2) m in map ask for."""
        ahead = self._first_ahead(path_m, view)
        asks = [*self._closed_behind(view, keep=ahead[0].door_id if ahead else "")]
        if ahead is None:
            self._waits_for, self._waited_s = "", 0.0
            return DoorStep(asks=tuple(asks))
        door, away_m = ahead
        asks += self._asked(door, view.now_ns)
        is_open = self._is_open(states.get(door.door_id), view.now_ns)
        waits = self._waits_for == door.door_id or away_m <= self._config.stand_off_m
        if is_open or not waits or away_m < self._config.in_doorway_m:
            self._waits_for, self._waited_s = "", 0.0
            return DoorStep(asks=tuple(asks))
        return self._waiting(door, tuple(asks), (states.get(door.door_id), view))

    def leave(self, view: View | None) -> tuple[DoorRequest, ...]:
        """The robot does something else: doors that it is not standing in may close."""
        self._waits_for, self._waited_s = "", 0.0
        return tuple(self._closed_behind(view, keep="")) if view is not None else ()

    def _waiting(self, door: Door, asks: tuple[DoorRequest, ...], seen: tuple[DoorState | None, View]) -> DoorStep:
        state, view = seen
        self._waited_s = self._waited_s + view.dt_s if self._waits_for == door.door_id else 0.0
        self._waits_for = door.door_id
        name = door.name or door.door_id
        if self._waited_s <= door.wait_s:
            return DoorStep(asks=asks, waits=f"Waiting for {name} to open")
        word = "it said nothing" if state is None else f"its last word was {state.position}"
        because = f"{name} did not open within {door.wait_s:g} s; {word}"
        self._waits_for, self._waited_s = "", 0.0
        self._passing.pop(door.door_id, None)
        close = DoorRequest(stamp_ns=view.now_ns, door_id=door.door_id, wish="close")
        return DoorStep(asks=(*asks, close), waits=because, gave_up=because)

    def _first_ahead(self, path_m: Floats, view: View) -> tuple[Door, float] | None:
        """The next door that the path goes through, and how far it is along the path."""
        if not self._doors or len(path_m) < _LEAST_PATH:
            return None
        here = np.array([[view.pose.x_m, view.pose.y_m]])
        steps_m = np.hypot(*np.diff(path_m, axis=0).T)
        near = path_m[: int(np.searchsorted(np.cumsum(steps_m), self._config.ask_ahead_m)) + 2]
        way = LineString(np.vstack((here, near)))
        found = []
        for door in self._doors:
            crossing = way.intersection(door.line)
            if not crossing.is_empty:
                found.append((way.project(Point(crossing.representative_point())), door))
        if not found:
            return None
        away_m, door = min(found, key=lambda each: each[0])
        return door, float(away_m)

    def _is_open(self, state: DoorState | None, now_ns: int) -> bool:
        if state is None or state.position != "open":
            return False
        return abs(seconds(now_ns - state.stamp_ns)) <= self._config.stale_s

    def _asked(self, door: Door, now_ns: int) -> list[DoorRequest]:
        self._passing[door.door_id] = door
        last_ns = self._asked_ns.get(door.door_id)
        if last_ns is not None and 0 <= now_ns - last_ns < nanoseconds(self._config.again_s):
            return []
        self._asked_ns[door.door_id] = now_ns
        return [DoorRequest(stamp_ns=now_ns, door_id=door.door_id, wish="open")]

    def _closed_behind(self, view: View, *, keep: str) -> list[DoorRequest]:
        """Doors that were asked for and are behind by now."""
        at = Point(view.pose.x_m, view.pose.y_m)
        behind = [name for name, door in self._passing.items() if name != keep and door.line.distance(at) > self._config.clear_m]
        for name in behind:
            del self._passing[name]
            self._asked_ns.pop(name, None)
        return [DoorRequest(stamp_ns=view.now_ns, door_id=name, wish="close") for name in behind]
