# SPDX-License-Identifier: Apache-2.0
"""Walks a round in another order, no longer than before, so that places it passes more than once are passed more evenly.

A shortest tour of a graph passes junctions several times. Between two passes of the same place the round can be walked the other
way, and two stretches that begin at one place and end at one place can change places; the edges and so the length stay the same
(all Eulerian walks of a graph are joined by such moves: Abrham and Kotzig, 1980). With K robots equally spaced the passes of a
place, taken modulo the spacing, cut the spacing into gaps; the mean idleness is the sum of their squares ÷ (2 · spacing), which
is least when they are even. No place goes unseen for longer than before: that is the spacing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from mission.planning.deadline import Deadline
from mission.planning.graph import Ints, PatrolGraph, walk_offsets_m
from patrol.checks import Floats

_BETTER = 1.0 - 1e-9


def evened(graph: PatrolGraph, walk: tuple[int, ...], robots: int, deadline: Deadline) -> tuple[int, ...]:
    """The closed ``walk`` after the moves that lower the mean idleness most, until none does or the deadline passes."""
    search = _Search(graph, walk, robots)
    while not deadline.passed and search.descend(deadline):
        pass
    return search.walk


def mean_idle_m(places: Ints, offsets_m: Floats, robots: int) -> float:
    """Mean over the places of a closed walk of the idleness at unit speed, when ``robots`` walk it equally spaced. ``places``
    (n,) are passed at ``offsets_m`` (n + 1,), the last of which is the length."""
    spacing_m = float(offsets_m[-1]) / robots
    if spacing_m == 0.0:
        return 0.0
    phases = offsets_m[:-1] % spacing_m
    order = np.lexsort((phases, places))
    places, phases = places[order], phases[order]
    first = np.flatnonzero(np.append(True, places[1:] != places[:-1]))
    last = np.append(first[1:], places.size) - 1
    gaps = np.diff(phases, append=0.0)
    gaps[last] = phases[first] + spacing_m - phases[last]
    return float((gaps**2).sum()) / (2.0 * spacing_m * first.size)


class _Search:
    """Steepest descent over walks of the same edges."""

    def __init__(self, graph: PatrolGraph, walk: tuple[int, ...], robots: int) -> None:
        self.walk, self._robots = walk, robots
        steps = np.diff(walk_offsets_m(graph, walk))
        self._length_m = dict(zip(zip(walk, (*walk[1:], walk[0]), strict=True), steps.tolist(), strict=True))
        self._length_m |= {(there, here): length for (here, there), length in self._length_m.items()}
        self._cost_m = self._cost(walk)

    def descend(self, deadline: Deadline) -> bool:
        """Make the best move; whether one lowered the cost."""
        best, best_m = self.walk, self._cost_m * _BETTER
        for trial in self._moves():
            if deadline.passed:
                break
            cost_m = self._cost(trial)
            if cost_m < best_m:
                best, best_m = trial, cost_m
        improved = best is not self.walk
        if improved:
            self.walk, self._cost_m = best, best_m
        return improved

    def _moves(self) -> Iterator[tuple[int, ...]]:
        walk = self.walk
        passes: dict[int, list[int]] = {}
        for index, place in enumerate(walk):
            passes.setdefault(place, []).append(index)
        again = [found for found in passes.values() if len(found) > 1]
        for found in again:
            for low, high in combinations(found, 2):
                yield (*walk[:low], *walk[low : high + 1][::-1], *walk[high + 1 :])
            for low, middle, high in combinations(found, 3):
                yield (*walk[:low], *walk[middle:high], *walk[low:middle], *walk[high:])
        for found, other in combinations(again, 2):
            yield from self._stretches(found, other)

    def _stretches(self, found: list[int], other: list[int]) -> Iterator[tuple[int, ...]]:
        """Two stretches from a pass of one place to a pass of another change places."""
        walk = self.walk
        spans = [(low, high) for low in found for high in other if low < high]
        for (low, high), (later, end) in combinations(sorted(spans), 2):
            if high <= later:
                yield (*walk[:low], *walk[later:end], *walk[high:later], *walk[low:high], *walk[end:])

    def _cost(self, walk: tuple[int, ...]) -> float:
        steps = [self._length_m[pair] for pair in zip(walk, (*walk[1:], walk[0]), strict=True)]
        return mean_idle_m(np.array(walk, dtype=np.int64), np.concatenate(([0.0], np.cumsum(steps))), self._robots)
