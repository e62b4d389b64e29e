# SPDX-License-Identifier: Apache-2.0
"""The lower bounds beside the true optimum, found by going through everything that robots can do on small graphs.

Ways of whole metres are cut into metres; robots of 1 m/s stay or go a metre each second. What such robots can keep, robots that
move at any time can keep too; so no bound may lie above it. Nothing of the planner is used to find it.
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement, product

from hypothesis import given, settings
from hypothesis import strategies as st

from mission.planning.graph import PatrolGraph
from mission.planning.team import TeamPlanner
from tests.mission.planning.graphs import graph_of, path, ring, soon, star

State = tuple[tuple[int, ...], tuple[int, ...]]
"""Where the robots are, sorted, and for how many seconds each place has gone unseen."""


class Everything:
    """All that ``robots`` can do on a graph of whole metres."""

    def __init__(self, graph: PatrolGraph, robots: int) -> None:
        self._places, self._robots = graph.count, robots
        near: list[set[int]] = [{vertex} for vertex in range(graph.count)]
        for (low, high), length_m in zip(graph.edges.tolist(), graph.lengths_m.tolist(), strict=True):
            before = low
            for _ in range(round(length_m) - 1):
                near.append({len(near), before})
                near[before].add(len(near) - 1)
                before = len(near) - 1
            near[before].add(high)
            near[high].add(before)
        self._near = [tuple(sorted(one)) for one in near]
        self._away_s = [self._seconds_to(place) for place in range(graph.count)]

    def _seconds_to(self, place: int) -> list[int]:
        """How far each node is from ``place``."""
        away = {place: 0}
        ring = [place]
        while ring:
            ring = [other for node in ring for other in self._near[node] if away.setdefault(other, away[node] + 1) > away[node]]
        return [away[node] for node in range(len(self._near))]

    def can_keep(self, worst_s: int, starts: tuple[int, ...] | None = None) -> bool:
        """Whether they can go on for ever without a place unseen for longer than ``worst_s``, from ``starts`` or from wherever
        is best, all places just seen."""
        fresh = (0,) * self._places
        firsts = [starts] if starts is not None else combinations_with_replacement(range(len(self._near)), self._robots)
        after: dict[State, list[State]] = {}
        begins = [(tuple(sorted(first)), fresh) for first in firsts if self._in_time((first, fresh), worst_s)]
        waiting = list(begins)
        while waiting:
            state = waiting.pop()
            if state not in after:
                after[state] = self._after(state, worst_s)
                waiting += after[state]
        before: dict[State, list[State]] = {}
        for state, following in after.items():
            for one in following:
                before.setdefault(one, []).append(state)
        ways_on = {state: len(following) for state, following in after.items()}
        ended = [state for state, ways in ways_on.items() if ways == 0]
        while ended:
            for state in before.get(ended.pop(), ()):
                ways_on[state] -= 1
                if ways_on[state] == 0:
                    ended.append(state)
        return any(ways_on[state] > 0 for state in begins)

    def _after(self, state: State, worst_s: int) -> list[State]:
        """What the next second can bring without a place left for too long."""
        at, ages = state
        found = set()
        for moved in product(*(self._near[one] for one in at)):
            here = tuple(sorted(moved))
            aged = tuple(0 if place in here else age + 1 for place, age in enumerate(ages))
            if self._in_time((here, aged), worst_s):
                found.add((here, aged))
        return sorted(found)

    def _in_time(self, state: State, worst_s: int) -> bool:
        """Whether each place by itself can still be seen before it has gone unseen for too long."""
        at, ages = state
        return all(age + min(self._away_s[place][one] for one in at) <= worst_s for place, age in enumerate(ages))


def below(bound_s: float) -> int:
    """The most whole seconds that a bound rules out."""
    return math.ceil(bound_s * (1.0 - 1e-9)) - 1


@st.composite
def small_graphs(draw: st.DrawFn) -> PatrolGraph:
    """A connected graph of 2 to 4 places with ways of 1 to 3 m, 9 m of them at most."""
    count = draw(st.integers(2, 4))
    edges = {(draw(st.integers(0, vertex - 1)), vertex): float(draw(st.integers(1, 2))) for vertex in range(1, count)}
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] < pair[1])
    for pair in draw(st.lists(pairs, max_size=2)):
        edges.setdefault(pair, float(draw(st.integers(1, 3))))
    return graph_of(edges, "small")


def test_what_is_known_is_found_by_going_through_everything() -> None:
    for graph, robots, best_s in (
        (ring(5), 1, 5),
        (star(3), 1, 6),
        (star(3), 2, 3),
        (path(4), 2, 2),
        (path(3, 2.0), 1, 8),
        (path(2), 2, 0),
    ):
        everything = Everything(graph, robots)
        assert everything.can_keep(best_s)
        assert best_s == 0 or not everything.can_keep(best_s - 1)


@settings(max_examples=12, deadline=None)
@given(graph=small_graphs(), robots=st.integers(1, 2), data=st.data())
def test_no_bound_lies_above_the_true_optimum(graph: PatrolGraph, robots: int, data: st.DataObject) -> None:
    starts = data.draw(st.none() | st.lists(st.integers(0, graph.count - 1), min_size=robots, max_size=robots).map(tuple))
    found = TeamPlanner(graph, robots, starts=starts).first(soon())
    everything = Everything(graph, robots)
    assert found.bound.bound_s <= 0.0 or not everything.can_keep(below(found.bound.bound_s))
    if starts is not None and found.start_bound_s > 0.0:
        assert not everything.can_keep(below(found.start_bound_s), starts)
