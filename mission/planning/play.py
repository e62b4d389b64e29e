# SPDX-License-Identifier: Apache-2.0
"""Plays a reactive strategy on a graph, event by event: robots walk from vertex to vertex and share their visits, at once or as
far as they hear one another."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mission.planning.graph import PatrolGraph
from mission.planning.metrics import Stream, VisitLog, merged_log
from mission.planning.reactive import Outlook, Strategy
from patrol.checks import Floats, require_positive
from patrol.errors import BadValue

_SAME_S = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbed:
    """Every ``every_s`` robots tell all that they know; ``heard(k)`` says who hears whom, (listener, speaker). ``held_up_s``
    makes of the time that a step should take the time that it takes."""

    every_s: float
    heard: Callable[[int], npt.NDArray[np.bool_]]
    held_up_s: Callable[[float], float]


class _Game:
    """Where the robots are bound for and what each knows of visits; without disturbance all know the same."""

    def __init__(
        self, graph: PatrolGraph, strategy: Strategy, starts: tuple[int, ...], speed_mps: float, disturbed: Disturbed | None
    ) -> None:
        weights = graph.weights().tocsr()
        self._strategy = strategy
        self._near = [np.array(vertices, dtype=np.int64) for vertices in graph.neighbours()]
        self._travel_s: list[Floats] = [
            np.array([weights[vertex, other] for other in others]) / speed_mps for vertex, others in enumerate(self._near)
        ]
        self._disturbed, self._talks_s = disturbed, 0.0
        self._last_visit_s = np.zeros((len(starts) if disturbed is not None else 1, graph.count))
        self._knows_goal = np.ones((len(starts), len(starts)), dtype=np.bool_)
        self._bound_for = np.array(starts, dtype=np.int64)
        self._arrival_s = np.zeros(len(starts))
        self.waiting = [(0.0, robot) for robot in range(len(starts))]
        self.where: list[int] = []
        self.when: list[float] = []

    def step(self) -> None:
        """Everything that happens at the next moment: first all arrivals, then all decisions, in the order of robots."""
        now_s = self.waiting[0][0]
        self._talk(now_s)
        arrived = []
        while self.waiting and self.waiting[0][0] <= now_s + _SAME_S:
            arrived.append(heapq.heappop(self.waiting)[1])
        for robot in arrived:
            at = int(self._bound_for[robot])
            self._last_visit_s[robot % len(self._last_visit_s), at] = now_s
            self.where.append(at)
            self.when.append(now_s)
        for robot in arrived:
            self._decide(robot, now_s)

    def _talk(self, now_s: float) -> None:
        """All that was told until now, as far as it was heard."""
        while self._disturbed is not None and self._talks_s <= now_s:
            heard = self._disturbed.heard(self._bound_for.size)
            known = self._last_visit_s
            self._last_visit_s = np.array([known[row].max(axis=0) for row in heard])
            self._knows_goal |= heard
            self._talks_s += self._disturbed.every_s

    def _decide(self, robot: int, now_s: float) -> None:
        at = int(self._bound_for[robot])
        outlook = Outlook(
            now_s=now_s,
            robot=robot,
            at=at,
            robots=self._bound_for.size,
            near=self._near[at],
            travel_s=self._travel_s[at],
            last_visit_s=self._last_visit_s[robot % len(self._last_visit_s)],
            announced_at=self._bound_for[(self._arrival_s > now_s + _SAME_S) & self._knows_goal[robot]],
        )
        target = self._strategy(outlook)
        index = np.flatnonzero(self._near[at] == target)
        if index.size == 0:
            raise BadValue(f"strategy: {target} is no neighbour of {at}")
        self._bound_for[robot] = target
        travel_s = float(self._travel_s[at][index[0]])
        if self._disturbed is not None:
            travel_s = self._disturbed.held_up_s(travel_s)
            self._knows_goal[:, robot] = False
        self._arrival_s[robot] = now_s + travel_s
        heapq.heappush(self.waiting, (float(self._arrival_s[robot]), robot))


def play(
    graph: PatrolGraph,
    strategy: Strategy,
    starts: tuple[int, ...],
    *,
    horizon_s: float,
    speed_mps: float = 1.0,
    disturbed: Disturbed | None = None,
) -> VisitLog:
    """The visits from time 0, when robot i stands on vertex ``starts[i]``, to the first visit at or after ``horizon_s``, which
    ends the log. ``disturbed`` None: every visit and goal is known to all at once, and every step takes what it should. Raises
    BadValue for a start or a choice that is not on the graph."""
    require_positive("speed_mps", speed_mps)
    require_positive("horizon_s", horizon_s)
    if not starts or min(starts) < 0 or max(starts) >= graph.count:
        raise BadValue(f"starts: {starts!r} must name vertices from 0 to {graph.count - 1}")
    if not all(graph.neighbours()[start] for start in starts):
        raise BadValue(f"starts: from one of {starts!r} no way leads anywhere")
    game = _Game(graph, strategy, starts, speed_mps, disturbed)
    while not game.when or game.when[-1] < horizon_s:
        game.step()
    places, times_s = np.array(game.where, dtype=np.int64), np.array(game.when)
    return merged_log(float(times_s[-1]), graph.count, [Stream(places=places, came_s=times_s, left_s=times_s)])
