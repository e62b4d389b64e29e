# SPDX-License-Identifier: Apache-2.0
"""Team plans: what they promise is what playing them gives, and where the best is known they reach it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.planning.graph import Closure, PartsUnconnected, PatrolGraph, walk_offsets_m
from mission.planning.groups import grouped
from mission.planning.metrics import true_average_s, worst_idleness_s
from mission.planning.occupancy import check_certificate
from mission.planning.plan import Beat, RoundsTooUnlike
from mission.planning.split import Share, cut_tour, exchanged, one_round, staffed, worst_m
from mission.planning.team import Planned, TeamPlanner
from patrol.errors import BadValue
from tests.mission.planning.graphs import (
    graph_of,
    lattice,
    needs_graphs,
    passed,
    path,
    random_graphs,
    real_graph,
    ring,
    soon,
    star,
)

STARTS = (0, 8, 16, 24, 32, 39)


def test_the_first_plan_divides_the_team_even_when_there_is_no_time() -> None:
    """Two pairs of places far apart: with one round for both robots, places would go unseen for 102 s."""
    pairs = graph_of({(0, 1): 1.0, (1, 2): 100.0, (2, 3): 1.0}, "two pairs")
    assert TeamPlanner(pairs, 2).first(passed()).plan.guarantee_s == pytest.approx(2.0)


def planned(graph: PatrolGraph, robots: int, *, starts: tuple[int, ...] | None = None, looks: int = 2000) -> Planned:
    planner = TeamPlanner(graph, robots, starts=starts)
    return planner.improve(planner.first(soon(20.0)), soon(0.02 * looks))


def played_worst_s(found: Planned, *, from_start: bool = False) -> float:
    plan = found.plan
    log = plan.log(plan.settled_s + 6.0 * max(plan.longest_round_s, 1.0))
    return worst_idleness_s(log, 0.0 if from_start else plan.settled_s)


@settings(max_examples=12, deadline=None)
@given(graph=random_graphs(most=9), robots=st.integers(1, 4), speed_mps=st.sampled_from([0.5, 1.0, 2.5]), data=st.data())
def test_a_plan_keeps_its_promise_and_no_plan_beats_the_bound(
    graph: PatrolGraph, robots: int, speed_mps: float, data: st.DataObject
) -> None:
    vertices = st.integers(0, graph.count - 1)
    starts = data.draw(st.none() | st.lists(vertices, min_size=robots, max_size=robots).map(tuple))
    planner = TeamPlanner(graph, robots, starts=starts, speed_mps=speed_mps)
    found = planner.first(soon())
    plan = found.plan
    assert sum(beat.robots for beat in plan.beats) == robots
    assert {vertex for beat in plan.beats for vertex in beat.walk} == set(range(graph.count))
    assert played_worst_s(found) <= plan.guarantee_s * (1.0 + 1e-9) + 1e-9
    assert found.bound.bound_s <= plan.guarantee_s * (1.0 + 1e-9)
    assert played_worst_s(found) >= found.bound.bound_s * (1.0 - 1e-9)
    assert check_certificate(graph, found.bound.certificate)
    if starts is not None:
        assert found.start_bound_s <= played_worst_s(found, from_start=True) * (1.0 + 1e-9)
        assert {one.robot: one.start for one in plan.deployments} == dict(enumerate(starts))


@settings(max_examples=12, deadline=None)
@given(graph=random_graphs(most=9), robots=st.integers(1, 4), data=st.data())
def test_no_robot_walks_faster_than_it_can_or_off_the_edges(graph: PatrolGraph, robots: int, data: st.DataObject) -> None:
    starts = tuple(data.draw(st.lists(st.integers(0, graph.count - 1), min_size=robots, max_size=robots)))
    plan = TeamPlanner(graph, robots, starts=starts, speed_mps=2.0).first(soon()).plan
    lengths = {(int(low), int(high)): length for (low, high), length in zip(graph.edges, graph.lengths_m.tolist(), strict=True)}
    for one in plan.deployments:
        beat = plan.beats[one.beat]
        way = [*zip(one.approach, one.approach_s.tolist(), strict=True), (beat.walk[one.joins_at], one.joins_s)]
        for (here, left_s), (there, came_s) in pairwise(way):
            walked_m = 0.0 if here == there else lengths[min(here, there), max(here, there)]
            assert came_s - left_s >= walked_m / 2.0 - 1e-9
        assert beat.offsets_m == pytest.approx(walk_offsets_m(graph, beat.walk))


@settings(max_examples=8, deadline=None)
@given(graph=random_graphs(most=9), robots=st.integers(2, 4))
def test_improving_never_makes_it_worse(graph: PatrolGraph, robots: int) -> None:
    planner = TeamPlanner(graph, robots)
    first = planner.first(soon(0.05))
    better = planner.improve(first, soon(10.0))
    assert better.plan.guarantee_s <= first.plan.guarantee_s + 1e-9
    assert better.bound.bound_s >= first.bound.bound_s - 1e-9
    assert better.ratio <= first.ratio + 1e-9


@pytest.mark.parametrize(
    ("graph", "robots", "best_s"),
    [
        (star(6, 2.0), 3, 8.0),
        (ring(10), 4, 2.5),
        (path(21), 2, 20.0),
        (path(63), 3, 40.0),
        (lattice(4, 6), 3, 8.0),
        (lattice(3, 5), 1, 16.0),
        (path(5), 5, 0.0),
        (path(1), 3, 0.0),
    ],
    ids=["star", "ring", "short path", "long path", "lattice", "odd lattice", "a robot a place", "one place"],
)
def test_the_best_is_found_where_it_is_known(graph: PatrolGraph, robots: int, best_s: float) -> None:
    found = planned(graph, robots)
    assert found.plan.guarantee_s == pytest.approx(best_s)
    assert found.ratio <= 1.05
    assert played_worst_s(found) <= best_s + 1e-9


@pytest.mark.parametrize(("far_m", "robots"), [(30.0, 3), (1000.0, 3), (1000.0, 4)])
def test_outposts_get_a_robot_each_and_do_not_part_what_lies_between(far_m: float, robots: int) -> None:
    """Five places in a row, of which two have an outpost: their robots stay there, the others go up and down the row."""
    row = {(place, place + 1): 1.0 for place in range(4)}
    found = planned(graph_of({**row, (1, 5): far_m, (3, 6): far_m}), robots)
    assert found.plan.guarantee_s == pytest.approx(8.0 if robots == 3 else 3.0 + 1.0)
    assert sorted(beat.length_m for beat in found.plan.beats)[:2] == [0.0, 0.0]


def test_outposts_of_outposts_are_left_to_their_own_robots() -> None:
    """Pairs of places 1, 2 and 3 m wide, 100 and 10 000 m apart."""
    pairs = graph_of({(0, 1): 1.0, (2, 3): 2.0, (4, 5): 3.0, (0, 2): 100.0, (1, 4): 1e4})
    order = [0, 2, 3, 1, 4, 5]
    distances_m = Closure.of(pairs).distances_m
    whole = one_round(distances_m, order, 3)
    found = grouped(distances_m, order, 3, soon(), known_m=worst_m(whole))
    assert found is not None
    assert sorted((sorted(share.order), share.length_m) for share in found) == [([0, 1], 2.0), ([2, 3], 4.0), ([4, 5], 6.0)]
    assert grouped(distances_m, order, 3, soon(), known_m=worst_m(found)) is None
    assert grouped(distances_m, order, 3, passed(), known_m=worst_m(whole)) is None


@settings(max_examples=25, deadline=None)
@given(graph=random_graphs(most=8), robots=st.integers(1, 4))
def test_groups_hold_every_place_once_and_are_as_good_as_they_say(graph: PatrolGraph, robots: int) -> None:
    distances_m = Closure.of(graph).distances_m
    order = list(range(graph.count))
    known_m = worst_m(one_round(distances_m, order, robots))
    found = grouped(distances_m, order, robots, soon(), known_m=known_m)
    if found is not None:
        assert worst_m(found) < known_m
        assert sorted(place for share in found for place in share.order) == order
        assert sum(share.robots for share in found) == robots
        for share in found:
            assert share.length_m == pytest.approx(one_round(distances_m, list(share.order), 1)[0].length_m)


def test_far_villages_get_a_robot_each_and_the_big_one_two() -> None:
    edges = {(index, (index + 1) % 6): 1.0 for index in range(6)}
    edges |= {(6 + index, 6 + (index + 1) % 12): 1.0 for index in range(12)} | {(0, 6): 100.0}
    found = planned(graph_of(edges), 3)
    assert sorted((beat.robots, beat.length_m) for beat in found.plan.beats) == [(1, 6.0), (2, 12.0)]
    assert found.ratio <= 1.05


@needs_graphs
@pytest.mark.parametrize(
    ("name", "robots", "most"),
    [
        ("grid", 2, 1.001),
        ("grid", 4, 1.001),
        ("example", 2, 1.05),
        ("example", 4, 1.09),
        ("cumberland", 2, 1.13),
        ("cumberland", 4, 1.2),
    ],
)
def test_plans_of_the_real_graphs_come_near_their_bounds(name: str, robots: int, most: float) -> None:
    found = planned(real_graph(name), robots)
    assert found.ratio <= most
    assert played_worst_s(found) <= found.plan.guarantee_s + 1e-6


@needs_graphs
def test_six_robots_from_their_starts_do_better_than_the_tour() -> None:
    first = TeamPlanner(real_graph("cumberland"), 6, starts=STARTS).first(soon(20.0))
    assert played_worst_s(first, from_start=True) <= 69.58
    found = planned(real_graph("cumberland"), 6, starts=STARTS, looks=1000)
    assert found.plan.guarantee_s <= 64.5125
    assert played_worst_s(found, from_start=True) <= 69.58
    assert true_average_s(found.plan.log(500.0)) <= 24.99


def test_a_deadline_that_has_passed_still_gives_a_valid_plan() -> None:
    found = TeamPlanner(lattice(5, 6), 4, starts=(0, 0, 3, 9)).first(passed())
    assert played_worst_s(found) <= found.plan.guarantee_s + 1e-9
    assert found.bound.bound_s <= found.plan.guarantee_s


def test_a_large_team_on_a_large_graph_is_planned_in_few_looks_at_the_clock() -> None:
    found = TeamPlanner(lattice(15, 16), 20).first(soon(1.0))
    assert found.ratio <= 1.25
    assert played_worst_s(found) <= found.plan.guarantee_s + 1e-9


def test_the_same_question_has_the_same_answer() -> None:
    one, other = (planned(lattice(4, 5), 3, starts=(0, 7, 7)) for _ in range(2))
    assert [beat.walk for beat in one.plan.beats] == [beat.walk for beat in other.plan.beats]
    assert [part.joins_s for part in one.plan.deployments] == [part.joins_s for part in other.plan.deployments]


def test_what_makes_no_team_is_refused() -> None:
    for robots, starts, speed in ((0, None, 1.0), (2, (0,), 1.0), (1, (9,), 1.0), (1, None, 0.0)):
        with pytest.raises(BadValue):
            TeamPlanner(path(3), robots, starts=starts, speed_mps=speed)
    with pytest.raises(PartsUnconnected):
        TeamPlanner(graph_of({(0, 1): 1.0, (2, 3): 1.0}), 1)


def test_a_walk_turned_round_is_the_same_walk() -> None:
    graph = path(4, 2.0)
    walk = (0, 1, 2, 3, 2, 1)
    beat = Beat(walk=walk, offsets_m=walk_offsets_m(graph, walk), robots=2)
    turned = beat.reversed()
    assert turned.walk == (0, 1, 2, 3, 2, 1)
    assert turned.offsets_m == pytest.approx(walk_offsets_m(graph, turned.walk))
    assert (turned.length_m, turned.spacing_m) == (12.0, 6.0)


def test_robots_go_where_the_idleness_is_worst() -> None:
    division = staffed([((0, 1), 10.0), ((2, 3), 30.0)], 4)
    assert [share.robots for share in division] == [1, 3]
    assert worst_m(division) == 10.0


@settings(max_examples=12, deadline=None)
@given(graph=random_graphs(most=9), robots=st.integers(2, 4), seed=st.integers(0, 9))
def test_pieces_and_exchanges_keep_every_place(graph: PatrolGraph, robots: int, seed: int) -> None:
    distances = Closure.of(graph).distances_m
    order = list(range(graph.count))
    whole = one_round(distances, order, robots)
    pieces = cut_tour(distances, order, robots, soon(), known_m=worst_m(whole) * robots + 1.0)
    assert pieces is not None
    assert worst_m(pieces) <= worst_m(whole) * (1.0 + 1e-5) + 1e-9
    moved = exchanged(distances, pieces, soon(), seed=seed, moves=100)
    assert sorted(place for share in moved for place in share.order) == order
    assert worst_m(moved) <= worst_m(pieces) + 1e-9
    assert sum(share.robots for share in moved) == robots


def test_an_exchange_repairs_a_bad_division() -> None:
    distances = Closure.of(path(10)).distances_m
    bad = (Share((0, 1, 2, 3, 4, 5, 6, 7), 14.0, 1), Share((8, 9), 2.0, 1))
    assert worst_m(exchanged(distances, bad, soon(), seed=1, moves=500)) == 8.0


def test_a_ratio_without_a_bound_is_not_a_number_that_pleases() -> None:
    found = TeamPlanner(ring(5), 2).first(soon())
    unknown = replace(found, bound=replace(found.bound, bound_s=0.0))
    assert unknown.ratio == np.inf


def test_rounds_too_unlike_to_be_listed_are_refused_by_name() -> None:
    planner = TeamPlanner(graph_of({(0, 1): 1.0, (1, 2): 1e9, (2, 3): 1e9, (3, 4): 1.0}, "far"), 2)
    with pytest.raises(RoundsTooUnlike, match=r"far: has ways from 1 m to 1e\+09 m"):
        planner.improve(planner.first(soon()), soon()).plan.begin()
