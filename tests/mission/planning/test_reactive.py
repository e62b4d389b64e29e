# SPDX-License-Identifier: Apache-2.0
"""The reactive peers: published figures to six digits, and what each rule chooses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mission.planning.metrics import right_endpoint_average_s, worst_idleness_s
from mission.planning.play import play
from mission.planning.reactive import BayesianRule, Outlook, conscientious, heuristic_conscientious, strategies
from patrol.errors import BadValue
from tests.mission.planning.graphs import lattice, needs_graphs, path, real_graph, ring

STARTS = (0, 8, 16, 24, 32, 39)


LOOK = Outlook(
    now_s=100.0,
    robot=0,
    at=0,
    robots=3,
    near=np.array([1, 2, 3]),
    travel_s=np.array([10.0, 2.0, 10.0]),
    last_visit_s=np.array([100.0, 40.0, 50.0, 40.0]),
    announced_at=np.zeros(0, dtype=np.int64),
)


@needs_graphs
@pytest.mark.parametrize(
    ("rule", "average", "worst"), [("CR", 53.870247, 231.0), ("HCR", 49.646929, 298.8), ("ER", 68.128621, 335.625)]
)
def test_published_figures_come_out_to_six_digits(rule: str, average: float, worst: float) -> None:
    graph = real_graph("cumberland")
    log = play(graph, strategies(graph, (0,))[rule], STARTS, horizon_s=500.0)
    assert round(right_endpoint_average_s(log), 6) == average
    assert round(worst_idleness_s(log), 3) == worst


@needs_graphs
def test_renewing_announcements_mends_er() -> None:
    graph = real_graph("cumberland")
    rules = strategies(graph, (0,))
    stale, renewed = (play(graph, rules[name], STARTS, horizon_s=500.0) for name in ("ER", "ER renewed"))
    assert worst_idleness_s(renewed) < 0.5 * worst_idleness_s(stale)


def test_the_first_of_equals_wins() -> None:
    assert conscientious(LOOK) == 1
    assert conscientious(replace(LOOK, last_visit_s=np.array([100.0, 41.0, 50.0, 40.0]))) == 3


def test_a_short_way_counts_for_hcr() -> None:
    assert heuristic_conscientious(LOOK) == 2
    assert heuristic_conscientious(replace(LOOK, travel_s=np.full(3, 5.0))) == 1


def test_sebs_keeps_off_what_others_announced() -> None:
    rule = BayesianRule(shortest_s=1.0, full_gain=10.0)
    assert rule.greedy(LOOK) == 2
    assert rule.state_exchange(LOOK) == 2
    assert rule.state_exchange(replace(LOOK, announced_at=np.array([2, 2]))) == 1


def test_robots_on_a_ring_follow_the_cycle() -> None:
    graph = ring(6, 2.0)
    log = play(graph, strategies(graph, tuple(range(6)))["cyclic"], (0, 3), horizon_s=60.0)
    assert worst_idleness_s(log, 12.0) == pytest.approx(6.0)


def test_a_walk_with_dead_ends_is_followed_back() -> None:
    log = play(path(3), strategies(path(3), (0, 1, 2, 1))["cyclic"], (0,), horizon_s=12.0)
    assert [times.tolist() for times in log.visits_s] == [
        [0.0, 4.0, 8.0, 12.0],
        [1.0, 3.0, 5.0, 7.0, 9.0, 11.0],
        [2.0, 6.0, 10.0],
    ]


def test_the_same_seed_wanders_the_same_way() -> None:
    graph = lattice(3, 3)
    first, second, other = (
        play(graph, strategies(graph, (0,), seed=seed)["random"], (0, 4), horizon_s=50.0).visits_s for seed in (1, 1, 2)
    )
    assert [times.tolist() for times in first] == [times.tolist() for times in second]
    assert [times.tolist() for times in first] != [times.tolist() for times in other]


def test_twice_the_speed_halves_every_time() -> None:
    graph = lattice(3, 4, 3.0)
    slow, fast = (
        play(graph, strategies(graph, (0,), speed_mps=speed)["CR"], (0, 7), horizon_s=horizon, speed_mps=speed)
        for speed, horizon in ((1.0, 90.0), (2.0, 45.0))
    )
    for one, other in zip(slow.visits_s, fast.visits_s, strict=True):
        assert one == pytest.approx(2.0 * other)


def test_a_start_or_a_choice_off_the_graph_is_refused() -> None:
    with pytest.raises(BadValue, match="starts"):
        play(path(3), conscientious, (3,), horizon_s=5.0)
    with pytest.raises(BadValue, match="2 is no neighbour of 0"):
        play(path(3), lambda _: 2, (0,), horizon_s=5.0)
