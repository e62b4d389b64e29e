# SPDX-License-Identifier: Apache-2.0
"""A round with drawn detours: unpredictable, and yet no place goes unseen for longer than a bound that the steps themselves hold.

The patrol follows a closed round. At each stop it may draw one detour to a place nearby and back; which, where and how often
are chances for the optimiser. Every circle of steps is a lap of the round, so the worst idleness is finite whatever is drawn,
and the capture probability holds at every moment.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from mission.games.game import PatrolGame
from mission.games.idleness import worst_gap_ticks
from mission.games.states import StateGraph, Walk
from patrol.errors import BadValue


@dataclass(slots=True)
class _Draft:
    """States and steps as they are found."""

    number: dict[tuple[int, ...], int] = field(default_factory=dict)
    place: list[int] = field(default_factory=list)
    steps: list[tuple[int, int, int]] = field(default_factory=list)

    def state(self, key: tuple[int, ...], place: int) -> int:
        if key not in self.number:
            self.number[key] = len(self.place)
            self.place.append(place)
        return self.number[key]

    def graph(self) -> StateGraph:
        steps = np.array(sorted(self.steps), dtype=np.int64)
        return StateGraph(
            place=np.array(self.place, dtype=np.int64),
            tails=steps[:, 0],
            heads=steps[:, 1],
            travel=steps[:, 2],
            labels=tuple(((place,), index) for index, place in enumerate(self.place)),
        )


def detour_graph(game: PatrolGame, round_places: tuple[int, ...], *, longest_ticks: int, choices: int = 6) -> StateGraph:
    """The states of a patrol on the round that may make one detour at each stop, of ``longest_ticks`` at most, to one of
    ``choices`` places: those that the round itself would come to last. Raises BadValue when the round leaves the moves."""
    ticks = {(move.start, move.end): move.ticks for move in game.moves}
    draft = _Draft()
    ways = {place: _detours(game, ticks, place, longest_ticks) for place in set(round_places)}
    for stop, place in enumerate(round_places):
        turned = [*round_places[stop + 1 :], *round_places[: stop + 1]]
        latest = sorted(ways[place], key=lambda way: -turned.index(_end(way)) if _end(way) in turned else 1)
        detours = latest[:choices]
        after = (stop + 1) % len(round_places)
        onward = round_places[after]
        if (place, onward) not in ticks:
            raise BadValue(f"round_places: no move leads from {place} to {onward}")
        for been in (False, True) if detours else (False,):
            draft.steps.append((draft.state((stop, been), place), draft.state((after, False), onward), ticks[place, onward]))
        for index, way in enumerate(detours):
            _add_detour(draft, ticks, (stop, index), way)
    return draft.graph()


def bounded_detours(game: PatrolGame, round_places: tuple[int, ...], worst_ticks: int) -> StateGraph:
    """The graph with the longest detours that keep every gap within ``worst_ticks``, whatever is drawn; without detours when
    even the shortest would break the bound."""
    lengths = sorted({length for place in set(round_places) for length in _lengths(game, place, worst_ticks)})

    def exceeds(longest: int) -> int:
        graph = detour_graph(game, round_places, longest_ticks=longest)
        even = 1.0 / np.bincount(graph.tails)[graph.tails]
        return int(worst_gap_ticks(game, Walk(graph=graph, chance=even)) > worst_ticks)

    kept = bisect_left(lengths, 1, key=exceeds)
    return detour_graph(game, round_places, longest_ticks=lengths[kept - 1] if kept else 0)


def _end(way: tuple[int, ...]) -> int:
    """Where a way out and back turns."""
    return way[len(way) // 2]


def _lengths(game: PatrolGame, place: int, longest: int) -> list[int]:
    """Ticks of the detours from one place."""
    ticks = {(move.start, move.end): move.ticks for move in game.moves}
    ways = _detours(game, ticks, place, longest)
    return [sum(ticks[leg] + game.dwell_ticks[leg[0]] for leg in pairwise(way)) for way in ways]


def _add_detour(draft: _Draft, ticks: dict[tuple[int, int], int], of: tuple[int, int], way: tuple[int, ...]) -> None:
    stop, index = of
    tail = draft.state((stop, False), way[0])
    for leg, (here, there) in enumerate(pairwise(way)):
        head = draft.state((stop, True), there) if leg == len(way) - 2 else draft.state((stop, index, leg), there)
        draft.steps.append((tail, head, ticks[here, there]))
        tail = head


def _detours(game: PatrolGame, ticks: dict[tuple[int, int], int], place: int, longest: int) -> list[tuple[int, ...]]:
    """Ways past another target and back by the same moves, the shortest first."""
    aims = {target.place for target in game.targets} - {place}
    found: list[tuple[int, tuple[int, ...]]] = []
    reached = {place}
    waiting: list[tuple[int, tuple[int, ...]]] = [(0, (place,))]
    while waiting:
        waiting.sort()
        cost, way = waiting.pop(0)
        for (start, end), lasts in ticks.items():
            if start != way[-1] or end in reached or (end, start) not in ticks:
                continue
            there_and_back = cost + lasts + ticks[end, start] + game.dwell_ticks[start] + game.dwell_ticks[end]
            if there_and_back <= longest:
                reached.add(end)
                out = (*way, end)
                if aims & set(out[1:]):
                    found.append((there_and_back, (*out, *out[-2::-1])))
                waiting.append((there_and_back, out))
    return [way for _, way in sorted(found)]
