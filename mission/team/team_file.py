# SPDX-License-Identifier: Apache-2.0
"""Reads a team file: who is there, where each stands, and what the ground asks of them. Refused whole when anything is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from mission.planning.graph import PatrolGraph
from mission.team.lanes import CELL_M, Edge
from mission.team.unit import Kind, TeamGround, Unit
from patrol.config import Config
from patrol.errors import BadInput, Fault


class UnitEntry(Config):
    """One unit. ``start`` is the name of a place; without it the unit begins at the dock, or, where there is
    none, far from those before it."""

    unit_id: str = Field(min_length=1)
    kind: Kind = Kind.GROUND
    speed_mps: float = Field(default=1.0, ge=0.01, le=50)
    endurance_min: float | None = Field(default=None, gt=0)
    capabilities: tuple[str, ...] = ()
    start: str = ""


class TeamFile(Config):
    """``needs``: capabilities that a place asks for; ``ground_only``: places closed to drones; ``narrow``: ways on which robots
    can not pass one another, each by the names of its ends, or ``all``; ``room``: how many robots a place holds where that
    matters; ``dock``: where units charge; ``cell_m``: narrow ways are cut into pieces of this length."""

    units: tuple[UnitEntry, ...] = Field(min_length=1, max_length=1000)
    needs: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    ground_only: tuple[str, ...] = ()
    narrow: tuple[tuple[str, str], ...] | Literal["all"] = ()
    room: dict[str, int] = Field(default_factory=dict)
    dock: str = ""
    cell_m: float = Field(default=CELL_M, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Team:
    """A team on its ground; unit i stands at ``starts[i]``."""

    ground: TeamGround
    units: tuple[Unit, ...]
    starts: tuple[int, ...]
    narrow: frozenset[Edge]
    room: dict[int, int]
    dock: int | None
    cell_m: float


def team_of(file: TeamFile, graph: PatrolGraph, *, source: Path | str) -> Team:
    """``file`` with its names looked up in ``graph``. Raises BadInput naming every name that is none."""
    numbers = {name: number for number, name in enumerate(graph.vertex_names)}
    faults = list(_faults(file, graph, numbers))
    if faults:
        raise BadInput(source, faults)
    dock = numbers[file.dock] if file.dock else None
    if file.narrow == "all":
        narrow = frozenset((int(low), int(high)) for low, high in graph.edges)
    else:
        narrow = frozenset((min(numbers[a], numbers[b]), max(numbers[a], numbers[b])) for a, b in file.narrow)
    needs = {numbers[name]: frozenset(words) for name, words in file.needs.items()}
    ground = TeamGround(graph=graph, needs=needs, ground_only=frozenset(numbers[name] for name in file.ground_only))
    return Team(
        ground=ground,
        units=tuple(_unit(entry) for entry in file.units),
        starts=_starts(file, graph, numbers),
        narrow=narrow,
        room={numbers[name]: count for name, count in file.room.items()},
        dock=dock,
        cell_m=file.cell_m,
    )


def _unit(entry: UnitEntry) -> Unit:
    return Unit(
        unit_id=entry.unit_id,
        kind=entry.kind,
        speed_mps=entry.speed_mps,
        endurance_s=math.inf if entry.endurance_min is None else 60.0 * entry.endurance_min,
        capabilities=frozenset(entry.capabilities),
    )


def _starts(file: TeamFile, graph: PatrolGraph, numbers: dict[str, int]) -> tuple[int, ...]:
    """Where each unit begins: where it says, at the dock, or else far from those before it."""
    starts: list[int] = []
    for entry in file.units:
        if entry.start or file.dock:
            starts.append(numbers[entry.start or file.dock])
        elif starts:
            away_m = np.hypot(*(graph.points_m[:, None, :] - graph.points_m[starts][None, :, :]).transpose(2, 0, 1)).min(axis=1)
            starts.append(int(np.argmax(away_m)))
        else:
            starts.append(0)
    return tuple(starts)


def _faults(file: TeamFile, graph: PatrolGraph, numbers: dict[str, int]) -> Iterator[Fault]:
    ids = [entry.unit_id for entry in file.units]
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield Fault(field="units", value=name, because="stands twice")
    ways = {(int(low), int(high)) for low, high in graph.edges}
    for field, name in _names(file):
        if name not in numbers:
            yield Fault(field=field, value=name, because=f"is no place of {graph.name}")
    for name, count in file.room.items():
        if count < 1:
            yield Fault(field=f"room.{name}", value=count, because="must be 1 at least")
    for a, b in () if file.narrow == "all" else file.narrow:
        pair = tuple(sorted((numbers.get(a, -1), numbers.get(b, -1))))
        if a in numbers and b in numbers and pair not in ways:
            yield Fault(field="narrow", value=f"{a}, {b}", because="no way leads from one to the other")


def _names(file: TeamFile) -> Iterator[tuple[str, str]]:
    yield from ((f"units.{index}.start", entry.start) for index, entry in enumerate(file.units) if entry.start)
    yield from (("needs", name) for name in file.needs)
    yield from (("ground_only", name) for name in file.ground_only)
    yield from (("room", name) for name in file.room)
    if file.dock:
        yield "dock", file.dock
    if file.narrow != "all":
        yield from (("narrow", name) for way in file.narrow for name in way)
