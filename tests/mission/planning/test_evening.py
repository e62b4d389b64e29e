# SPDX-License-Identifier: Apache-2.0
"""Walking a round in another order: the same edges, the same length, places passed more evenly."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.planning.deploy import placed_freely
from mission.planning.evening import evened, mean_idle_m
from mission.planning.exact_tour import heuristic_tour
from mission.planning.graph import Closure, PatrolGraph, walk_offsets_m
from mission.planning.metrics import true_average_s, worst_idleness_s
from mission.planning.plan import Beat, TeamPlan
from mission.planning.team import TeamPlanner
from patrol.errors import BadValue
from tests.mission.planning.graphs import graph_of, needs_graphs, passed, random_graphs, real_graph, ring, soon


def used(walk: tuple[int, ...]) -> Counter[tuple[int, int]]:
    return Counter((min(pair), max(pair)) for pair in zip(walk, (*walk[1:], walk[0]), strict=True) if pair[0] != pair[1])


def mean_of(graph: PatrolGraph, walk: tuple[int, ...], robots: int) -> float:
    return mean_idle_m(np.array(walk, dtype=np.int64), walk_offsets_m(graph, walk), robots)


@settings(max_examples=25, deadline=None)
@given(graph=random_graphs(most=9), robots=st.integers(1, 3))
def test_the_same_edges_are_walked_and_no_mean_is_higher(graph: PatrolGraph, robots: int) -> None:
    walk = heuristic_tour(graph, Closure.of(graph), soon()).walk
    other = evened(graph, walk, robots, soon())
    assert used(other) == used(walk)
    assert mean_of(graph, other, robots) <= mean_of(graph, walk, robots) + 1e-9
    assert evened(graph, walk, robots, passed()) == walk


@settings(max_examples=15, deadline=None)
@given(graph=random_graphs(most=8), robots=st.integers(1, 3))
def test_the_mean_is_that_of_the_walk_played(graph: PatrolGraph, robots: int) -> None:
    walk = heuristic_tour(graph, Closure.of(graph), soon()).walk
    beat = Beat(walk=walk, offsets_m=walk_offsets_m(graph, walk), robots=robots)
    played = placed_freely(TeamPlan(graph=graph, speed_mps=1.0, beats=(beat,), deployments=()))
    horizon_s = played.settled_s + 20.0 * beat.spacing_m
    log = played.log(horizon_s)
    assert true_average_s(log, played.settled_s) == pytest.approx(mean_of(graph, walk, robots), rel=1e-6)
    assert worst_idleness_s(log, played.settled_s) <= beat.spacing_m + 1e-9


def test_loops_are_walked_in_an_order_that_suits_the_team() -> None:
    """A junction with two loops of 8 m and two spurs of 1 m, two robots: long and short by turns is the worst order."""
    loops = {(0, 3): 2.0, (3, 4): 4.0, (0, 4): 2.0, (0, 5): 2.0, (5, 6): 4.0, (0, 6): 2.0}
    graph = graph_of(loops | {(0, 1): 1.0, (0, 2): 1.0})
    by_turns = (0, 1, 0, 3, 4, 0, 2, 0, 5, 6)
    other = evened(graph, by_turns, 2, soon())
    assert mean_of(graph, by_turns, 2) - mean_of(graph, other, 2) == pytest.approx((68.0 - 44.0) / (2.0 * 10.0 * 7.0))


@needs_graphs
def test_a_little_of_the_guarantee_buys_a_lower_average() -> None:
    planner = TeamPlanner(real_graph("cumberland"), 6, slack=0.02)
    plan = planner.improve(planner.first(soon(2.0)), soon(12.0)).plan
    assert plan.guarantee_s <= 64.51
    assert true_average_s(plan.log(plan.settled_s + 900.0), plan.settled_s) <= 24.99


def test_a_slack_that_is_none_is_refused() -> None:
    with pytest.raises(BadValue, match="slack"):
        TeamPlanner(ring(4), 1, slack=1.0)
