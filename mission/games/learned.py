# SPDX-License-Identifier: Apache-2.0
"""An observer who does not know the strategy but has watched many laps: a check on what a patrol claims.

He counts what followed each run of places, falls back to shorter runs where he has seen too little, foretells the next place,
and attacks where and when, by his notes, attacks are caught least. Against a strategy with a proven capture probability he can do
no better than that; against a round he foretells every step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mission.games.draw import SecretDraw
from mission.games.game import PatrolGame
from mission.games.play import DrawnPatrol
from mission.games.states import Walk, stationary
from patrol.errors import BadValue

Context = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A stretch of a patrol: the ``places`` in order and the tick of each arrival."""

    places: tuple[int, ...]
    arrivals: tuple[int, ...]


def watch(patrol: DrawnPatrol, start: int, *, visits: int, seed: bytes) -> Watched:
    """Play a patrol for so many visits."""
    draw, now = SecretDraw(seed), patrol.begin(start)
    places, arrivals = [now.place], [now.now]
    for _ in range(visits):
        now = patrol.next_node(now, draw).after
        places.append(now.place)
        arrivals.append(now.now)
    return Watched(places=tuple(places), arrivals=tuple(arrivals))


class LearnedObserver:
    """Has watched one stretch; looks back over ``order`` places at most, and trusts what it saw ``trust`` times or more."""

    def __init__(self, game: PatrolGame, watched: Watched, *, order: int = 4, trust: int = 30) -> None:
        if order < 1 or trust < 1:
            raise BadValue(f"order, trust: must be at least 1 (got {order}, {trust})")
        self._game, self._order, self._trust = game, order, trust
        self._followed: dict[Context, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self._caught: dict[Context, list[int]] = {}
        self._tried: dict[Context, int] = defaultdict(int)
        outcome = _caught_each(game, watched)
        for index in range(1, len(outcome)):
            for length in range(1, min(order, index) + 1):
                self._followed[watched.places[index - length : index]][watched.places[index]] += 1
                seen = watched.places[index - length : index + 1]
                self._tried[seen] += 1
                tally = self._caught.setdefault(seen, [0] * len(game.targets))
                for target, caught in enumerate(outcome[index - 1]):
                    tally[target] += caught

    def foretell(self, past: Sequence[int]) -> int | None:
        """The place that came most often after the longest end of ``past`` that was seen often enough; None: no idea."""
        for length in range(min(self._order, len(past)), 0, -1):
            counts = self._followed.get(tuple(past[-length:]))
            if counts is not None and (sum(counts.values()) >= self._trust or length == 1):
                return max(sorted(counts), key=lambda place: counts[place])
        return None

    def accuracy(self, watched: Watched) -> float:
        """The share of places of another stretch that were foretold."""
        told = [
            self.foretell(watched.places[max(0, index - self._order) : index]) == watched.places[index]
            for index in range(1, len(watched.places))
        ]
        return float(np.mean(told))

    def plan_attack(self) -> tuple[Context, int]:
        """What to wait for (places, the last one being that which the patrol is setting off to) and the target to attack then."""
        often = [seen for seen, tried in self._tried.items() if tried >= self._trust]
        if not often:
            raise BadValue("watched: nothing was seen often enough to plan an attack")
        rated = [(self._caught[seen][t] / self._tried[seen], seen, t) for seen in often for t in range(len(self._game.targets))]
        _, seen, target = min(rated)
        return seen, target

    def attack(self, watched: Watched) -> tuple[int, int]:
        """Carry the plan out at every chance in another stretch; returns attacks, and how many of them were caught."""
        seen, target = self.plan_attack()
        outcome = _caught_each(self._game, watched)
        chances = [
            index for index in range(len(seen) - 1, len(outcome)) if watched.places[index - len(seen) + 1 : index + 1] == seen
        ]
        return len(chances), sum(outcome[index - 1][target] for index in chances)


def best_accuracy(walk: Walk) -> float:
    """No observer foretells a greater share of places in the long run: not even one who sees the patrol's memory."""
    graph, share = walk.graph, stationary(walk)
    onto: dict[tuple[int, int], float] = defaultdict(float)
    for tail, head, chance in zip(graph.tails.tolist(), graph.heads.tolist(), walk.chance.tolist(), strict=True):
        onto[tail, int(graph.place[head])] += chance
    likeliest = np.zeros(graph.states)
    for (tail, _), chance in onto.items():
        likeliest[tail] = max(likeliest[tail], chance)
    return float(share @ likeliest)


def _caught_each(game: PatrolGame, watched: Watched) -> list[tuple[int, ...]]:
    """For the setting off from each visit, whether an attack begun then on each target was caught; up to where it is known."""
    places, arrivals = np.array(watched.places), np.array(watched.arrivals)
    leaves = arrivals + np.array(game.dwell_ticks)[places]
    known = int(np.searchsorted(leaves, arrivals[-1] - game.horizon, side="right"))
    caught = np.zeros((known, len(game.targets)), dtype=np.int64)
    for column, target in enumerate(game.targets):
        visits = np.append(arrivals[places == target.place], np.iinfo(np.int64).max)
        following = visits[np.searchsorted(visits, leaves[:known], side="right")]
        caught[:, column] = following - leaves[:known] <= target.attack_ticks
    return [tuple(row) for row in caught.tolist()]
