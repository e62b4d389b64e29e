# SPDX-License-Identifier: Apache-2.0
"""The lower bound: exact where the best patrol is known, below everything that any strategy does, and checkable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.planning.exact_tour import exact_tour, heuristic_tour
from mission.planning.graph import Closure, PatrolGraph
from mission.planning.levels import levels_bound, levels_bound_m
from mission.planning.lower_bound import lower_bound
from mission.planning.metrics import worst_idleness_s
from mission.planning.occupancy import Certificate, check_certificate, depth_m, proven_bound_m, set_rows
from mission.planning.play import play
from mission.planning.reactive import strategies
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


def bound_of(graph: PatrolGraph, robots: int) -> Certificate:
    certificate = lower_bound(graph, Closure.of(graph), robots, soon())
    assert check_certificate(graph, certificate)
    return certificate


@pytest.mark.parametrize(
    ("graph", "robots", "best_m"),
    [
        (star(5, 3.0), 1, 30.0),
        (star(5, 3.0), 2, 15.0),
        (star(6), 4, 3.0),
        (ring(8), 1, 8.0),
        (ring(8), 3, 8.0 / 3.0),
        (lattice(4, 4), 2, 8.0),
        (lattice(5, 5), 4, 6.5),
        (path(2, 4.0), 1, 8.0),
        (path(9), 1, 16.0),
    ],
    ids=["star 1", "star 2", "star 4", "ring 1", "ring 3", "even lattice", "odd lattice", "pair", "path"],
)
def test_it_is_exact_where_equal_spacing_on_a_tour_is_best(graph: PatrolGraph, robots: int, best_m: float) -> None:
    assert bound_of(graph, robots).bound_m == pytest.approx(best_m, rel=2e-3)


@pytest.mark.parametrize("robots", [1, 2, 3, 5])
def test_levels_are_exact_on_a_path(robots: int) -> None:
    """The best is a piece of the path for each robot: here 20 steps out and back."""
    found = levels_bound(Closure.of(path(21 * robots)), robots)
    assert found.robots == robots
    assert found.bound_m == pytest.approx(40.0)


def test_levels_span_points_by_hand() -> None:
    assert levels_bound_m(np.array([0.0, 1.0, 5.0, 7.0, 7.0]), 2) == pytest.approx(4.0)
    assert levels_bound_m(np.array([0.0, 1.0, 5.0, 7.0]), 1) == pytest.approx(14.0)
    assert levels_bound_m(np.array([0.0, 0.0, 3.0]), 2) == 0.0


def test_sets_see_that_each_end_of_a_path_keeps_a_robot() -> None:
    bound_m = bound_of(path(42), 2).bound_m
    assert 39.0 <= bound_m <= 40.0 + 1e-6


def test_two_far_villages_keep_one_robot_each() -> None:
    """Two rings of 6 places, 100 m apart: nobody can serve both, so each needs its own robot and 6 m."""
    edges = {(index, (index + 1) % 6): 1.0 for index in range(6)}
    edges |= {(6 + index, 6 + (index + 1) % 6): 1.0 for index in range(6)} | {(0, 6): 100.0}
    assert bound_of(graph_of(edges), 2).bound_m == pytest.approx(6.0, rel=0.02)


def test_a_robot_for_every_place_leaves_nothing_to_bound() -> None:
    assert bound_of(star(3), 4).bound_m == 0.0
    assert bound_of(path(1), 1).bound_m == 0.0


@settings(max_examples=15, deadline=None)
@given(graph=random_graphs(most=8))
def test_one_robot_is_never_asked_for_more_than_the_shortest_tour(graph: PatrolGraph) -> None:
    tour = exact_tour(graph, heuristic_tour(graph, Closure.of(graph), soon()), soon())
    assert bound_of(graph, 1).bound_m <= tour.length_m * (1.0 + 1e-9)


@settings(max_examples=15, deadline=None)
@given(graph=random_graphs(most=7), robots=st.integers(1, 3), seed=st.integers(0, 99))
def test_no_strategy_stays_below_it(graph: PatrolGraph, robots: int, seed: int) -> None:
    bound_m = max(bound_of(graph, robots).bound_m, levels_bound(Closure.of(graph), robots).bound_m)
    random = np.random.default_rng(seed)
    starts = tuple(random.integers(0, graph.count, robots).tolist())
    walk = heuristic_tour(graph, Closure.of(graph), soon()).walk
    for name, strategy in strategies(graph, walk, seed=seed).items():
        log = play(graph, strategy, starts, horizon_s=20.0 * float(graph.lengths_m.sum()) + 200.0)
        assert worst_idleness_s(log, 0.5 * log.horizon_s) >= bound_m * (1.0 - 1e-9), name


@settings(max_examples=30, deadline=None)
@given(graph=random_graphs(most=8), robots=st.integers(1, 3), seed=st.integers(0, 999), data=st.data())
def test_the_inequality_of_the_proof_holds_on_what_robots_do(
    graph: PatrolGraph, robots: int, seed: int, data: st.DataObject
) -> None:
    """Presence in a set and departures from it, counted on robots that wander, fill all of the time as (2) says."""
    members = data.draw(st.sets(st.integers(0, graph.count - 1), min_size=1, max_size=graph.count - 1))
    random, weights, near = np.random.default_rng(seed), graph.weights().tocsr(), graph.neighbours()
    inside_s, departures, seen_s = 0.0, 0, [[0.0] for _ in range(graph.count)]
    for _ in range(robots):
        here, now_s = 0, 0.0
        while now_s < 500.0:
            there = int(random.choice(near[here]))
            if here in members and there in members:
                inside_s += float(weights[here, there])
            departures += here in members and there not in members
            now_s += float(weights[here, there])
            here = there
            seen_s[here].append(now_s)
    worst_s = max(float(np.diff([*sorted(time for time in times if time < 500.0), 500.0]).max()) for times in seen_s)
    spell_s = max(0.0, worst_s - 2.0 * depth_m(graph, Closure.of(graph), frozenset(members)))
    assert inside_s + departures * spell_s >= 500.0 - 2.0 * worst_s


@needs_graphs
@pytest.mark.parametrize(
    ("name", "robots", "known_m", "reach_m"),
    [
        ("grid", 2, 74.1, 74.0),
        ("grid", 4, 37.05, 37.0),
        ("grid", 6, 24.7, 24.6),
        ("example", 2, 140.4, 134.0),
        ("example", 4, 68.5, 64.0),
        ("cumberland", 2, 193.6, 171.0),
        ("cumberland", 4, 96.8, 81.0),
        ("cumberland", 6, 63.1, 52.0),
    ],
)
def test_it_comes_near_the_best_known_plans_of_the_real_graphs(name: str, robots: int, known_m: float, reach_m: float) -> None:
    assert reach_m <= bound_of(real_graph(name), robots).bound_m <= known_m


def test_a_passed_deadline_leaves_a_weaker_bound_that_holds() -> None:
    graph = lattice(4, 5)
    hurried = lower_bound(graph, Closure.of(graph), 2, passed())
    assert check_certificate(graph, hurried)
    assert hurried.bound_m <= 10.0


def test_a_certificate_that_was_changed_is_found_out() -> None:
    graph = lattice(3, 3)
    good = bound_of(graph, 2)
    assert not check_certificate(graph, replace(good, bound_m=good.bound_m * 1.01))
    assert not check_certificate(graph, replace(good, robots=3))
    assert not check_certificate(graph, replace(good, weights=-good.weights))
    assert not check_certificate(graph, replace(good, sets=(*good.sets[:-1], tuple(range(graph.count)))))
    assert not check_certificate(graph, replace(good, sets=good.sets[:-1]))
    longer = replace(graph, lengths_m=graph.lengths_m * 0.9)
    assert not check_certificate(longer, good)


def test_the_depth_of_a_set_is_the_way_out_of_it() -> None:
    graph = path(6)
    closure = Closure.of(graph)
    assert [depth_m(graph, closure, frozenset(members)) for members in ((0,), (0, 1, 2), (1, 2, 3), (0, 1, 4, 5))] == [0, 2, 1, 1]


def test_multipliers_prove_what_can_be_worked_out_by_hand() -> None:
    """Star of three unit legs, one robot: every leaf with weight 1 gives L/2 ≤ 1 on each leg, so L = 2 · 3."""
    graph = star(3)
    rows = set_rows(graph, Closure.of(graph), [frozenset((leaf,)) for leaf in (1, 2, 3)])
    assert proven_bound_m(graph, rows, np.ones(3), 1) == pytest.approx(6.0)
    assert proven_bound_m(graph, rows, np.full(3, 0.2), 1) == pytest.approx(6.0), "a common factor changes nothing"
    assert proven_bound_m(graph, rows, np.zeros(3), 1) == 0.0
