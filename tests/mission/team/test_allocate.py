# SPDX-License-Identifier: Apache-2.0
"""Allocations keep what they promise, whoever is in the team, and say what no team could keep."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.planning.graph import PatrolGraph
from mission.planning.metrics import worst_idleness_s
from mission.team.allocate import Allocation, Allocator, Standing, without
from mission.team.dispatch import Dispatcher
from mission.team.knowledge import AlertCard, Report
from mission.team.unit import Duty, Kind, NobodyCan, TeamGround, Unit
from patrol.errors import BadValue
from tests.mission.planning.graphs import graph_of, path, random_graphs, ring, star
from tests.mission.team.teams import counted, robots


def check_promise(ground: TeamGround, allocation: Allocation) -> None:
    horizon_s = allocation.settled_s + 4.0 * max(crew.plan.longest_round_s for crew in allocation.crews) + 1.0
    played_s = worst_idleness_s(allocation.log(horizon_s), allocation.settled_s)
    assert played_s <= allocation.guarantee_s * (1.0 + 1e-9) + 1e-6
    assert allocation.bound_s <= allocation.guarantee_s * (1.0 + 1e-9) + 1e-9
    for crew in allocation.crews:
        for beat in crew.plan.beats:
            for unit in crew.units:
                assert all(ground.may_visit(unit, place) for place in beat.walk) or unit.kind is Kind.GROUND


units = st.builds(
    Unit,
    unit_id=st.uuids().map(str),
    kind=st.sampled_from(Kind),
    speed_mps=st.sampled_from([0.5, 1.0, 3.0]),
    capabilities=st.sampled_from([frozenset(), frozenset(("thermal",))]),
)


@settings(max_examples=15, deadline=None)
@given(graph=random_graphs(most=8), team=st.lists(units, min_size=1, max_size=4), data=st.data())
def test_any_team_keeps_its_promise(graph: PatrolGraph, team: list[Unit], data: st.DataObject) -> None:
    places = st.integers(0, graph.count - 1)
    needs = {place: frozenset(("thermal",)) for place in data.draw(st.sets(places, max_size=2))}
    ground = TeamGround(graph=graph, needs=needs, ground_only=frozenset(data.draw(st.sets(places, max_size=2))))
    standing = [Standing(at=data.draw(places), ready_s=data.draw(st.sampled_from([0.0, 2.5]))) for _ in team]
    try:
        ground.refuse_unvisited(tuple(team))
    except NobodyCan:
        with pytest.raises(NobodyCan):
            Allocator(ground).allocate(team, standing, counted(2.0))
        return
    allocator = Allocator(ground)
    first = allocator.allocate(team, standing, counted(2.0))
    check_promise(ground, first)
    again = allocator.allocate(team, standing[::-1], counted(2.0))
    check_promise(ground, again)
    assert again.guarantee_s == first.guarantee_s, "the beats of a team that is known are kept"
    assert {unit for crew in first.crews for unit in crew.units} | set(first.reserve) == set(team)


def test_the_fast_one_walks_more() -> None:
    team = [Unit(unit_id="slow", speed_mps=1.0), Unit(unit_id="fast", speed_mps=3.0)]
    found = Allocator(TeamGround(graph=path(21))).allocate(team, [Standing(at=0), Standing(at=20)], counted(5.0))
    lengths = {crew.units[0].unit_id: crew.plan.beats[0].length_m for crew in found.crews}
    assert lengths["fast"] >= 2.5 * lengths["slow"]
    assert found.guarantee_s <= 11.0
    assert found.guarantee_s >= found.bound_s > 4.0


def test_a_drone_flies_straight_and_only_where_it_may() -> None:
    graph = ring(8, 10.0)
    team = [Unit(unit_id="rover"), Unit(unit_id="eagle", kind=Kind.DRONE, speed_mps=5.0)]
    ground = TeamGround(graph=graph, ground_only=frozenset((3, 4)))
    found = Allocator(ground).allocate(team, [Standing(at=0), Standing(at=0)], counted(5.0))
    beats = {crew.units[0].unit_id: crew.plan.beats[0] for crew in found.crews}
    assert {3, 4} <= set(beats["rover"].walk)
    assert not {3, 4} & set(beats["eagle"].walk)
    assert beats["eagle"].length_m < 8.0, "straight over the circle of 1 m on which the places stand"


def test_places_that_ask_for_something_get_it() -> None:
    ground = TeamGround(graph=star(5), needs={1: frozenset(("thermal",))})
    team = [Unit(unit_id="plain"), Unit(unit_id="hot", capabilities=frozenset(("thermal",)))]
    found = Allocator(ground).allocate(team, [Standing(at=0)] * 2, counted(5.0))
    (crew,) = (crew for crew in found.crews if 1 in crew.plan.beats[0].walk)
    assert crew.units[0].unit_id == "hot"
    with pytest.raises(NobodyCan, match="no unit can visit 1"):
        Allocator(ground).allocate(team[:1], [Standing(at=0)], counted(1.0))
    left_s = without(Allocator(ground), tuple(team), [Standing(at=0)] * 2, counted(5.0))
    assert left_s["hot"] == math.inf
    assert left_s["plain"] == pytest.approx(10.0)


def test_a_place_long_unseen_is_begun_with() -> None:
    graph = ring(12)
    allocator = Allocator(TeamGround(graph=graph))
    (unit,) = robots(1)
    allocator.allocate([unit], [Standing(at=0)], counted(2.0))
    for old in (2, 10):
        ages_s = [100.0 if place == old else 0.0 for place in range(12)]
        begun = allocator.allocate([unit], [Standing(at=0)], counted(20.0), ages_s=np.array(ages_s))
        log = begun.log(40.0)
        assert log.visits_s[old][0] <= 3.0, "the walk is turned round so that it comes there first"


def test_no_team_is_refused() -> None:
    allocator = Allocator(TeamGround(graph=path(3)))
    with pytest.raises(BadValue):
        allocator.allocate([], [], counted(1.0))
    with pytest.raises(BadValue):
        allocator.allocate(robots(2), [Standing(at=0)], counted(1.0))
    with pytest.raises(BadValue):
        Unit(unit_id="x", speed_mps=0.0)
    with pytest.raises(BadValue):
        Unit(unit_id="x", endurance_s=0.0)


def report(unit: Unit, at: int, *, charge: float = 1.0, duty: Duty = Duty.PATROL, ready_s: float = 0.0) -> tuple[Unit, Report]:
    return unit, Report(unit_id=unit.unit_id, count=0, stamp_s=0.0, duty=duty, at=at, ready_s=ready_s, charge=charge)


def test_the_first_there_goes_unless_something_keeps_it() -> None:
    ground = TeamGround(graph=graph_of({(0, 1): 10.0, (1, 2): 10.0, (2, 3): 10.0}))
    allocator = Allocator(ground)
    sender = Dispatcher(ground, {kind: allocator.closure(kind) for kind in Kind}, dock=0, handle_s=30.0)
    call = AlertCard(alert_id="a", place=3, raised_s=0.0)
    near, far = Unit(unit_id="near"), Unit(unit_id="far", speed_mps=2.0)
    assert sender.best(call, [report(near, 2), report(far, 0)]) == "near"
    assert sender.best(call, [report(near, 2, ready_s=9.0), report(far, 0)]) == "far"
    assert sender.best(call, [report(near, 2, duty=Duty.CHARGING), report(far, 0)]) == "far"
    tired = Unit(unit_id="near", endurance_s=100.0)
    assert sender.best(call, [report(tired, 2, charge=0.8), report(far, 0)]) == "far"
    assert "charge" in sender.why_not(*report(tired, 2, charge=0.8), call)
    hot = AlertCard(alert_id="a", place=3, raised_s=0.0, needs=frozenset(("thermal",)))
    assert sender.best(hot, [report(near, 2)]) is None
    assert sender.why_not(*report(near, 2), hot) == "lacks thermal"
