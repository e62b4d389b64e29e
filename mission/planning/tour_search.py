# SPDX-License-Identifier: Apache-2.0
"""Short tours by local search: 2-opt and Or-opt moves on the matrix of shortest ways, each tried against all places at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mission.planning.deadline import Deadline
from mission.planning.graph import Ints
from patrol.checks import Floats

_GAIN_M = 1e-9
_LONGEST_SEGMENT = 3


def tour_length_m(distances_m: Floats, order: Sequence[int]) -> float:
    """Length in m of the closed tour through ``order``."""
    places = np.asarray(order, dtype=np.int64)
    return float(distances_m[places, np.roll(places, -1)].sum())


def greedy_tour(distances_m: Floats, places: Sequence[int]) -> list[int]:
    """Always on to the nearest place not yet visited, from the first of ``places``."""
    left = np.array(places[1:], dtype=np.int64)
    order = [int(places[0])]
    while left.size:
        nearest = int(np.argmin(distances_m[order[-1], left]))
        order.append(int(left[nearest]))
        left = np.delete(left, nearest)
    return order


def improved_tour(distances_m: Floats, order: Sequence[int], deadline: Deadline) -> list[int]:
    """The tour after moves (Croes, 1958; Or, 1976) until none helps or the deadline passes; never longer than ``order``."""
    tour = np.array(order, dtype=np.int64)
    improved = tour.size > 3
    while improved and not deadline.passed:
        improved = False
        for index in range(tour.size):
            if deadline.passed:
                break
            if _two_opt(distances_m, tour, index):
                improved = True
            moved = _or_opt(distances_m, tour, index)
            if moved is not None:
                tour, improved = moved, True
    return [int(place) for place in tour]


def short_tour(distances_m: Floats, places: Sequence[int], deadline: Deadline, *, seed: int = 0, kicks: int = 0) -> list[int]:
    """A short tour of ``places``: greedy, improved, and ``kicks`` times cut into four pieces, rejoined crosswise and improved
    again (the double bridge of Martin, Otto and Felten, 1991)."""
    best = improved_tour(distances_m, greedy_tour(distances_m, places), deadline)
    best_m = tour_length_m(distances_m, best)
    random = np.random.default_rng(seed)
    for _ in range(kicks if len(best) >= 8 else 0):
        if deadline.passed:
            break
        first, second, third = sorted(random.choice(np.arange(1, len(best)), 3, replace=False).tolist())
        kicked = best[:first] + best[second:third] + best[first:second] + best[third:]
        trial = improved_tour(distances_m, kicked, deadline)
        trial_m = tour_length_m(distances_m, trial)
        if trial_m < best_m - _GAIN_M:
            best, best_m = trial, trial_m
    return best


def _two_opt(distances_m: Floats, tour: Ints, index: int) -> bool:
    """Turn round the piece after ``index`` that gains most, in place."""
    following = np.roll(tour, -1)
    here, there = tour[index], following[index]
    gain = distances_m[here, there] + distances_m[tour, following] - distances_m[here, tour] - distances_m[there, following]
    gain[: index + 2] = -np.inf
    best = int(np.argmax(gain))
    if gain[best] <= _GAIN_M:
        return False
    tour[index + 1 : best + 1] = tour[index + 1 : best + 1][::-1].copy()
    return True


def _or_opt(distances_m: Floats, tour: Ints, index: int) -> Ints | None:
    """Move the piece of up to three places that begins at ``index`` to where it gains most; None when nothing gains."""
    rolled = np.roll(tour, -index)
    for length in range(1, min(_LONGEST_SEGMENT, tour.size - 3) + 1):
        first, last, rest = rolled[0], rolled[length - 1], rolled[length:]
        saved = distances_m[rest[-1], first] + distances_m[last, rest[0]] - distances_m[rest[-1], rest[0]]
        before, after = rest[:-1], rest[1:]
        forward = distances_m[before, first] + distances_m[last, after]
        backward = distances_m[before, last] + distances_m[first, after]
        cost = np.minimum(forward, backward) - distances_m[before, after]
        best = int(np.argmin(cost))
        if saved - cost[best] > _GAIN_M:
            piece = rolled[:length] if forward[best] <= backward[best] else rolled[:length][::-1]
            return np.concatenate((rest[: best + 1], piece, rest[best + 1 :]))
    return None
