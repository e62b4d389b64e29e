# SPDX-License-Identifier: Apache-2.0
"""Search for the strategy whose worst attack does the least damage.

From many random starts: gradient descent on a softened maximum (Adam; Klaška et al., 2021), steps that hardly matter dropped,
then a sequence of linear programs in a trust region that settles on the exact corner, and attempts to do without single steps.
Half of the starts share the chances of steps that a symmetry of the game exchanges. Deterministic for a seed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from mission.games.bound import least_loss
from mission.games.game import PatrolGame, Sight
from mission.games.problem import Problem, View, best_class, hopeful
from mission.games.states import Ints, Memory, StateGraph, Walk, unfold
from mission.games.symmetry import automorphisms, step_orbits
from patrol.checks import Floats
from patrol.config import Config

_LOG = logging.getLogger(__name__)
NumberT = TypeVar("NumberT", np.int64, np.float64)


class SearchConfig(Config):
    """``starts`` random starts of ``descents`` gradient steps each; ``polishes`` linear programs at most for each of the
    ``finalists`` best, with ``active`` attacks at most; ``attempts`` to do without a step, where there are no more steps than
    ``active``."""

    starts: int = Field(default=12, ge=1, le=10_000)
    descents: int = Field(default=120, ge=1, le=100_000)
    finalists: int = Field(default=4, ge=1, le=1000)
    polishes: int = Field(default=40, ge=0, le=1000)
    active: int = Field(default=240, ge=1, le=10_000)
    attempts: int = Field(default=8, ge=0, le=1000)
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A strategy, the expected damage of the worst attack on it, and which of its steps share their chance."""

    walk: Walk
    loss: float
    orbit: Ints


def search(game: PatrolGame, memory: Memory, config: SearchConfig | None = None, *, round_places: tuple[int, ...] = ()) -> Found:
    """The best strategy with ``memory`` that was found on ``game``. Every third start leans towards a known closed round."""
    graph = unfold(game, memory)
    lean = _along(graph, round_places) if round_places else None
    return search_on(game, graph, config, ties=step_orbits(graph, automorphisms(game)), lean=lean)


def _along(graph: StateGraph, round_places: tuple[int, ...]) -> Floats:
    """One (E,) for each step that goes on along the round, else zero."""
    length = min(3, len(graph.labels[0][0]) + 1)
    twice = round_places + round_places
    runs = {twice[index : index + length] for index in range(len(round_places))}
    ends = [(graph.labels[tail][0] + graph.labels[head][0][-1:])[-length:] in runs for _, (tail, head) in _steps(graph)]
    return np.array(ends, dtype=np.float64)


def search_on(
    game: PatrolGame,
    graph: StateGraph,
    config: SearchConfig | None = None,
    *,
    ties: Ints | None = None,
    lean: Floats | None = None,
) -> Found:
    """The best strategy on given states that was found. Half of the starts tie the chances that ``ties`` (E,) numbers alike;
    every third prefers the steps where ``lean`` (E,) is above zero.

    The search ends as soon as a strategy is as good as any can be.
    """
    config = config or SearchConfig()
    rng = np.random.default_rng(config.seed)
    if game.sight is Sight.STATE:
        left = hopeful(game, graph)
        if left is None:
            return _even(game, graph)
        ties = None if ties is None else carried(graph, ties, left)
        lean = None if lean is None else carried(graph, lean, left)
        graph = left
    apart: Ints = np.arange(graph.steps, dtype=np.int64)
    symmetric = ties is not None and len(np.unique(ties)) < graph.steps
    enough = least_loss(game) + 1e-9
    found: list[Found] = []
    for start in range(config.starts):
        leans = lean is not None and start % 3 == 0
        orbit = ties if ties is not None and symmetric and start % 2 == 0 and not leans else apart
        problem = Problem(game, graph, orbit)
        logits = rng.normal(scale=0.5 if leans else rng.uniform(0.3, 3.0), size=problem.unknowns)
        if lean is not None and leans:
            logits += 5.0 * lean
        found.append(_from_start(problem, logits, config))
        if found[-1].loss < enough + 0.02:
            found[-1] = _finish(game, found[-1], config)
        if found[-1].loss <= enough:
            break
    found.sort(key=lambda each: each.loss)
    finals = found[:1] if found[0].loss <= enough else [_finish(game, each, config) for each in found[: config.finalists]]
    best = min(finals, key=lambda each: (round(each.loss, 12), each.walk.graph.steps))
    _LOG.debug("searched %d states: loss %.6f from %d starts", graph.states, best.loss, len(found))
    return best


def carried(graph: StateGraph, numbers: npt.NDArray[NumberT], part: StateGraph) -> npt.NDArray[NumberT]:
    """The numbers (E,) of the steps of ``graph`` for the steps of a graph that is a part of it."""
    step = {(graph.labels[tail], graph.labels[head]): index for index, (tail, head) in _steps(graph)}
    return numbers[[step[part.labels[tail], part.labels[head]] for _, (tail, head) in _steps(part)]]


def _even(game: PatrolGame, graph: StateGraph) -> Found:
    """Every step as likely as any other: for a game in which nothing helps."""
    even = 1.0 / np.bincount(graph.tails)[graph.tails]
    walk, loss = best_class(game, Walk(graph=graph, chance=even))
    return Found(walk=walk, loss=loss, orbit=np.arange(walk.graph.steps, dtype=np.int64))


def _from_start(problem: Problem, logits: Floats, config: SearchConfig) -> Found:
    """Descend from one start and drop what hardly matters."""
    unknown = _descend(problem, logits, config.descents)
    walk = Walk(graph=problem.graph, chance=unknown[problem.orbit])
    options = [_labelled(problem, walk, below) for below in (0.0, 0.005, 0.02, 0.05, 0.1)]
    return min(options, key=lambda each: each.loss)


def _labelled(problem: Problem, walk: Walk, below: float) -> Found:
    """The best class of ``walk`` without the steps under a chance, with the ties among the steps that are left."""
    best, loss = best_class(problem.game, walk, below=below)
    return Found(walk=best, loss=loss, orbit=carried(problem.graph, problem.orbit, best.graph))


def _steps(graph: StateGraph) -> list[tuple[int, tuple[int, int]]]:
    return list(enumerate(zip(graph.tails.tolist(), graph.heads.tolist(), strict=True)))


def _softmax(problem: Problem, logits: Floats) -> Floats:
    """Chances (P,) from logits (P,): normalised over the steps out of each state."""
    raised = np.exp(logits - logits.max())[problem.orbit]
    chance = raised / np.bincount(problem.graph.tails, weights=raised)[problem.graph.tails]
    unknown = np.zeros(problem.unknowns)
    unknown[problem.orbit] = chance
    return unknown


def _descend(problem: Problem, logits: Floats, count: int) -> Floats:
    """Adam on the softened greatest loss, the softness falling."""
    columns = np.arange(problem.evaluator.targets)
    moment, spread = np.zeros_like(logits), np.zeros_like(logits)
    scale = float(problem.evaluator.weight.max())
    for turn in range(1, count + 1):
        unknown = _softmax(problem, logits)
        view = problem.look(unknown)
        softness = scale * 0.2 * 0.03 ** (turn / count)
        weights, push = _attention(problem, view, softness)
        slope = -problem.slopes(view, weights, columns).sum(axis=1)
        np.add.at(slope, problem.orbit, push)
        step_slope = slope[problem.orbit] / np.bincount(problem.orbit)[problem.orbit]
        step_chance = unknown[problem.orbit]
        mean = np.bincount(problem.graph.tails, weights=step_chance * step_slope)[problem.graph.tails]
        by_logit = np.bincount(problem.orbit, weights=step_chance * (step_slope - mean), minlength=problem.unknowns)
        moment = 0.9 * moment + 0.1 * by_logit
        spread = 0.99 * spread + 0.01 * by_logit**2
        update = (moment / (1 - 0.9**turn)) / (np.sqrt(spread / (1 - 0.99**turn)) + 1e-10)
        logits = np.clip(logits - 0.15 * update, -12.0, 12.0)
    return _softmax(problem, logits)


def _attention(problem: Problem, view: View, softness: float) -> tuple[Floats, Floats]:
    """How much each attack (G, T) counts in the softened maximum of gated losses, and the push (E,) on gated chances."""
    gate, gate_slope = problem.gates(view)
    losses = problem.losses(view)
    gated = gate[:, None] * losses
    raised = np.exp((gated - gated.max()) / softness)
    attention = raised / raised.sum()
    weights = attention * gate[:, None] * problem.evaluator.weight[None, :]
    by_gate = (attention * losses).sum(axis=1)
    return weights, by_gate[problem.evaluator.sighting.group] * gate_slope


def _finish(game: PatrolGame, found: Found, config: SearchConfig) -> Found:
    """Polish, then try to do without single steps."""
    best = _polish(game, found, config)
    tried: set[int] = set()
    for _ in range(config.attempts if best.walk.graph.steps <= config.active else 0):
        rarest = [kind for kind in _by_chance(best) if kind not in tried]
        if not rarest:
            break
        tried.add(rarest[0])
        chance = np.where(best.orbit == rarest[0], 0.0, best.walk.chance)
        without = _labelled(
            Problem(game, best.walk.graph, best.orbit), Walk(graph=best.walk.graph, chance=_filled(best, chance)), 0.0
        )
        without = _polish(game, without, config)
        if without.loss < best.loss - 1e-9:
            best = without
            tried.clear()
    return _settled(game, best, config)


def _settled(game: PatrolGame, found: Found, config: SearchConfig) -> Found:
    """Among equally good strategies, move to a corner, where chances are simple: where they can, the likely grow likelier."""
    for _ in range(config.attempts if found.walk.graph.steps <= config.active else 0):
        problem, unknown = _problem(game, found)
        corner = _linear_step(problem, unknown, problem.look(unknown), (0.5, config.active), prefer=unknown)
        if corner is None or np.abs(corner - unknown).max() < 1e-7:
            break
        moved = _labelled(problem, Walk(graph=problem.graph, chance=_renormalised(problem, corner)), 1e-9)
        moved = _polish(game, moved, config)
        if moved.loss > found.loss + 1e-10:
            break
        found = moved
    return found


def _by_chance(found: Found) -> list[int]:
    """Kinds of steps that are not certain, the rarest first."""
    kinds, first = np.unique(found.orbit, return_index=True)
    chance = found.walk.chance[first]
    return [int(kinds[index]) for index in np.argsort(chance, kind="stable") if chance[index] < 0.5]


def _filled(found: Found, chance: Floats) -> Floats:
    tails = found.walk.graph.tails
    total = np.bincount(tails, weights=chance)[tails]
    filled: Floats = np.where(total > 0.0, chance / np.where(total > 0.0, total, 1.0), found.walk.chance)
    return filled


def _polish(game: PatrolGame, found: Found, config: SearchConfig) -> Found:
    """Linear programs in a trust region, from ``found``; a step whose chance falls to nothing leaves the problem."""
    radius = 0.1
    problem, unknown = _problem(game, found)
    view = problem.look(unknown)
    for _ in range(config.polishes):
        if radius < 1e-9:
            break
        trial = _linear_step(problem, unknown, view, (radius, config.active))
        if trial is None:
            break
        trial_walk = Walk(graph=problem.graph, chance=_renormalised(problem, trial))
        candidate = _labelled(problem, trial_walk, 1e-9)
        if candidate.loss < found.loss - 1e-13:
            radius = min(0.5, radius * (1.0 if found.loss - candidate.loss < 1e-6 else 2.0))
            found = candidate
            problem, unknown = _problem(game, found)
            view = problem.look(unknown)
        else:
            radius *= 0.25
    return found


def _problem(game: PatrolGame, found: Found) -> tuple[Problem, Floats]:
    problem = Problem(game, found.walk.graph, found.orbit)
    unknown = np.zeros(problem.unknowns)
    unknown[problem.orbit] = found.walk.chance
    return problem, unknown


def _renormalised(problem: Problem, unknown: Floats) -> Floats:
    chance = np.clip(unknown, 0.0, 1.0)[problem.orbit]
    return chance / np.bincount(problem.graph.tails, weights=chance)[problem.graph.tails]


def _linear_step(
    problem: Problem, unknown: Floats, view: View, limits: tuple[float, int], *, prefer: Floats | None = None
) -> Floats | None:
    """The unknowns that minimise the greatest linearised loss within the trust region; with ``prefer`` (P,) those that lie
    farthest that way while no linearised loss is above the present one. None when the solver gives up."""
    radius, active = limits
    losses = problem.losses(view)
    near = np.argsort(losses, axis=None)[::-1][:active]
    near = near[losses.ravel()[near] > losses.max() - 4.0 * radius * problem.evaluator.weight.max() * problem.game.horizon]
    group, target = np.unravel_index(near, losses.shape)
    weights = np.zeros((problem.evaluator.sighting.groups, len(near)))
    weights[group, np.arange(len(near))] = problem.evaluator.weight[target]
    slope = problem.slopes(view, weights, target.astype(np.int64))
    rows = np.hstack((-slope.T, -np.ones((len(near), 1))))
    limit = -losses[group, target] - slope.T @ unknown
    states, step = problem.graph.tails, problem.orbit
    shape = (problem.graph.states, problem.unknowns + 1)
    whole = csr_array((np.ones(len(step)), (states, step)), shape=shape)
    low = np.append(np.maximum(0.0, unknown - radius), -np.inf)
    high = np.append(np.minimum(1.0, unknown + radius), np.inf if prefer is None else losses.max())
    cost = np.append(np.zeros(problem.unknowns), 1.0) if prefer is None else np.append(-prefer, 0.0)
    done = milp(
        cost,
        constraints=[LinearConstraint(rows, -np.inf, limit), LinearConstraint(whole, 1.0, 1.0)],
        bounds=Bounds(low, high),
    )
    return None if done.x is None else np.asarray(done.x[:-1], dtype=np.float64)
