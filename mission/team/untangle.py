# SPDX-License-Identifier: Apache-2.0
"""Lets robots past one another that must go in person: the fewest moves, one robot at a time, that bring each to its goal.

Everybody else is moved aside as needed, and since any of them may end up anywhere, they are not told apart. This is the pebble
motion of Kornhauser, Miller and Spirakis (1984) and the movable obstacles of Papadimitriou et al. (1994). The search is A*
(Hart, Nilsson and Raphael, 1968) over where everybody stands; the distance of the goals never overstates what is left. It is
complete: within the limit it finds a way, or proves that there is none.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mission.team.lanes import Lanes
from patrol.errors import PatrolError

_Position = tuple[tuple[int, ...], tuple[int, ...]]
"""Where those with a goal stand, in their order, and where the others do, sorted."""
STATES = 60_000


class NoWayPast(PatrolError):
    """Robots can not be let past one another; ``proven`` says whether that was shown or the search was given up."""

    def __init__(self, because: str, *, proven: bool) -> None:
        self.proven = proven
        super().__init__(because)


@dataclass(frozen=True, slots=True)
class Move:
    """Robot number ``robot`` goes from one vertex to a neighbour."""

    robot: int
    start: int
    end: int


def untangled(
    lanes: Lanes, at: Sequence[int], goals: Mapping[int, int], *, still: Collection[int] = (), most_states: int = STATES
) -> tuple[Move, ...]:
    """The moves that bring each robot of ``goals`` to its vertex when robot i stands at ``at[i]``; those of ``still`` stay, all
    others may end up anywhere. Raises NoWayPast when there are none, or when more than ``most_states`` positions would have to
    be looked at."""
    search = _Search(lanes, at, goals, still)
    steps = search.steps(most_states)
    return tuple(_named(steps, at, (*goals, *still)))


def depends(moves: Sequence[Move]) -> tuple[frozenset[int], ...]:
    """For each move the earlier ones that must be over before it begins: those of its robot and those that share a vertex with
    it. All others may go on at the same time."""
    return tuple(
        frozenset(
            index
            for index, other in enumerate(moves[:number])
            if other.robot == move.robot or {other.start, other.end} & {move.start, move.end}
        )
        for number, move in enumerate(moves)
    )


class _Search:
    """A* over positions."""

    def __init__(self, lanes: Lanes, at: Sequence[int], goals: Mapping[int, int], still: Collection[int]) -> None:
        self._lanes, self._ends = lanes, tuple(goals.values())
        self._still = [at[robot] for robot in still]
        others = sorted(vertex for robot, vertex in enumerate(at) if robot not in goals and robot not in still and vertex >= 0)
        self._begin: _Position = (tuple(at[robot] for robot in goals), tuple(others))
        self._hops = [_hops(lanes, end) for end in self._ends]

    def steps(self, most_states: int) -> list[tuple[_Position, _Position]]:
        """The positions passed through, as pairs."""
        order = itertools.count()
        before: dict[_Position, _Position | None] = {self._begin: None}
        cost = {self._begin: 0}
        waiting = [(self._left(self._begin), next(order), self._begin)]
        while waiting:
            reckoned, _, position = heapq.heappop(waiting)
            if position[0] == self._ends:
                return _trail(before, position)
            if reckoned > cost[position] + self._left(position):
                continue
            for following in self._following(position):
                if cost[position] + 1 < cost.get(following, 1 << 30):
                    cost[following], before[following] = cost[position] + 1, position
                    heapq.heappush(waiting, (cost[following] + self._left(following), next(order), following))
            if len(cost) > most_states:
                raise NoWayPast(f"no way past was found among {most_states} positions", proven=False)
        raise NoWayPast("there is no way past: nowhere is there room to step aside", proven=True)

    def _left(self, position: _Position) -> int:
        return sum(hops[vertex] for hops, vertex in zip(self._hops, position[0], strict=True))

    def _following(self, position: _Position) -> Iterator[_Position]:
        named, others = position
        taken = [*named, *others, *self._still]
        for index, here in enumerate(named):
            for there in self._free(here, taken):
                yield (*named[:index], there, *named[index + 1 :]), others
        for index, here in enumerate(others):
            if index and others[index - 1] == here:
                continue
            for there in self._free(here, taken):
                yield named, tuple(sorted((*others[:index], there, *others[index + 1 :])))

    def _free(self, here: int, taken: list[int]) -> Iterator[int]:
        return (there for there in self._lanes.near[here] if taken.count(there) < self._lanes.room[there])


def _hops(lanes: Lanes, end: int) -> list[int]:
    hops = [1 << 20] * len(lanes.near)
    hops[end], ring = 0, [end]
    while ring:
        further = []
        for here in ring:
            for there in lanes.near[here]:
                if hops[there] > hops[here] + 1:
                    hops[there] = hops[here] + 1
                    further.append(there)
        ring = further
    return hops


def _trail(before: dict[_Position, _Position | None], position: _Position) -> list[tuple[_Position, _Position]]:
    trail = []
    previous = before[position]
    while previous is not None:
        trail.append((previous, position))
        position, previous = previous, before[previous]
    return trail[::-1]


def _named(steps: list[tuple[_Position, _Position]], at: Sequence[int], named: tuple[int, ...]) -> Iterator[Move]:
    """Who moves in each step; of others that stand together, the first."""
    stands = {robot: vertex for robot, vertex in enumerate(at) if robot not in named and vertex >= 0}
    for (before, others_before), (after, others_after) in steps:
        moved = [index for index, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
        if moved:
            yield Move(named[moved[0]], before[moved[0]], after[moved[0]])
            continue
        left, came = list(others_before), list(others_after)
        for vertex in others_after:
            if vertex in left:
                left.remove(vertex)
                came.remove(vertex)
        robot = next(robot for robot, vertex in stands.items() if vertex == left[0])
        stands[robot] = came[0]
        yield Move(robot, left[0], came[0])
