# SPDX-License-Identifier: Apache-2.0
"""How long places go unseen under a walk: the longest gap that it can ever leave, the true average, and rare gaps.

A gap of a place runs from one arrival there to the next. The worst idleness is the longest path through the steps that the
walk may take at all; where they hold a circle that avoids a place, nothing bounds its gap and the answer is infinite.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, eye_array
from scipy.sparse.linalg import splu

from mission.games.game import PatrolGame
from mission.games.states import Ints, StateGraph, Walk, stationary
from patrol.checks import Floats

_NOTHING = 1e-20


def whole_ticks(game: PatrolGame, walk: Walk) -> Ints:
    """Ticks (E,) of each step from arriving at its tail to arriving at its head."""
    dwell = np.array(game.dwell_ticks, dtype=np.int64)
    ticks: Ints = dwell[walk.graph.place[walk.graph.tails]] + walk.graph.travel
    return ticks


def worst_gap_ticks(game: PatrolGame, walk: Walk) -> float:
    """The longest gap of any target that the walk can leave, whatever is drawn; infinite when nothing bounds it."""
    graph = walk.graph
    ticks = whole_ticks(game, walk).tolist()
    into: list[list[tuple[int, int]]] = [[] for _ in range(graph.states)]
    for tail, head, lasts in zip(graph.tails.tolist(), graph.heads.tolist(), ticks, strict=True):
        into[head].append((tail, lasts))
    return max(_worst_gap(graph, into, target.place) for target in game.targets)


def _worst_gap(graph: StateGraph, into: list[list[tuple[int, int]]], place: int) -> float:
    """Settle states in an order in which all that follow away from the place are settled first; a circle never settles."""
    here = (graph.place == place).tolist()
    if not any(here):
        return math.inf
    away = ~np.isin(graph.tails, np.flatnonzero(here)) & ~np.isin(graph.heads, np.flatnonzero(here))
    waits_for = np.bincount(graph.tails[away], minlength=graph.states).tolist()
    longest = [0] * graph.states
    ready = [state for state in range(graph.states) if not here[state] and waits_for[state] == 0]
    settled = len(ready)
    worst = 0
    for state in np.flatnonzero(here).tolist():
        for tail, lasts in into[state]:
            if here[tail]:
                worst = max(worst, lasts)
            else:
                longest[tail] = max(longest[tail], lasts)
    while ready:
        state = ready.pop()
        for tail, lasts in into[state]:
            if here[tail]:
                worst = max(worst, lasts + longest[state])
                continue
            longest[tail] = max(longest[tail], lasts + longest[state])
            waits_for[tail] -= 1
            if waits_for[tail] == 0:
                settled += 1
                ready.append(tail)
    return float(worst) if settled + sum(here) == graph.states else math.inf


def mean_idleness_ticks(game: PatrolGame, walk: Walk) -> float:
    """The mean over targets of the long-run time average of their idleness."""
    graph = walk.graph
    ticks = whole_ticks(game, walk)
    flow = stationary(walk)[graph.tails] * walk.chance
    clock = float(flow @ ticks)
    means = []
    for target in game.targets:
        wait = _expected_wait(walk, ticks, target.place)
        means.append(float((flow * ticks) @ (0.5 * ticks + wait[graph.heads])) / clock)
    return float(np.mean(means))


def visit_rates(game: PatrolGame, walk: Walk) -> Floats:
    """Visits a tick (T,) of each target in the long run."""
    ticks = whole_ticks(game, walk)
    flow = stationary(walk)[walk.graph.tails] * walk.chance
    arrives = walk.graph.place[walk.graph.heads]
    rates = [flow[arrives == target.place].sum() / float(flow @ ticks) for target in game.targets]
    return np.array(rates)


def _expected_wait(walk: Walk, ticks: Ints, place: int) -> Floats:
    """Expected ticks (S,) from arriving in a state to the next arrival at ``place``; zero there."""
    graph = walk.graph
    goes_on = graph.place[graph.tails] != place
    tails, heads, chance = graph.tails[goes_on], graph.heads[goes_on], walk.chance[goes_on]
    stays = graph.place[heads] != place
    matrix = eye_array(graph.states, format="csc") - csc_array(
        (chance[stays], (tails[stays], heads[stays])), shape=(graph.states, graph.states)
    )
    cost = np.bincount(tails, weights=chance * ticks[goes_on], minlength=graph.states)
    wait: Floats = splu(csc_array(matrix)).solve(cost)
    return wait


def overdue_rates(game: PatrolGame, walk: Walk, limits: Ints) -> Floats:
    """How often a tick (T,) a gap of each target grows beyond ``limits`` (T,) ticks, in the long run."""
    graph = walk.graph
    ticks = whole_ticks(game, walk)
    flow = stationary(walk)[graph.tails] * walk.chance
    rates = []
    for target, limit in zip(game.targets, limits.tolist(), strict=True):
        here = graph.place == target.place
        rates.append(_overdue(walk, ticks, flow, (here, int(limit))))
    return np.array(rates) / float(flow @ ticks)


def _overdue(walk: Walk, ticks: Ints, flow: Floats, of: tuple[npt.NDArray[np.bool_], int]) -> float:
    """The share of steps that begin a gap longer than the limit, by following the mass that has not come back; it is kept by the
    tick of its next arrival, for as many ticks as the longest step takes. Once next to nothing is left, that counts whole."""
    here, limit = of
    graph, longest = walk.graph, int(ticks.max())
    leaves = here[graph.tails]
    mass = np.zeros((longest + 1, graph.states))
    begins = np.flatnonzero(leaves & ~here[graph.heads])
    np.add.at(mass, (ticks[begins], graph.heads[begins]), flow[begins])
    at_once = flow[leaves & here[graph.heads] & (ticks > limit)].sum()
    on = np.flatnonzero(~leaves & ~here[graph.heads])
    back = np.flatnonzero(~leaves & here[graph.heads])
    late = 0.0
    for now in range(limit + 1):
        row = now % (longest + 1)
        if row == 0 and mass.sum() < _NOTHING:
            break
        moved = mass[row].copy()
        if not moved.any():
            continue
        mass[row] = 0.0
        np.add.at(mass, ((now + ticks[on]) % (longest + 1), graph.heads[on]), moved[graph.tails[on]] * walk.chance[on])
        overdue = now + ticks[back] > limit
        late += float((moved[graph.tails[back]] * walk.chance[back])[overdue].sum())
    return float(mass.sum()) + late + float(at_once)
