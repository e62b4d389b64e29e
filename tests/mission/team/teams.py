# SPDX-License-Identifier: Apache-2.0
"""Teams for tests, on made graphs, with a clock that counts instead of running."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mission.planning.deadline import CountedClock, Deadline
from mission.planning.graph import PatrolGraph
from mission.team.allocate import Allocator
from mission.team.dispatch import Dispatcher
from mission.team.knowledge import AlertCard, AlertState
from mission.team.lanes import Edge, Lanes
from mission.team.member import Means, MemberConfig
from mission.team.patrol import TeamPatrol
from mission.team.play import Happening, PlayConfig
from mission.team.unit import Kind, TeamGround, Unit

STEADY = PlayConfig(jitter=0.0, holds_per_h=0.0)


def robots(count: int, speed_mps: float = 1.0) -> list[Unit]:
    return [Unit(unit_id=f"r{number}", speed_mps=speed_mps) for number in range(count)]


def counted(duration_s: float) -> Deadline:
    return Deadline.after(duration_s, CountedClock(0.02))


def means_of(ground: TeamGround, units: Sequence[Unit], *, dock: int | None = None, config: MemberConfig | None = None) -> Means:
    allocator = Allocator(ground)
    return Means(
        units={unit.unit_id: unit for unit in units},
        places=ground.graph.count,
        allocator=allocator,
        dispatcher=Dispatcher(ground, {kind: allocator.closure(kind) for kind in Kind}, dock=dock),
        deadline=counted,
        config=config or MemberConfig(),
    )


def team_on(
    graph: PatrolGraph,
    units: Sequence[Unit],
    *,
    narrow: Iterable[Edge] = (),
    room: Mapping[int, int] | None = None,
    config: PlayConfig = STEADY,
    seed: int = 0,
    dock: int | None = None,
) -> TeamPatrol:
    lanes = Lanes.of(graph, narrow, room=room)
    return TeamPatrol(lanes, means_of(TeamGround(graph=graph), units, dock=dock), config, seed=seed, dock=dock)


def all_ways(graph: PatrolGraph) -> list[Edge]:
    return [(int(low), int(high)) for low, high in graph.edges]


def alert(name: str, place: int, at_s: float, *, unit_id: str = "") -> Happening:
    """An alert at ``place``, given to ``unit_id`` from the beginning when it is named."""
    state = AlertState.GIVEN if unit_id else AlertState.OPEN
    card = AlertCard(
        alert_id=name, place=place, raised_s=at_s, state=state, attempt=int(bool(unit_id)), unit_id=unit_id, asked_s=at_s
    )
    return Happening(at_s=at_s, alert=card)
