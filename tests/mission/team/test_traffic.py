# SPDX-License-Identifier: Apache-2.0
"""Making way, held by going through every order of events on every small graph."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator

import pytest

from mission.planning.exact_tour import heuristic_tour
from mission.planning.graph import Closure, PatrolGraph
from mission.team.lanes import Lanes
from mission.team.traffic import AWAY, IN_PERSON, STANDING, Traffic, ring
from mission.team.untangle import Move, NoWayPast, depends, untangled
from patrol.errors import BadValue
from tests.mission.planning.graphs import graph_of, path, soon, star
from tests.mission.planning.graphs import ring as circle
from tests.mission.team.teams import all_ways


def connected_graphs(count: int) -> Iterator[PatrolGraph]:
    """One of each shape: every connected graph of ``count`` vertices up to the names of its vertices."""
    pairs = list(itertools.combinations(range(count), 2))
    seen: set[frozenset[tuple[int, int]]] = set()
    for chosen in itertools.chain.from_iterable(itertools.combinations(pairs, size) for size in range(count - 1, len(pairs) + 1)):
        if frozenset(chosen) in seen:
            continue
        for names in itertools.permutations(range(count)):
            seen.add(frozenset((min(names[a], names[b]), max(names[a], names[b])) for a, b in chosen))
        if {vertex for pair in chosen for vertex in pair} == set(range(count)):
            graph = graph_of(dict.fromkeys(chosen, 1.0))
            if graph.parts().max() == 0:
                yield graph


def tight(graph: PatrolGraph, room: int = 1) -> Lanes:
    return Lanes.of(graph, all_ways(graph), room=dict.fromkeys(range(graph.count), room), cell_m=1.0)


State = tuple[Traffic, tuple[int, ...]]
"""The traffic, and how far along the common walk each robot's round is."""


class Book:
    """Robots that walk one closed walk for ever under the protocol; every event that can happen next, in any order."""

    def __init__(self, lanes: Lanes, walk: tuple[int, ...]) -> None:
        self.lanes, self.walk = lanes, walk

    def begin(self, phases: tuple[int, ...]) -> State:
        return Traffic.standing(self.lanes, [self.walk[phase] for phase in phases]), phases

    def want(self, state: State, robot: int) -> int:
        return self.walk[(state[1][robot] + 1) % len(self.walk)]

    def following(self, state: State) -> Iterator[tuple[frozenset[int], State]]:
        """The robots whose rounds advance, and the state after; an exchange is made before anybody else goes."""
        traffic, phases = state
        robots = range(len(phases))
        wants = [
            self.want(state, robot)
            if traffic.going[robot] == STANDING and not traffic.may_go(self.lanes, robot, self.want(state, robot))
            else STANDING
            for robot in robots
        ]
        found = ring(traffic, wants, [0] * len(phases))
        if found is not None:
            handed = list(phases)
            for place, robot in enumerate(found):
                handed[robot] = (phases[found[place - 1]] + 1) % len(self.walk)
            yield frozenset(found), (traffic, tuple(handed))
            return
        for robot in robots:
            if traffic.going[robot] != STANDING:
                after = (phases[robot] + 1) % len(self.walk)
                yield frozenset((robot,)), (traffic.arrived(robot), (*phases[:robot], after, *phases[robot + 1 :]))
            elif wants[robot] == STANDING:
                yield frozenset(), (traffic.gone(robot, self.want(state, robot)), phases)


def explore(book: Book, robots: int) -> int:
    """Go through all states that can be reached from every placing; how many there were."""
    phases = itertools.product(range(len(book.walk)), repeat=robots)
    begun = []
    for chosen in phases:
        places = [book.walk[phase] for phase in chosen]
        if all(places.count(place) <= book.lanes.room[place] for place in places):
            begun.append(book.begin(chosen))
    waiting, seen = deque(begun), set(begun)
    while waiting:
        state = waiting.popleft()
        check_safe(book.lanes, state[0])
        events = list(book.following(state))
        assert events, f"nobody can go on: {state}"
        for advanced, after in events:
            if after not in seen:
                seen.add(after)
                waiting.append(after)
            if not advanced:
                assert sum(going != STANDING for going in after[0].going) > sum(going != STANDING for going in state[0].going)
    return len(seen)


def check_safe(lanes: Lanes, traffic: Traffic) -> None:
    """Never more robots than there is room for, never two on a narrow way."""
    for vertex, room in enumerate(lanes.room):
        assert len(traffic.holders(vertex)) <= room
    ways = [tuple(sorted(way)) for way in zip(traffic.at, traffic.going, strict=True) if way[1] != STANDING]
    assert len(set(ways)) == len(ways)


@pytest.mark.parametrize(("count", "robots", "room"), [(2, 2, 1), (3, 2, 1), (3, 3, 1), (3, 4, 2), (4, 2, 1), (4, 4, 1)])
def test_in_every_order_of_events_on_every_graph_all_go_on_and_nobody_meets(count: int, robots: int, room: int) -> None:
    """An event without progress is a departure, which adds to those under way; so progress comes after as many at the latest."""
    reached = 0
    for graph in connected_graphs(count):
        walk = heuristic_tour(graph, Closure.of(graph), soon()).walk
        if robots <= room * count:
            reached += explore(Book(tight(graph, room), walk), robots)
    assert reached >= 2


def test_every_round_can_always_advance_again() -> None:
    """No round is ever cut off: from each state of three robots on a full path and on a star, each robot's can go on."""
    for graph in (path(3), star(3)):
        walk = heuristic_tour(graph, Closure.of(graph), soon()).walk
        book = Book(tight(graph), walk)
        start = book.begin(tuple(walk.index(place) for place in range(3)))
        seen, waiting = {start}, deque([start])
        before: dict[State, list[State]] = {}
        advances: dict[int, set[State]] = {robot: set() for robot in range(3)}
        while waiting:
            state = waiting.popleft()
            for advanced, after in book.following(state):
                before.setdefault(after, []).append(state)
                for robot in advanced:
                    advances[robot].add(state)
                if after not in seen:
                    seen.add(after)
                    waiting.append(after)
        for robot in range(3):
            can, back = set(advances[robot]), deque(advances[robot])
            while back:
                for state in before.get(back.popleft(), ()):
                    if state not in can:
                        can.add(state)
                        back.append(state)
            assert can == seen


def test_a_ring_needs_robots_that_are_alike_and_wait() -> None:
    lanes = tight(circle(3))
    traffic = Traffic.standing(lanes, (0, 1, 2))
    assert ring(traffic, (1, 2, 0), (0, 0, 0)) == (0, 1, 2)
    assert ring(traffic, (1, 0, STANDING), (0, 0, 0)) == (0, 1)
    assert ring(traffic, (1, 2, 0), (0, 1, 0)) is None
    assert ring(traffic, (1, 2, 0), (IN_PERSON,) * 3) is None
    assert ring(traffic, (1, 2, STANDING), (0, 0, 0)) is None


def test_who_is_away_is_in_nobodys_way() -> None:
    lanes = tight(path(2))
    traffic = Traffic.standing(lanes, (0, AWAY, AWAY))
    assert traffic.may_go(lanes, 0, 1)
    assert not traffic.put_down(1, 1).may_go(lanes, 0, 1)
    assert traffic.holders(1) == ()
    with pytest.raises(BadValue, match="no room"):
        Traffic.standing(lanes, (0, 0))


def brute_force(lanes: Lanes, start: tuple[int, ...], goals: dict[int, int]) -> int | None:
    """The fewest moves by breadth over all placings, robots told apart; None when there are none."""
    far, waiting = {start: 0}, deque([start])
    while waiting:
        at = waiting.popleft()
        if all(at[robot] == goal for robot, goal in goals.items()):
            return far[at]
        for robot, here in enumerate(at):
            for there in lanes.near[here]:
                after = (*at[:robot], there, *at[robot + 1 :])
                if at.count(there) < lanes.room[there] and after not in far:
                    far[after] = far[at] + 1
                    waiting.append(after)
    return None


@pytest.mark.parametrize("robots", [2, 3])
def test_robots_are_let_past_in_the_fewest_moves_or_it_is_proven_that_they_can_not(robots: int) -> None:
    """On every graph of four vertices, from every placing, two robots with goals and another without."""
    solved = refused = 0
    for graph in connected_graphs(4):
        lanes = tight(graph)
        for start in itertools.permutations(range(4), robots):
            for ends in itertools.permutations(range(4), 2):
                goals = dict(enumerate(ends))
                fewest = brute_force(lanes, start, goals)
                if fewest is None:
                    with pytest.raises(NoWayPast) as caught:
                        untangled(lanes, start, goals)
                    assert caught.value.proven
                    refused += 1
                else:
                    moves = untangled(lanes, start, goals)
                    assert len(moves) == fewest
                    assert carried_out(lanes, start, moves)[:2] == ends
                    solved += 1
    assert solved > 100
    assert refused > 20


def carried_out(lanes: Lanes, start: tuple[int, ...], moves: tuple[Move, ...]) -> tuple[int, ...]:
    """Where all stand when the moves were made in the latest order that their dependences allow."""
    traffic, done, needed = Traffic.standing(lanes, start), set[int](), depends(moves)
    while len(done) < len(moves):
        number = max(number for number in range(len(moves)) if number not in done and needed[number] <= done)
        move = moves[number]
        assert traffic.at[move.robot] == move.start
        assert traffic.may_go(lanes, move.robot, move.end)
        traffic = traffic.gone(move.robot, move.end).arrived(move.robot)
        done.add(number)
    return traffic.at


def test_a_search_that_is_given_up_says_so_and_who_stays_is_not_moved() -> None:
    lanes = tight(star(4))
    with pytest.raises(NoWayPast) as given_up:
        untangled(lanes, (1, 0, 2), {0: 2, 2: 1}, most_states=3)
    assert not given_up.value.proven
    assert all(move.robot != 1 for move in untangled(lanes, (1, 3, 2), {0: 2, 2: 1}, still=(1,)))
    with pytest.raises(NoWayPast) as shut:
        untangled(lanes, (1, 0, 2), {0: 2, 2: 1}, still=(1,))
    assert shut.value.proven


def test_narrow_ways_become_cells_of_one_robot() -> None:
    graph = graph_of({(0, 1): 5.0, (1, 2): 7.0})
    lanes = Lanes.of(graph, [(1, 0)], cell_m=2.0)
    assert (lanes.places, lanes.graph.count, len(lanes.narrow)) == (3, 5, 3)
    assert lanes.length_m(0, 1) == pytest.approx(5.0)
    assert (lanes.room[0], lanes.room[3], lanes.room[4]) == (1, 1, 1)
    assert lanes.room[1] > 3, "a wide way leads to it, so robots can stand aside there"
    assert lanes.towards(lanes.towards(lanes.towards(0, 1), 1), 1) == 1
    with pytest.raises(BadValue, match="no way from 0 to 2"):
        Lanes.of(graph, [(0, 2)])
    with pytest.raises(BadValue, match=r"cell_m: 0\.001 m cuts the narrow ways into 7000 cells, more than 6000"):
        Lanes.of(graph, [(1, 2)], cell_m=0.001)
    with pytest.raises(BadValue, match="one robot at least"):
        Lanes.of(graph, [], room={0: 0})
