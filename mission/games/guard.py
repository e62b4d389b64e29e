# SPDX-License-Identifier: Apache-2.0
"""The guard on a drawn patrol: it lets the draw decide only while every place could still be seen in time by sweeping at once.

A sweep goes from where the patrol stands to the nearest place of a closed round and follows the round until every target has
been seen. After any move that the guard allows, a sweep from its end meets every deadline; so no gap exceeds the limit, ever.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mission.games.game import PatrolGame
from patrol.errors import BadValue

Ticks = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """``sweeps[p]``: places that a sweep from place p visits in turn. ``reach`` (P, T): ticks from arriving at a place to a
    sweep's first arrival at each target. ``limit_ticks``: the gap that is never exceeded."""

    game: PatrolGame
    limit_ticks: int
    sweeps: tuple[tuple[int, ...], ...]
    reach: Ticks

    def allows(self, since: tuple[int, ...], end: int, arrival: int) -> bool:
        """Whether a patrol may arrive at ``end`` at the tick ``arrival``, the targets having been seen last at ``since``."""
        ages = arrival - np.array(since)
        return bool((ages + self.reach[end] <= self.limit_ticks).all())

    def sleeps_up_to(self) -> Ticks:
        """Ages (T,) of the targets in ticks up to which the guard lets every move pass."""
        dwell = np.array(self.game.dwell_ticks)
        worst = np.zeros(len(self.game.targets), dtype=np.int64)
        for move in self.game.moves:
            ticks = dwell[move.start] + move.ticks
            worst = np.maximum(worst, ticks + self.reach[move.end])
        return self.limit_ticks - worst


def least_limit(game: PatrolGame, round_places: tuple[int, ...]) -> int:
    """The tightest limit in ticks that a guard which sweeps along a closed round can keep with room for a draw."""
    sweeps = _sweeps(game, round_places)
    reach = _reach(game, sweeps)
    ticks = _ticks(game)
    lasts = max(sum(ticks[leg] for leg in pairwise((start, *sweep))) for start, sweep in enumerate(sweeps))
    steps = max(game.dwell_ticks[move.start] + move.ticks for move in game.moves)
    return int(lasts + steps + reach.max())


def make_guard(game: PatrolGame, round_places: tuple[int, ...], limit_ticks: int) -> Guard:
    """A guard that keeps every gap within ``limit_ticks``. ``round_places``: a closed round along moves of the game through
    every target, its first place not repeated. Raises BadValue when the round leaves the moves or misses a target, or the
    limit is too tight."""
    sweeps = _sweeps(game, round_places)
    least = least_limit(game, round_places)
    if limit_ticks < least:
        raise BadValue(f"limit_ticks: {limit_ticks} is too tight, a sweep of this round keeps {least} at best")
    return Guard(game=game, limit_ticks=limit_ticks, sweeps=sweeps, reach=_reach(game, sweeps))


def _ticks(game: PatrolGame) -> dict[tuple[int, int], int]:
    """Ticks from arriving at the start of each move to arriving at its end."""
    return {(move.start, move.end): game.dwell_ticks[move.start] + move.ticks for move in game.moves}


def _sweeps(game: PatrolGame, round_places: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    ticks = _ticks(game)
    for here, there in zip(round_places, (*round_places[1:], round_places[0]), strict=True):
        if (here, there) not in ticks and len(round_places) > 1:
            raise BadValue(f"round_places: no move leads from {here} to {there}")
    missed = {target.place for target in game.targets} - set(round_places)
    if missed:
        raise BadValue(f"round_places: the round never visits target {min(missed)}")
    return tuple(_sweep(game, ticks, (place, round_places)) for place in range(game.places))


def _sweep(game: PatrolGame, ticks: dict[tuple[int, int], int], of: tuple[int, tuple[int, ...]]) -> tuple[int, ...]:
    """The shortest way onto the round, then along it to the last target not yet seen."""
    place, round_places = of
    path = _way_to(game, ticks, (place, set(round_places)))
    entry = round_places.index(path[-1])
    unseen = {target.place for target in game.targets} - set(path)
    for step in range(1, len(round_places) + 1):
        if not unseen:
            break
        there = round_places[(entry + step) % len(round_places)]
        path.append(there)
        unseen.discard(there)
    return tuple(path[1:])


def _way_to(game: PatrolGame, ticks: dict[tuple[int, int], int], of: tuple[int, set[int]]) -> list[int]:
    start, goals = of
    waiting: list[tuple[int, list[int]]] = [(0, [start])]
    settled: set[int] = set()
    while waiting:
        cost, path = heapq.heappop(waiting)
        if path[-1] in goals:
            return path
        if path[-1] in settled:
            continue
        settled.add(path[-1])
        for move in game.moves:
            if move.start == path[-1] and move.end not in settled:
                heapq.heappush(waiting, (cost + ticks[move.start, move.end], [*path, move.end]))
    raise BadValue(f"round_places: can not be reached from place {start}")


def _reach(game: PatrolGame, sweeps: tuple[tuple[int, ...], ...]) -> Ticks:
    ticks = _ticks(game)
    reach = np.zeros((game.places, len(game.targets)), dtype=np.int64)
    for start, sweep in enumerate(sweeps):
        first = {start: 0}
        now, here = 0, start
        for there in sweep:
            now += ticks[here, there]
            first.setdefault(there, now)
            here = there
        reach[start] = [first[target.place] for target in game.targets]
    return reach
