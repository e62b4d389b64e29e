# SPDX-License-Identifier: Apache-2.0
"""Plays a reactive strategy on a graph, event by event: robots walk from vertex to vertex and share every visit at once."""

from __future__ import annotations

import heapq

import numpy as np

from mission.planning.graph import PatrolGraph
from mission.planning.metrics import Stream, VisitLog, merged_log
from mission.planning.reactive import Outlook, Strategy
from patrol.checks import Floats, require_positive
from patrol.errors import BadValue

_SAME_S = 1e-9


class _Game:
    """Where the robots are bound for and what was visited."""

    def __init__(self, graph: PatrolGraph, strategy: Strategy, starts: tuple[int, ...], speed_mps: float) -> None:
        weights = graph.weights().tocsr()
        self._strategy = strategy
        self._near = [np.array(vertices, dtype=np.int64) for vertices in graph.neighbours()]
        self._travel_s: list[Floats] = [
            np.array([weights[vertex, other] for other in others]) / speed_mps for vertex, others in enumerate(self._near)
        ]
        self._last_visit_s = np.zeros(graph.count)
        self._bound_for = np.array(starts, dtype=np.int64)
        self._arrival_s = np.zeros(len(starts))
        self.waiting = [(0.0, robot) for robot in range(len(starts))]
        self.where: list[int] = []
        self.when: list[float] = []

    def step(self) -> None:
        """Everything that happens at the next moment: first all arrivals, then all decisions, in the order of robots."""
        now_s = self.waiting[0][0]
        arrived = []
        while self.waiting and self.waiting[0][0] <= now_s + _SAME_S:
            arrived.append(heapq.heappop(self.waiting)[1])
        for robot in arrived:
            at = int(self._bound_for[robot])
            self._last_visit_s[at] = now_s
            self.where.append(at)
            self.when.append(now_s)
        for robot in arrived:
            self._decide(robot, now_s)

    def _decide(self, robot: int, now_s: float) -> None:
        at = int(self._bound_for[robot])
        outlook = Outlook(
            now_s=now_s,
            robot=robot,
            at=at,
            robots=self._bound_for.size,
            near=self._near[at],
            travel_s=self._travel_s[at],
            last_visit_s=self._last_visit_s,
            announced_at=self._bound_for[self._arrival_s > now_s + _SAME_S],
        )
        target = self._strategy(outlook)
        index = np.flatnonzero(self._near[at] == target)
        if index.size == 0:
            raise BadValue(f"strategy: {target} is no neighbour of {at}")
        self._bound_for[robot] = target
        self._arrival_s[robot] = now_s + float(self._travel_s[at][index[0]])
        heapq.heappush(self.waiting, (float(self._arrival_s[robot]), robot))


def play(
    graph: PatrolGraph, strategy: Strategy, starts: tuple[int, ...], *, horizon_s: float, speed_mps: float = 1.0
) -> VisitLog:
    """The visits from time 0, when robot i stands on vertex ``starts[i]``, to the first visit at or after ``horizon_s``, which
    ends the log. Raises BadValue for a start or a choice that is not on the graph."""
    require_positive("speed_mps", speed_mps)
    require_positive("horizon_s", horizon_s)
    if not starts or min(starts) < 0 or max(starts) >= graph.count:
        raise BadValue(f"starts: {starts!r} must name vertices from 0 to {graph.count - 1}")
    if not all(graph.neighbours()[start] for start in starts):
        raise BadValue(f"starts: from one of {starts!r} no way leads anywhere")
    game = _Game(graph, strategy, starts, speed_mps)
    while not game.when or game.when[-1] < horizon_s:
        game.step()
    places, times_s = np.array(game.where, dtype=np.int64), np.array(game.when)
    return merged_log(float(times_s[-1]), graph.count, [Stream(places=places, came_s=times_s, left_s=times_s)])
