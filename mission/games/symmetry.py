# SPDX-License-Identifier: Apache-2.0
"""The symmetries of a game, so that steps that look alike may share one chance.

Generators of the automorphism group along a chain of stabilisers (Sims); each search is a backtracking with refined colours.
A search that would take too long is given up, which loses symmetry, never correctness.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mission.games.game import PatrolGame
from mission.games.states import Ints, StateGraph

_PATIENCE = 4000
Permutation = tuple[int, ...]


def automorphisms(game: PatrolGame) -> list[Permutation]:
    """Generators of the permutations of the places that leave ways, dwells and targets as they are."""
    ticks = np.zeros((game.places, game.places), dtype=np.int64)
    for move in game.moves:
        ticks[move.start, move.end] = move.ticks
    colour = _refined(ticks, _first_colours(game))
    found: list[Permutation] = []
    for fixed in range(game.places):
        reached = _orbit(fixed, [p for p in found if p[:fixed] == tuple(range(fixed))])
        for image in range(fixed + 1, game.places):
            if image in reached or colour[image] != colour[fixed]:
                continue
            permutation = _Search(ticks, colour).extend([*range(fixed), image])
            if permutation is not None:
                found.append(permutation)
                reached = _orbit(fixed, [p for p in found if p[:fixed] == tuple(range(fixed))])
    return found


def step_orbits(graph: StateGraph, generators: Sequence[Permutation]) -> Ints:
    """For each step (E,) of an unfolded game the number of its orbit; 0 .. P - 1."""
    number = {label: index for index, label in enumerate(graph.labels)}
    step = {(int(tail), int(head)): index for index, (tail, head) in enumerate(zip(graph.tails, graph.heads, strict=True))}
    parent = list(range(graph.steps))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for permutation in generators:
        image = [number[tuple(permutation[place] for place in word), counter] for word, counter in graph.labels]
        for (tail, head), index in step.items():
            parent[root(index)] = root(step[image[tail], image[head]])
    _, orbit = np.unique([root(index) for index in range(graph.steps)], return_inverse=True)
    return orbit.astype(np.int64)


def _first_colours(game: PatrolGame) -> Ints:
    targets = {target.place: (target.attack_ticks, target.weight, target.detection) for target in game.targets}
    looks = [(game.dwell_ticks[place], targets.get(place, (0, 0.0, 0.0))) for place in range(game.places)]
    kinds = {look: index for index, look in enumerate(sorted(set(looks)))}
    return np.array([kinds[look] for look in looks], dtype=np.int64)


def _refined(ticks: Ints, colour: Ints) -> Ints:
    """Colours refined until places of one colour see the same ways to and from the same colours."""
    while True:
        looks = [
            (int(colour[place]), *_ways(ticks[place], colour), -1, *_ways(ticks[:, place], colour))
            for place in range(len(colour))
        ]
        kinds = {look: index for index, look in enumerate(sorted(set(looks)))}
        if len(kinds) == len(set(colour.tolist())):
            return colour
        colour = np.array([kinds[look] for look in looks], dtype=np.int64)


def _ways(row: npt.NDArray[np.int64], colour: Ints) -> list[int]:
    ways = sorted((int(row[other]), int(colour[other])) for other in np.flatnonzero(row))
    return [number for way in ways for number in way]


def _orbit(start: int, generators: Sequence[Permutation]) -> set[int]:
    reached, waiting = {start}, [start]
    while waiting:
        place = waiting.pop()
        for permutation in generators:
            if permutation[place] not in reached:
                reached.add(permutation[place])
                waiting.append(permutation[place])
    return reached


class _Search:
    """One search for a permutation that begins as told."""

    def __init__(self, ticks: Ints, colour: Ints) -> None:
        self._ticks, self._colour = ticks, colour
        self._left = _PATIENCE

    def extend(self, begins: list[int]) -> Permutation | None:
        images: list[int] = []
        for image in begins:
            if not self._fits(images, image):
                return None
            images.append(image)
        return tuple(images) if self._deepen(images) else None

    def _deepen(self, images: list[int]) -> bool:
        if len(images) == len(self._colour):
            return True
        self._left -= 1
        if self._left < 0:
            return False
        for image in np.flatnonzero(self._colour == self._colour[len(images)]):
            if int(image) not in images and self._fits(images, int(image)):
                images.append(int(image))
                if self._deepen(images):
                    return True
                images.pop()
        return False

    def _fits(self, images: list[int], image: int) -> bool:
        here = len(images)
        if image in images or self._colour[image] != self._colour[here] or self._ticks[here, here] != self._ticks[image, image]:
            return False
        out = np.array_equal(self._ticks[here, :here], self._ticks[image, images])
        return out and np.array_equal(self._ticks[:here, here], self._ticks[images, image])
