# SPDX-License-Identifier: Apache-2.0
"""The exact capture probabilities of a walk, and their derivatives.

Within b ticks of standing in a state, a target is caught with the chance F[b], a sum over the steps out of that state of the
chance at their ends with what is left of b; so one pass over the ticks gives every F, and one pass back every derivative
(Klaška et al., "Regstar", 2021). What an attacker can tell apart are groups of steps; in a group he knows the chances of the
states by the walk's long-run shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from mission.games.game import Launch, PatrolGame, Sight
from mission.games.states import Ints, StateGraph
from patrol.checks import Floats

Block = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the attacker tells apart: ``group`` (E,) of each step; ``groups`` in number."""

    group: Ints
    groups: int
    weighs: bool
    """Whether a group holds states that behave differently, so that their shares matter."""


def sighting(game: PatrolGame, graph: StateGraph) -> Sighting:
    """Group the steps of ``graph`` by what the observer of ``game`` sees of them."""
    departs = game.launch is Launch.DEPARTURE
    if game.sight is Sight.STATE:
        keys = np.arange(graph.steps) if departs else graph.heads
    elif game.sight is Sight.MOVE:
        keys = graph.place[graph.tails] * game.places + graph.place[graph.heads]
    else:
        keys = graph.place[graph.tails] if departs else graph.place[graph.heads]
    kinds, group = np.unique(keys, return_inverse=True)
    return Sighting(group=group.astype(np.int64), groups=len(kinds), weighs=game.sight is not Sight.STATE)


class Evaluator:
    """Capture probabilities on one graph of states, for any chances of its steps."""

    def __init__(self, game: PatrolGame, graph: StateGraph) -> None:
        self.game, self.graph = game, graph
        self.sighting = sighting(game, graph)
        self._dwell = np.array(game.dwell_ticks, dtype=np.int64)[graph.place[graph.tails]]
        self._whole = self._dwell + graph.travel
        self._in_time = self._whole <= game.horizon
        self._longest = int(self._whole[self._in_time].max(initial=1))
        self._columns = (self._whole - 1) * graph.states + graph.heads
        self.attack = np.array([target.attack_ticks for target in game.targets], dtype=np.int64)
        self.weight = np.array([target.weight for target in game.targets])
        self._missed = np.array([1.0 - target.detection for target in game.targets])
        at = np.array([target.place for target in game.targets], dtype=np.int64)
        self._here = graph.place[:, None] == at[None, :]

    @property
    def targets(self) -> int:
        return len(self.attack)

    def matrix(self, chance: Floats) -> csr_array:
        """The steps as one matrix (S, longest step * S): columns are the state where a step ends, by how long it takes. Steps
        that take longer than any attack are left out, since nothing is caught after them."""
        shape, counts = (self.graph.states, self._longest * self.graph.states), self._in_time
        return csr_array((chance[counts], (self.graph.tails[counts], self._columns[counts])), shape=shape)

    def _seen(self, caught: Floats) -> Floats:
        """The chance of being caught on arriving in each state, from that of being caught later (S, T)."""
        return np.where(self._here, 1.0 - self._missed * (1.0 - caught), caught)

    def history(self, chance: Floats) -> Floats:
        """On arriving in a state with b ticks left: chances (B + 1, S, T), b falling from the horizon to 0."""
        states, horizon = self.graph.states, self.game.horizon
        steps = self.matrix(chance)
        flat = np.zeros(((horizon + 1 + self._longest) * states, self.targets))
        flat[horizon * states : (horizon + 1) * states] = self._seen(np.zeros((states, self.targets)))
        for left in range(1, horizon + 1):
            row = (horizon - left) * states
            caught = steps @ flat[row + states : row + states + self._longest * states]
            flat[row : row + states] = self._seen(caught)
        return flat[: (horizon + 1) * states].reshape(horizon + 1, states, self.targets)

    def by_step(self, chance: Floats) -> tuple[Floats, Floats]:
        """Chances (E, T) that an attack seen with each step is caught; and the history that they come from."""
        history = self.history(chance)
        columns = np.arange(self.targets)
        if self.game.launch is Launch.DEPARTURE:
            left = self.attack[None, :] - self.graph.travel[:, None]
            row = np.clip(self.game.horizon - left, 0, self.game.horizon)
            caught = history[row, self.graph.heads[:, None], columns]
            return np.where(left >= 0, caught, 0.0), history
        standing = self._standing(chance, history)
        return standing[self.graph.heads], history

    def _standing(self, chance: Floats, history: Floats) -> Floats:
        """Chances (S, T) that an attack begun while the patrol stands in a state is caught."""
        caught = np.zeros((self.graph.states, self.targets))
        for target, ticks in enumerate(self.attack):
            left = ticks - self._whole
            row = np.clip(self.game.horizon - left, 0, self.game.horizon)
            value = np.where(left >= 0, history[row, self.graph.heads, target], 0.0)
            caught[:, target] = np.bincount(self.graph.tails, weights=chance * value, minlength=self.graph.states)
        return caught

    def by_group(self, chance: Floats, flow: Floats | None) -> tuple[Floats, Floats, Floats]:
        """Chances (G, T) by what the attacker sees; the chances by step, and the history.

        ``flow`` (E,) is how often each step is taken; needed only where the attacker does not see the state.
        """
        caught, history = self.by_step(chance)
        sees = self.sighting
        if not sees.weighs or flow is None:
            first = np.zeros(sees.groups, dtype=np.int64)
            first[sees.group[::-1]] = np.arange(self.graph.steps)[::-1]
            return caught[first], caught, history
        total = np.bincount(sees.group, weights=flow, minlength=sees.groups)
        share = flow / np.maximum(total[sees.group], 1e-300)
        summed = np.zeros((sees.groups, self.targets))
        np.add.at(summed, sees.group, share[:, None] * caught)
        return summed, caught, history

    def derivative(self, chance: Floats, history: Floats, wanted: Floats, of_target: Ints) -> Floats:
        """Derivatives (E, K) by the chances of the steps of K sums: column k weighs the chances by step of the target
        ``of_target[k]`` by ``wanted[:, k]`` (E, K)."""
        graph, horizon, states = self.graph, self.game.horizon, self.graph.states
        columns = len(of_target)
        back = np.zeros((horizon + 1 + self._longest, states, columns))
        slope = np.zeros((graph.steps, columns))
        if self.game.launch is Launch.DEPARTURE:
            left = self.attack[of_target][None, :] - graph.travel[:, None]
            step, column = np.nonzero((left >= 0) & (wanted != 0.0))
            np.add.at(back, (horizon - left[step, column], graph.heads[step], column), wanted[step, column])
        else:
            self._from_standing((back, slope), chance, history, (wanted, of_target))
        pass_on = np.where(self._here[:, of_target], self._missed[of_target][None, :], 1.0)
        transposed = self.matrix(chance).T.tocsr()
        flat = back.reshape(-1, columns)
        for left_now in range(horizon, 0, -1):
            row = horizon - left_now
            owed = back[row] * pass_on
            back[row] = owed
            flat[(row + 1) * states : (row + 1 + self._longest) * states] += transposed @ owed
        for row in range(horizon):
            left_after = horizon - row - self._whole
            can = np.flatnonzero(left_after >= 0)
            earned = history[horizon - left_after[can], graph.heads[can]][:, of_target]
            slope[can] += back[row, graph.tails[can]] * earned
        return slope

    def _from_standing(self, into: tuple[Floats, Floats], chance: Floats, history: Floats, wanted: tuple[Floats, Ints]) -> None:
        """Start the backward pass where attacks begin while the patrol stands in the head of a step."""
        back, slope = into
        weights, of_target = wanted
        graph, horizon = self.graph, self.game.horizon
        for column, target in enumerate(of_target):
            owed = np.bincount(graph.heads, weights=weights[:, column], minlength=graph.states)
            left = int(self.attack[target]) - self._whole
            can = np.flatnonzero(left >= 0)
            row = horizon - left[can]
            np.add.at(back[:, :, column], (row, graph.heads[can]), owed[graph.tails[can]] * chance[can])
            slope[can, column] += owed[graph.tails[can]] * history[row, graph.heads[can], target]
