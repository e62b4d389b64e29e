# SPDX-License-Identifier: Apache-2.0
"""What no strategy can reach: a lower bound on the damage of the worst attack, whatever the patrol remembers.

Every target must be visited, or its whole weight is lost. Whoever watches the patrol there may attack anything; the patrol then
follows some path, and a mixture of paths catches each target at most as often as the best mixture does. That mixture is a
linear program over the sets of targets that paths within the attack times can visit.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from mission.games.game import Launch, Move, PatrolGame, Sight

_MOST_LABELS = 4000
Starts = tuple[tuple[int, int], ...]
"""Places, each with the ticks after the attack began when the patrol arrives; -1: it stands there as the attack begins."""


@lru_cache(maxsize=64)
def least_loss(game: PatrolGame) -> float:
    """No strategy's worst attack does less damage than this."""
    reach = _Reach(game)
    bounds = []
    entered = {move.end for move in game.moves}
    for target in game.targets:
        if target.place not in entered:
            bounds.append(target.weight)
            continue
        watched = (min(map(reach.least_loss, starts)) for starts in _observations(game, target.place))
        bounds.append(min(target.weight, max(watched)))
    return max(bounds)


def _observations(game: PatrolGame, place: int) -> list[list[Starts]]:
    """What must be seen again and again of a patrol that visits ``place``: of each list one or another observation, and
    each observation as the ways in which the patrol may go on."""
    if game.launch is Launch.ARRIVAL:
        return [[((place, -1),)]]
    leaves: Starts = tuple((move.end, move.ticks) for move in game.moves if move.start == place)
    if game.sight is Sight.PLACE:
        return [[leaves]]
    enters: list[Starts] = [((place, move.ticks),) for move in game.moves if move.end == place]
    exits: list[Starts] = [(leave,) for leave in leaves]
    return [exits, enters]


class _Reach:
    """The sets of targets (bit masks) that paths can visit in time."""

    def __init__(self, game: PatrolGame) -> None:
        self._game = game
        self._ways: dict[int, list[Move]] = {}
        for move in game.moves:
            self._ways.setdefault(move.start, []).append(move)
        self._target = {target.place: (index, target.attack_ticks) for index, target in enumerate(game.targets)}
        self._apart = _least_apart(game)
        self._known: dict[Starts, float] = {}

    def least_loss(self, starts: Starts) -> float:
        """The damage of the worst attack when the patrol goes on as one of ``starts`` as best it can."""
        if starts not in self._known:
            sets = self._sets(starts)
            self._known[starts] = self._counted(starts) if sets is None else self._solve(sets)
        return self._known[starts]

    def _counted(self, starts: Starts) -> float:
        """The damage when any targets may be visited in time, but no more than the ways between them leave time for."""
        first = min(max(after, 0) for _, after in starts)
        most = (self._game.horizon - first) // self._apart + (1 if starts[0][1] >= 0 else 0)
        weights = sorted((target.weight for target in self._game.targets), reverse=True)
        # With the loss L, a target of weight w needs the coverage 1 - L / w, and the coverage of all is at most ``most``.
        losses = [(count - most) / sum(1.0 / weight for weight in weights[:count]) for count in range(1, len(weights) + 1)]
        return max(0.0, *losses)

    def _sets(self, starts: Starts) -> list[int] | None:
        """Masks that no other contains; None when there are too many paths to follow."""
        layers: dict[int, dict[int, list[int]]] = {}
        for place, after in starts:
            self._add(layers, (place, max(after, 0)), self._visit(0, place, after) if after >= 0 else 0)
        ended: list[int] = []
        labels = 0
        for now in range(self._game.horizon + 1):
            for place, masks in layers.pop(now, {}).items():
                labels += len(masks)
                if labels > _MOST_LABELS:
                    return None
                ended.extend(masks)
                for move in self._ways[place]:
                    then = now + self._game.dwell_ticks[place] + move.ticks
                    for mask in masks if then <= self._game.horizon else ():
                        self._add(layers, (move.end, then), self._visit(mask, move.end, then))
        return _maximal(ended)

    def _visit(self, mask: int, place: int, now: int) -> int:
        index, attack = self._target.get(place, (0, -1))
        return mask | (1 << index) if now <= attack else mask

    @staticmethod
    def _add(layers: dict[int, dict[int, list[int]]], at: tuple[int, int], mask: int) -> None:
        place, now = at
        masks = layers.setdefault(now, {}).setdefault(place, [])
        if not any(mask | other == other for other in masks):
            masks[:] = [other for other in masks if mask | other != mask]
            masks.append(mask)

    def _solve(self, sets: list[int]) -> float:
        targets = self._game.targets
        visited = np.array([[mask >> index & 1 for mask in sets] for index in range(len(targets))], dtype=np.float64)
        detection = np.array([target.detection for target in targets])
        times = np.array([self._most_visits(target.place, target.attack_ticks) for target in targets])
        caught = visited * (1.0 - (1.0 - detection) ** times)[:, None]
        weight = np.array([target.weight for target in targets])
        rows = np.hstack((-weight[:, None] * caught, -np.ones((len(targets), 1))))
        mixture = np.append(np.ones(len(sets)), 0.0)[None, :]
        cost = np.append(np.zeros(len(sets)), 1.0)
        limits = [(0.0, None)] * len(sets) + [(None, None)]
        done = linprog(cost, A_ub=rows, b_ub=-weight, A_eq=mixture, b_eq=[1.0], bounds=limits, method="highs")
        return max(0.0, float(done.fun)) if done.fun is not None else 0.0

    def _most_visits(self, place: int, ticks: int) -> int:
        """Visits of one place that fit into ``ticks``, at most."""
        shortest = min((move.ticks for move in self._game.moves if move.end == place), default=ticks + 1)
        return 1 + ticks // (shortest + self._game.dwell_ticks[place])


def _maximal(masks: list[int]) -> list[int]:
    kept: list[int] = []
    for mask in sorted(set(masks), key=int.bit_count, reverse=True):
        if not any(mask | other == other for other in kept):
            kept.append(mask)
    return kept


def _least_apart(game: PatrolGame) -> int:
    """The least ticks from arriving at one target to arriving at a target, itself included."""
    ticks = np.zeros((game.places, game.places))
    for move in game.moves:
        ticks[move.start, move.end] = game.dwell_ticks[move.start] + move.ticks
    after = shortest_path(csr_array(ticks))
    aims = [target.place for target in game.targets]
    steps = [ticks[move.start, move.end] + after[move.end, aims].min() for move in game.moves if move.start in aims]
    return int(min([least for least in steps if np.isfinite(least)], default=game.horizon + 1))
