# SPDX-License-Identifier: Apache-2.0
"""The states of a patrol with memory, and a strategy on them: the chance of each step.

A regular strategy (Kučera and Lamser, AAMAS 2016) is a random walk on states; each stands at a place and remembers something:
the last places it came through, and a counter without a meaning of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array, eye_array, vstack
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from mission.games.game import PatrolGame
from patrol.checks import Floats, frozen_array
from patrol.errors import BadValue

Ints = npt.NDArray[np.int64]
_DENSE_STATES = 300
Word = tuple[int, ...]
"""The last places of a patrol, the present one last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """``places`` remembered besides the present one, and the values 0 .. ``counters`` - 1 of a free counter."""

    places: int = 0
    counters: int = 1

    def __post_init__(self) -> None:
        if self.places < 0 or self.counters < 1:
            raise BadValue(f"memory: {self.places} places and {self.counters} counters")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateGraph:
    """``place`` (S,); steps sorted by tail: ``tails``, ``heads``, ``travel`` (E,): ticks from setting off to arriving.
    ``labels`` (S,) says in words what a state remembers."""

    place: Ints
    tails: Ints
    heads: Ints
    travel: Ints
    labels: tuple[tuple[Word, int], ...]

    def __post_init__(self) -> None:
        states, steps = len(self.place), len(self.tails)
        for name, length in (("place", states), ("tails", steps), ("heads", steps), ("travel", steps)):
            object.__setattr__(self, name, frozen_array(name, getattr(self, name), (length,), np.int64))
        if np.any(np.diff(self.tails) < 0):
            raise BadValue("tails: not in ascending order")

    @property
    def states(self) -> int:
        return len(self.place)

    @property
    def steps(self) -> int:
        return len(self.tails)

    def kept(self, steps: npt.NDArray[np.bool_]) -> tuple[StateGraph, npt.NDArray[np.bool_]]:
        """The graph of only those steps (mask (E,)) and the states they touch; also the mask (S,) of the states that stay."""
        stays = np.zeros(self.states, dtype=np.bool_)
        stays[self.tails[steps]] = True
        stays[self.heads[steps]] = True
        number = np.cumsum(stays) - 1
        graph = StateGraph(
            place=self.place[stays],
            tails=number[self.tails[steps]],
            heads=number[self.heads[steps]],
            travel=self.travel[steps],
            labels=tuple(label for label, stay in zip(self.labels, stays, strict=True) if stay),
        )
        return graph, stays


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A strategy: ``chance`` (E,) of each step of ``graph``, one in sum over the steps out of a state."""

    graph: StateGraph
    chance: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "chance", frozen_array("chance", self.chance, (self.graph.steps,)))
        out = np.bincount(self.graph.tails, weights=self.chance, minlength=self.graph.states)
        if self.chance.min(initial=0.0) < 0.0 or np.abs(out - 1.0).max(initial=0.0) > 1e-9:
            raise BadValue("chance: below zero, or not one in sum over the steps out of a state")


def unfold(game: PatrolGame, memory: Memory) -> StateGraph:
    """Every state that ``memory`` can tell apart on ``game``, and every step between them."""
    ways: dict[int, list[tuple[int, int]]] = {}
    for move in game.moves:
        ways.setdefault(move.start, []).append((move.end, move.ticks))
    words: list[Word] = [(place,) for place in range(game.places)]
    for _ in range(memory.places):
        words = [(*word, end) for word in words for end, _ in ways[word[-1]]]
    labels = tuple(product(words, range(memory.counters)))
    number = {label: index for index, label in enumerate(labels)}
    rows = [
        (index, number[(*word, end)[1:], counter], ticks)
        for index, (word, _) in enumerate(labels)
        for end, ticks in ways[word[-1]]
        for counter in range(memory.counters)
    ]
    steps = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return StateGraph(
        place=np.array([word[-1] for word, _ in labels], dtype=np.int64),
        tails=steps[:, 0],
        heads=steps[:, 1],
        travel=steps[:, 2],
        labels=labels,
    )


def closed_classes(graph: StateGraph, support: npt.NDArray[np.bool_]) -> list[Ints]:
    """The sets of states that a patrol taking the steps in ``support`` (E,) never leaves once inside, the largest first."""
    tails, heads = graph.tails[support], graph.heads[support]
    links = csr_array((np.ones(len(tails)), (tails, heads)), shape=(graph.states, graph.states))
    count, member = connected_components(links, directed=True, connection="strong")
    leaks = np.zeros(count, dtype=np.bool_)
    leaks[member[tails[member[tails] != member[heads]]]] = True
    moves = np.zeros(count, dtype=np.bool_)
    moves[member[tails]] = True
    found = [np.flatnonzero(member == index) for index in np.flatnonzero(moves & ~leaks)]
    return sorted(found, key=lambda states: (-len(states), int(states[0])))


def restricted(walk: Walk, states: Ints) -> Walk:
    """The walk inside one closed class, without the steps that are never taken."""
    inside = np.zeros(walk.graph.states, dtype=np.bool_)
    inside[states] = True
    taken = inside[walk.graph.tails] & (walk.chance > 0.0)
    graph, _ = walk.graph.kept(taken)
    return Walk(graph=graph, chance=walk.chance[taken])


def stationary(walk: Walk) -> Floats:
    """The share (S,) of steps that set off from each state, of a walk that is one closed class."""
    graph, states = walk.graph, walk.graph.states
    right = np.zeros(states)
    right[-1] = 1.0
    balance = csr_array((walk.chance, (graph.heads, graph.tails)), shape=(states, states)) - eye_array(states, format="csr")
    if states <= _DENSE_STATES:
        matrix = balance.toarray()
        matrix[-1] = 1.0
        share = np.linalg.solve(matrix, right)
    else:
        share = splu(csc_array(vstack((balance[:-1], csr_array(np.ones((1, states))))))).solve(right)
    share = np.clip(share, 0.0, None)
    normalised: Floats = share / share.sum()
    return normalised
