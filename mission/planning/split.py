# SPDX-License-Identifier: Apache-2.0
"""Divides a team over closed rounds: one tour for all, one round a robot, and everything between.

A *beat* is a round through some places with one robot or several, equally spaced; its places go unseen for the round's length
divided by the robots. Beats are first cut out of a tour as pieces, each closed by the shortest way back, by dynamic programming
over the cuts (in the spirit of Frederickson, Hecht and Kim, 1978); then places move between them as long as that helps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mission.planning.deadline import Deadline
from mission.planning.tour_search import improved_tour, tour_length_m
from patrol.checks import Floats

Flags = npt.NDArray[np.bool_]
CLOSER = 1.0 - 1e-9
_HALVINGS = 20
_POWER = 8.0
"""Rounds are weighed by this power of their idleness while searching, so that the worst counts most but not alone."""


@dataclass(frozen=True, slots=True)
class Share:
    """One beat in the making: the places in the order of the round, its length in m, and how many robots walk it; ``speed``
    is theirs, in units of the team's, and ``metric`` says which of several tables of distances holds for them."""

    order: tuple[int, ...]
    length_m: float
    robots: int
    speed: float = 1.0
    metric: int = 0

    @property
    def idle_m(self) -> float:
        """How far a robot of unit speed would walk between two visits of a place."""
        return self.length_m / (self.robots * self.speed)


Division = tuple[Share, ...]


def worst_m(division: Division) -> float:
    """The worst idleness in m at unit speed that the beats keep."""
    return max(share.idle_m for share in division)


def one_round(distances_m: Floats, order: list[int], robots: int) -> Division:
    """All robots on one tour."""
    return (Share(tuple(order), tour_length_m(distances_m, order), robots),)


def cut_tour(
    distances_m: Floats, order: list[int], robots: int, deadline: Deadline, *, known_m: float, most: int | None = None
) -> Division | None:
    """The best division of the tour ``order`` into pieces of at most ``most`` robots each over its rotations, of which the first
    is tried whatever the deadline says; None when none is below ``known_m``."""
    best: Division | None = None
    for shift in _spread(len(order)):
        if shift and deadline.passed:
            break
        rotated = np.array(order[shift:] + order[:shift])
        closed_m = _closed_lengths_m(distances_m, rotated)
        found = _pieces(closed_m, robots, known_m * CLOSER, most or robots)
        if found is None:
            continue
        low, high = 0.0, known_m
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            trial = _pieces(closed_m, robots, middle, most or robots)
            low, high, found = (low, middle, trial) if trial is not None else (middle, high, found)
        best = _division(distances_m, rotated, found, robots)
        known_m = worst_m(best)
    return best


def _spread(count: int) -> Iterator[int]:
    """All rotations, far ones first, so that a deadline cuts off near repeats."""
    stride = max(1, int(count * 0.382))
    while math.gcd(stride, count) > 1:
        stride += 1
    return (index * stride % count for index in range(count))


def _closed_lengths_m(distances_m: Floats, order: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
    """(n + 1, n + 1) m: at [j, i] the length of the round through places i to j - 1 of ``order``; infinite for none."""
    count = order.size
    along = np.concatenate(([0.0], np.cumsum(distances_m[order[:-1], order[1:]])))
    closed = np.full((count + 1, count + 1), np.inf)
    back = distances_m[np.ix_(order, order)]
    closed[1:, :count] = along[:, None] - along[None, :] + back
    closed[1:, :count][np.triu_indices(count, 1)] = np.inf
    return closed


def _pieces(closed_m: Floats, robots: int, idle_m: float, most: int) -> list[int] | None:
    """Where the pieces begin when each is seen every ``idle_m`` by as few robots as can be; None when that takes too many."""
    count = closed_m.shape[0] - 1
    needed = np.full(count + 1, np.inf)
    needed[0] = 0.0
    begins = np.zeros(count + 1, dtype=np.int64)
    team = np.maximum(1.0, np.ceil(closed_m / max(idle_m, 1e-9) - 1e-9))
    team[team > most] = np.inf
    for end in range(1, count + 1):
        total = needed[:end] + team[end, :end]
        begins[end] = np.argmin(total)
        needed[end] = total[begins[end]]
    if needed[count] > robots:
        return None
    cuts, end = [], count
    while end > 0:
        end = int(begins[end])
        cuts.append(end)
    return cuts[::-1]


def _division(distances_m: Floats, order: np.ndarray[tuple[int], np.dtype[np.int64]], cuts: list[int], robots: int) -> Division:
    orders = [order[low:high].tolist() for low, high in zip(cuts, [*cuts[1:], order.size], strict=True)]
    return staffed([(tuple(one), tour_length_m(distances_m, one)) for one in orders], robots)


def staffed(rounds: list[tuple[tuple[int, ...], float]], robots: int) -> Division:
    """Robots shared out over the rounds: one each, and each further one where the idleness is worst, which is best possible."""
    team = [1] * len(rounds)
    for _ in range(robots - len(rounds)):
        worst = max(range(len(rounds)), key=lambda index: rounds[index][1] / team[index])
        team[worst] += 1
    return tuple(Share(order, length_m, number) for (order, length_m), number in zip(rounds, team, strict=True))


def refined(distances_m: Floats, division: Division, robots: int, deadline: Deadline) -> Division:
    """The division with the tour of each beat improved and the robots shared out anew."""
    rounds = []
    for share in division:
        order = improved_tour(distances_m, share.order, deadline)
        rounds.append((tuple(order), tour_length_m(distances_m, order)))
    better = staffed(rounds, robots)
    return better if worst_m(better) <= worst_m(division) else division


def exchanged(
    distances_m: Floats | tuple[Floats, ...],
    division: Division,
    deadline: Deadline,
    *,
    seed: int,
    moves: int,
    allowed: Flags | None = None,
) -> Division:
    """Places moved from beat to beat by simulated annealing (Kirkpatrick, Gelatt and Vecchi, 1983); never worse than before.

    ``distances_m`` (N, N) m, or one such table for each metric; ``allowed`` (beats, N) says which beat may take which place, any
    when it is None."""
    if len(division) < 2:
        return division
    tables = distances_m if isinstance(distances_m, tuple) else (distances_m,)
    search = _Exchange(tables, division, seed, allowed)
    for index in range(moves):
        if index % 64 == 0 and deadline.passed:
            break
        search.step(1.0 - index / moves)
    return search.best


class _Exchange:
    """Annealing over which beat visits which place."""

    def __init__(self, tables: tuple[Floats, ...], division: Division, seed: int, allowed: Flags | None) -> None:
        self._tables, self._allowed = tables, allowed
        self._random = np.random.default_rng(seed)
        self._now = list(division)
        self._scale_m = max(worst_m(division), 1e-9)
        self.best = division
        self._best_m = worst_m(division)

    def step(self, heat: float) -> None:
        """Try to give one place of a beat, most likely a bad one, to another beat."""
        powers = np.array([self._power(share) for share in self._now]) + 1e-6
        giver = int(self._random.choice(len(self._now), p=powers / powers.sum()))
        if len(self._now[giver].order) < 2:
            return
        place = self._now[giver].order[int(self._random.integers(len(self._now[giver].order)))]
        taker = self._taker(giver, place)
        if taker is None:
            return
        given, taken = self._without(self._now[giver], place), self._with(self._now[taker], place)
        before = powers[giver] + powers[taker]
        change = self._power(given) + self._power(taken) - before
        if change < 0 or self._random.random() < math.exp(-change / (0.15 * heat * float(powers.max()) + 1e-12)):
            self._now[giver], self._now[taker] = given, taken
            self._keep_best()

    def _power(self, share: Share) -> float:
        return float((share.idle_m / self._scale_m) ** _POWER)

    def _taker(self, giver: int, place: int) -> int | None:
        """Another beat that may take ``place``, more likely one that passes near it; None when there is none."""
        near = np.array([self._tables[share.metric][place, list(share.order)].min() for share in self._now])
        weight = 1.0 / (near + 0.05 * self._scale_m)
        weight[giver] = 0.0
        if self._allowed is not None:
            weight[~self._allowed[:, place]] = 0.0
        total = float(weight.sum())
        return int(self._random.choice(near.size, p=weight / total)) if total > 0.0 else None

    def _without(self, share: Share, place: int) -> Share:
        order = tuple(other for other in share.order if other != place)
        return replace(share, order=order, length_m=tour_length_m(self._tables[share.metric], order))

    def _with(self, share: Share, place: int) -> Share:
        distances_m = self._tables[share.metric]
        order = np.array(share.order)
        following = np.roll(order, -1)
        detour = distances_m[order, place] + distances_m[place, following] - distances_m[order, following]
        at = int(np.argmin(detour))
        longer = (*share.order[: at + 1], place, *share.order[at + 1 :])
        return replace(share, order=longer, length_m=tour_length_m(distances_m, longer))

    def _keep_best(self) -> None:
        now_m = max(share.idle_m for share in self._now)
        if now_m < self._best_m * CLOSER:
            self.best, self._best_m = tuple(self._now), now_m
