# SPDX-License-Identifier: Apache-2.0
"""The units of a team, and the ground that they share: which of them can go where, and what a place asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from mission.planning.graph import Closure, PatrolGraph
from patrol.checks import Floats, require_positive
from patrol.errors import BadValue


class Kind(StrEnum):
    """How a unit moves: a drone flies straight from place to place, but not to places that are closed to it."""

    GROUND = "ground"
    DRONE = "drone"


class Duty(StrEnum):
    """What a unit is there for at the moment. Only ``PATROL`` walks a beat; one that is ``AWAY`` is held, stopped or driven by
    hand; a unit that is ``LOST`` said nothing for too long."""

    PATROL = "patrol"
    DISPATCHED = "dispatched"
    CHARGING = "charging"
    AWAY = "away"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One robot or drone. ``endurance_s`` is how long a full battery lasts; ``capabilities`` are words that places and alerts
    ask for."""

    unit_id: str
    kind: Kind = Kind.GROUND
    speed_mps: float = 1.0
    endurance_s: float = math.inf
    capabilities: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        require_positive("speed_mps", self.speed_mps)
        if not self.endurance_s > 0.0:
            raise BadValue(f"endurance_s: {self.endurance_s!r} is not above zero")

    @property
    def likeness(self) -> tuple[Kind, float, frozenset[str]]:
        """Units of the same likeness can stand in for one another on every beat."""
        return self.kind, self.speed_mps, self.capabilities


class NobodyCan(BadValue):
    """A place that no unit at hand can visit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TeamGround:
    """The graph; ``needs``: capabilities that a place asks of its visitors; ``ground_only``: places closed to drones."""

    graph: PatrolGraph
    needs: Mapping[int, frozenset[str]] = field(default_factory=dict)
    ground_only: frozenset[int] = frozenset()

    def closure(self, kind: Kind) -> Closure:
        """Shortest ways for units of ``kind``: along the graph, or straight through the air."""
        if kind is Kind.GROUND:
            return Closure.of(self.graph)
        points = self.graph.points_m
        straight: Floats = np.hypot(*(points[:, None, :] - points[None, :, :]).transpose(2, 0, 1))
        rows = np.arange(self.graph.count)
        return Closure(distances_m=straight, before=np.repeat(rows[:, None], rows.size, axis=1))

    def may_visit(self, unit: Unit, place: int) -> bool:
        """Whether ``unit`` can go to ``place`` and has what is asked for there."""
        if unit.kind is Kind.DRONE and place in self.ground_only:
            return False
        return self.needs.get(place, frozenset()) <= unit.capabilities

    def refuse_unvisited(self, units: tuple[Unit, ...]) -> None:
        """Raises NobodyCan, which names them, when there are places that none of ``units`` can visit."""
        places = range(self.graph.count)
        alone = [self.graph.vertex_names[place] for place in places if not any(self.may_visit(unit, place) for unit in units)]
        if alone:
            raise NobodyCan(f"{self.graph.name}: no unit can visit {', '.join(alone[:8])}")
