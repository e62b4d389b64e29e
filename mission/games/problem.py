# SPDX-License-Identifier: Apache-2.0
"""The optimiser's view of a game: the loss of a vector of shared chances, what an attacker may choose from, and its slopes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mission.games.capture import Evaluator
from mission.games.game import Launch, PatrolGame
from mission.games.states import Ints, StateGraph, Walk, closed_classes, restricted, stationary
from patrol.checks import Floats

GATE = 0.02
"""A step rarer than this hardly counts while the chances are still being sought; in the end every step taken counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """``caught`` (G, T) by what the attacker sees, with all that its derivatives need."""

    chance: Floats
    flow: Floats
    caught: Floats
    by_step: Floats
    history: Floats
    share: Floats


class Problem:
    """Losses on one graph of states, all of whose steps may be taken. ``orbit`` (E,) says which chances are shared."""

    def __init__(self, game: PatrolGame, graph: StateGraph, orbit: Ints) -> None:
        self.game, self.graph = game, graph
        kinds, tied = np.unique(orbit, return_inverse=True)
        self.orbit: Ints = tied.astype(np.int64)
        self.unknowns = len(kinds)
        self.evaluator = Evaluator(game, graph)

    def look(self, unknown: Floats) -> View:
        """Evaluate the chances ``unknown`` (P,)."""
        chance = unknown[self.orbit]
        share = stationary(Walk(graph=self.graph, chance=chance))
        flow = share[self.graph.tails] * chance
        caught, by_step, history = self.evaluator.by_group(chance, flow)
        return View(chance=chance, flow=flow, caught=caught, by_step=by_step, history=history, share=share)

    def losses(self, view: View) -> Floats:
        """Expected damage (G, T) of each attack."""
        damage: Floats = self.evaluator.weight[None, :] * (1.0 - view.caught)
        return damage

    def gates(self, view: View) -> tuple[Floats, Floats]:
        """How much each group counts (G,) while chances are being sought, and the slope (E,) of its gate by the step's chance."""
        sees = self.evaluator.sighting
        usual = np.minimum(1.0, view.share[self.graph.tails] * self.graph.states)
        if not sees.weighs and self.game.launch is Launch.DEPARTURE:
            rate = view.chance * usual
            return rate / (rate + GATE), usual * GATE / (rate + GATE) ** 2
        total = np.bincount(sees.group, weights=view.flow, minlength=sees.groups) * sees.groups
        return total / (total + GATE), np.zeros(self.graph.steps)

    def slopes(self, view: View, weights: Floats, of_target: Ints) -> Floats:
        """Derivatives (P, K) by the unknowns of K sums: column k weighs the capture chances of target ``of_target[k]`` by
        ``weights[:, k]`` (G, K)."""
        sees = self.evaluator.sighting
        if not sees.weighs:
            first = np.zeros(self.graph.steps)
            first[np.unique(sees.group, return_index=True)[1]] = 1.0
            by_chance = self.evaluator.derivative(view.chance, view.history, weights[sees.group] * first[:, None], of_target)
        else:
            total = np.bincount(sees.group, weights=view.flow, minlength=sees.groups)[sees.group]
            wanted = weights[sees.group] * (view.flow / total)[:, None]
            by_chance = self.evaluator.derivative(view.chance, view.history, wanted, of_target)
            surplus = (view.by_step - view.caught[sees.group])[:, of_target]
            by_chance += self._through_flow(view, weights[sees.group] * surplus / total[:, None])
        tied = np.zeros((self.unknowns, len(of_target)))
        np.add.at(tied, self.orbit, by_chance)
        return tied

    def _through_flow(self, view: View, by_flow: Floats) -> Floats:
        """Derivatives (E, K) by the chances from those by the flow of the steps, by way of the long-run shares."""
        graph = self.graph
        by_share = np.zeros((graph.states, by_flow.shape[1]))
        np.add.at(by_share, graph.tails, view.chance[:, None] * by_flow)
        by_share -= view.share @ by_share
        matrix = np.eye(graph.states) + np.outer(np.ones(graph.states), view.share)
        np.subtract.at(matrix, (graph.tails, graph.heads), view.chance)
        potential = np.linalg.solve(matrix, by_share)
        share = view.share[graph.tails][:, None]
        passed: Floats = share * by_flow + share * potential[graph.heads]
        return passed


def worst_loss(game: PatrolGame, walk: Walk) -> float:
    """The greatest expected damage of any attack on ``walk``, one closed class."""
    evaluator = Evaluator(game, walk.graph)
    flow = stationary(walk)[walk.graph.tails] * walk.chance if evaluator.sighting.weighs else None
    caught, _, _ = evaluator.by_group(walk.chance, flow)
    return float((evaluator.weight * (1.0 - caught)).max())


def best_class(game: PatrolGame, walk: Walk, *, below: float = 0.0) -> tuple[Walk, float]:
    """Drop steps at or under the chance ``below`` and keep the closed class with the least loss; returns it and its loss."""
    support = walk.chance > below
    chance = np.where(support, walk.chance, 0.0)
    total = np.bincount(walk.graph.tails, weights=chance, minlength=walk.graph.states)
    even = np.bincount(walk.graph.tails, minlength=walk.graph.states)
    lost = total[walk.graph.tails] <= 0.0
    chance = np.where(lost, 1.0 / even[walk.graph.tails], chance / np.where(lost, 1.0, total[walk.graph.tails]))
    cleaned = Walk(graph=walk.graph, chance=chance)
    found = [restricted(cleaned, states) for states in closed_classes(walk.graph, chance > 0.0)]
    return min(((each, worst_loss(game, each)) for each in found), key=lambda pair: pair[1])


def hopeful(game: PatrolGame, graph: StateGraph) -> StateGraph | None:
    """Without the steps at whose sight some attack of the greatest weight can not be caught at all; None when none is left.

    Only for an observer who sees the state; a strategy that takes such a step loses the greatest weight.
    """
    heaviest = max(target.weight for target in game.targets)
    columns = [index for index, target in enumerate(game.targets) if target.weight == heaviest]
    while graph.steps:
        even = 1.0 / np.bincount(graph.tails, minlength=graph.states)[graph.tails]
        caught, _ = Evaluator(game, graph).by_step(even)
        good = np.asarray((caught[:, columns] > 0.0).all(axis=1), dtype=np.bool_)
        while True:
            leads_on = np.bincount(graph.tails[good], minlength=graph.states) > 0
            still = good & leads_on[graph.heads]
            if still.sum() == good.sum():
                break
            good = still
        if good.all():
            return graph
        graph, _ = graph.kept(good)
    return None
