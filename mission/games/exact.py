# SPDX-License-Identifier: Apache-2.0
"""A strategy in fractions: when the optimum has rational chances, its value is proven to the last digit, not to 1e-16."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mission.games.capture import sighting
from mission.games.game import Launch, PatrolGame
from mission.games.problem import worst_loss
from mission.games.states import Ints, StateGraph, Walk

_DENOMINATORS = (1, 2, 3, 4, 6, 8, 12, 24, 60, 120, 360, 840, 2520)
_MOST_WORK = 400_000
_MOST_STATES = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactWalk:
    """``chance`` of each step as a fraction, the least ``capture`` probability and the greatest ``loss`` of any attack."""

    chance: tuple[Fraction, ...]
    capture: Fraction
    loss: Fraction


def exact_value(game: PatrolGame, graph: StateGraph, chance: tuple[Fraction, ...]) -> tuple[Fraction, Fraction]:
    """Least capture probability and greatest loss of a walk that is one closed class, computed in fractions."""
    by_step = _by_step(game, graph, chance)
    sees = sighting(game, graph)
    flow = _flow(graph, chance) if sees.weighs else [Fraction(1)] * graph.steps
    captures, losses = [], []
    for group in range(sees.groups):
        members = np.flatnonzero(sees.group == group).tolist()
        members = members if sees.weighs else members[:1]
        whole = sum((flow[step] for step in members), Fraction(0))
        for index, target in enumerate(game.targets):
            caught = sum((flow[step] * by_step[step][index] for step in members), Fraction(0)) / whole
            captures.append(caught)
            losses.append(_fraction(target.weight) * (1 - caught))
    return min(captures), max(losses)


def rationalised(game: PatrolGame, walk: Walk, orbit: Ints, *, tolerance: float = 1e-9) -> ExactWalk | None:
    """The walk in fractions of small denominators, if one of them is as good as the numbers say; None if there is none, or
    the game is too large for fractions."""
    graph = walk.graph
    if graph.steps * len(game.targets) * game.horizon > _MOST_WORK or graph.states > _MOST_STATES:
        return None
    from_floats = worst_loss(game, walk)
    for limit in _DENOMINATORS:
        tied = {
            kind: Fraction(float(walk.chance[np.argmax(orbit == kind)])).limit_denominator(limit) for kind in set(orbit.tolist())
        }
        chance = tuple(tied[kind] for kind in orbit.tolist())
        if min(chance) <= 0 or not _sums_to_one(graph, chance):
            continue
        capture, loss = exact_value(game, graph, chance)
        if float(loss) <= from_floats + tolerance:
            return ExactWalk(chance=chance, capture=capture, loss=loss)
    return None


def _fraction(value: float) -> Fraction:
    return Fraction(str(value))


def _sums_to_one(graph: StateGraph, chance: tuple[Fraction, ...]) -> bool:
    out = [Fraction(0)] * graph.states
    for tail, part in zip(graph.tails.tolist(), chance, strict=True):
        out[tail] += part
    return all(whole == 1 for whole in out)


def _by_step(game: PatrolGame, graph: StateGraph, chance: tuple[Fraction, ...]) -> list[list[Fraction]]:
    """Chances (E, T) that an attack seen with each step is caught."""
    places = graph.place.tolist()
    steps = list(zip(graph.tails.tolist(), graph.heads.tolist(), graph.travel.tolist(), strict=True))
    answers = [[Fraction(0)] * len(game.targets) for _ in steps]
    for column, target in enumerate(game.targets):
        sure = _fraction(target.detection)
        standing: list[list[Fraction]] = []
        arriving: list[list[Fraction]] = []
        for left in range(target.attack_ticks + 1):
            caught = [Fraction(0)] * graph.states
            for part, (tail, head, travel) in zip(chance, steps, strict=True):
                after = left - game.dwell_ticks[places[tail]] - travel
                if after >= 0:
                    caught[tail] += part * arriving[after][head]
            standing.append(caught)
            arriving.append([sure + (1 - sure) * c if places[s] == target.place else c for s, c in enumerate(caught)])
        for index, (_, head, travel) in enumerate(steps):
            left = target.attack_ticks - travel
            if game.launch is Launch.ARRIVAL:
                answers[index][column] = standing[-1][head]
            elif left >= 0:
                answers[index][column] = arriving[left][head]
    return answers


def _flow(graph: StateGraph, chance: tuple[Fraction, ...]) -> list[Fraction]:
    """How often each step is taken, by Gaussian elimination of the balance equations."""
    size = graph.states
    rows = [[Fraction(0)] * (size + 1) for _ in range(size)]
    for part, tail, head in zip(chance, graph.tails.tolist(), graph.heads.tolist(), strict=True):
        rows[head][tail] += part
    for state in range(size):
        rows[state][state] -= 1
    rows[-1] = [Fraction(1)] * (size + 1)
    for column in range(size):
        pivot = next(row for row in range(column, size) if rows[row][column] != 0)
        rows[column], rows[pivot] = rows[pivot], rows[column]
        lead = rows[column][column]
        rows[column] = [value / lead for value in rows[column]]
        for row in range(size):
            factor = rows[row][column]
            if row != column and factor != 0:
                rows[row] = [value - factor * base for value, base in zip(rows[row], rows[column], strict=True)]
    share = [row[size] for row in rows]
    return [share[tail] * part for part, tail in zip(chance, graph.tails.tolist(), strict=True)]
