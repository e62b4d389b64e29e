# SPDX-License-Identifier: Apache-2.0
"""First rounds: what they promise is what playing them gives, and none is shorter."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.planning.approach import Stands
from mission.planning.exact_tour import heuristic_tour
from mission.planning.graph import Closure, PatrolGraph, walk_offsets_m
from mission.planning.metrics import worst_idleness_s
from mission.planning.opening import Opener, Openings
from mission.planning.plan import Beat, TeamPlan
from mission.planning.start_bound import start_bound_s
from patrol.checks import Floats
from tests.mission.planning.graphs import passed, path, random_graphs, ring, soon


def one_beat(graph: PatrolGraph, robots: int, speed_mps: float = 1.0) -> TeamPlan:
    walk = heuristic_tour(graph, Closure.of(graph), soon()).walk
    beat = Beat(walk=walk, offsets_m=walk_offsets_m(graph, walk), robots=robots)
    return TeamPlan(graph=graph, speed_mps=speed_mps, beats=(beat,), deployments=())


def standing(graph: PatrolGraph, starts: list[int], ready_s: list[float], speed_mps: float = 1.0) -> Stands:
    return Stands(closure=Closure.of(graph), speed_mps=speed_mps, starts=tuple(starts), ready_s=np.array(ready_s))


def opened(plan: TeamPlan, stands: Stands, crews: list[tuple[int, ...]]) -> TeamPlan:
    begun = Openings(plan, stands).opened(crews, soon())
    assert begun is not None
    return begun


starting = st.lists(st.tuples(st.integers(0, 99), st.sampled_from([0.0, 0.0, 1.5, 7.0])), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(graph=random_graphs(most=9), where=starting, speed_mps=st.sampled_from([0.5, 1.0, 2.0]))
def test_an_opening_keeps_its_promise_from_the_first_moment_on(
    graph: PatrolGraph, where: list[tuple[int, float]], speed_mps: float
) -> None:
    crew = tuple(range(len(where)))
    stands = standing(graph, [at % graph.count for at, _ in where], [ready_s for _, ready_s in where], speed_mps)
    plan = one_beat(graph, len(crew), speed_mps)
    ways = (plan.beats[0], plan.beats[0].reversed())
    found = [Opener(beat, stands.reach_s(beat), speed_mps).best(crew, plan.guarantee_s, soon()) for beat in ways]
    promised_s = min(one.within_s for one in found if one is not None)
    begun = opened(plan, stands, [crew])
    log = begun.log(begun.settled_s + 3.0 * begun.longest_round_s)
    assert worst_idleness_s(log, 0.0) <= promised_s + 1e-5
    assert worst_idleness_s(log, begun.settled_s) <= begun.guarantee_s + 1e-9
    assert worst_idleness_s(log, 0.0) >= start_bound_s(stands.closure, speed_mps, stands.starts, stands.ready_s) - 1e-9
    assert sorted(one.robot for one in begun.deployments) == list(crew)


def least_s(beat: Beat, reach_s: Floats) -> tuple[float, float]:
    """The shortest first round at 1 m/s, by trying every entry of every robot: when places may be seen first by whoever comes,
    which is a lower bound, and when entries ascend as phases do."""
    count, crew = len(beat.walk), range(len(reach_s))
    offsets_m = np.concatenate((beat.offsets_m[:-1], beat.offsets_m[:-1] + beat.length_m))
    free_s = ascending_s = np.inf
    for order in ((0, *others) for others in permutations(crew[1:])):
        for entries in product(range(count), *([range(2 * count)] * len(crew[1:]))):
            phase_m = [offsets_m[at] - reach_s[robot][at % count] for robot, at in zip(order, entries, strict=True)]
            phase_m.append(phase_m[0] + beat.length_m)
            if phase_m != sorted(phase_m):
                continue
            gap_s = float(np.diff(phase_m).max())
            comes_s = [
                (offsets_m[:count] - offsets_m[at]) % beat.length_m + offsets_m[at] - p
                for p, at in zip(phase_m, entries, strict=False)
            ]
            free_s = min(free_s, max(gap_s, float(np.min(comes_s, axis=0).max())))
            closed = (*entries, entries[0] + count)
            if list(closed) == sorted(closed):
                seen_s = [offsets_m[to - 1] - p for p, at, to in zip(phase_m, entries, closed[1:], strict=False) if to > at]
                ascending_s = min(ascending_s, max(gap_s, *seen_s))
    return free_s, ascending_s


@settings(max_examples=25, deadline=None)
@given(graph=random_graphs(most=5), where=st.lists(st.integers(0, 4), min_size=2, max_size=3))
def test_no_first_round_of_its_kind_is_shorter(graph: PatrolGraph, where: list[int]) -> None:
    starts = [at % graph.count for at in where]
    stands, plan = standing(graph, starts, [0.0] * len(starts)), one_beat(graph, len(starts))
    beat = plan.beats[0]
    found = Opener(beat, stands.reach_s(beat), 1.0).best(tuple(range(len(starts))), 0.0, soon())
    assert found is not None
    low_s, high_s = least_s(beat, stands.reach_s(beat))
    assert low_s - 1e-6 <= found.within_s <= high_s + 0.002 * beat.length_m


def test_robots_that_stand_evenly_on_a_ring_begin_at_once() -> None:
    graph = ring(12)
    begun = opened(one_beat(graph, 4), standing(graph, [0, 3, 6, 9], [0.0] * 4), [(0, 1, 2, 3)])
    assert worst_idleness_s(begun.log(60.0), 0.0) == pytest.approx(3.0)


def test_a_robot_that_comes_late_is_counted_from_when_it_comes() -> None:
    """One robot on a ring of 12 m is there after 5 s: nobody sees the last place before 16 s."""
    graph = ring(12)
    stands = standing(graph, [0], [5.0])
    begun = opened(one_beat(graph, 1), stands, [(0,)])
    assert worst_idleness_s(begun.log(100.0), 0.0) == pytest.approx(16.0, abs=0.01)
    assert start_bound_s(stands.closure, 1.0, (0,), np.array([5.0])) == pytest.approx(16.0)


def test_robots_change_beats_when_they_stand_at_the_wrong_ones() -> None:
    graph = path(40)
    walks = (tuple(range(10)) + tuple(range(8, 0, -1)), tuple(range(30, 40)) + tuple(range(38, 30, -1)))
    beats = tuple(Beat(walk=walk, offsets_m=walk_offsets_m(graph, walk), robots=1) for walk in walks)
    plan = TeamPlan(graph=graph, speed_mps=1.0, beats=beats, deployments=())
    stands = standing(graph, [39, 0], [0.0, 0.0])
    assert [one.beat for one in opened(plan, stands, [(0,), (1,)]).deployments] == [1, 0]
    assert Openings(plan, stands).opened([(0,), (1,)], passed()) is None, "there was no time"


def test_what_went_unseen_before_counts_in_the_bound() -> None:
    closure = Closure.of(path(5))
    ages_s = np.array([0.0, 0.0, 0.0, 0.0, 20.0])
    assert start_bound_s(closure, 2.0, (0, 1), np.zeros(2), ages_s) == pytest.approx(21.5)
    assert start_bound_s(closure, 1.0, (0,), np.zeros(1)) == pytest.approx(4.0)
