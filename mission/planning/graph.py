# SPDX-License-Identifier: Apache-2.0
"""The patrol graph: places to visit, the ways between them, and the shortest way from each place to each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, shortest_path

from patrol.checks import Floats, frozen_array, require_all_finite
from patrol.errors import BadValue, PatrolError

Ints = npt.NDArray[np.int64]


class PartsUnconnected(PatrolError):
    """Some places can not be reached from others, so no patrol visits all of them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatrolGraph:
    """``points_m`` (N, 2) m of the vertices in map; ``edges`` (M, 2) vertex numbers, the lower first, each pair once;
    ``lengths_m`` (M,) of the ways along them. Ways are walked in both directions. Raises BadValue for anything else."""

    name: str
    vertex_names: tuple[str, ...]
    points_m: Floats
    edges: Ints
    lengths_m: Floats

    def __post_init__(self) -> None:
        count = len(self.vertex_names)
        if count == 0:
            raise BadValue("vertex_names: a graph needs one vertex at least")
        object.__setattr__(self, "points_m", frozen_array("points_m", self.points_m, (count, 2)))
        object.__setattr__(self, "lengths_m", frozen_array("lengths_m", self.lengths_m, (len(self.edges),)))
        object.__setattr__(self, "edges", frozen_array("edges", np.reshape(self.edges, (-1, 2)), (None, 2), np.int64))
        require_all_finite("points_m", self.points_m)
        require_all_finite("lengths_m", self.lengths_m)
        if (self.lengths_m <= 0).any():
            raise BadValue("lengths_m: every edge must be longer than zero")
        if len(self.edges) and (
            self.edges.min() < 0 or self.edges.max() >= count or (self.edges[:, 0] >= self.edges[:, 1]).any()
        ):
            raise BadValue("edges: each must name two vertices of the graph, the lower first")
        if len({(int(low), int(high)) for low, high in self.edges}) != len(self.edges):
            raise BadValue("edges: the same pair stands twice")

    @property
    def count(self) -> int:
        """How many vertices there are."""
        return len(self.vertex_names)

    def weights(self) -> csr_array:
        """The symmetric sparse matrix (N, N) of edge lengths in m."""
        low, high = self.edges[:, 0], self.edges[:, 1]
        rows, cols = np.concatenate((low, high)), np.concatenate((high, low))
        return csr_array((np.concatenate((self.lengths_m, self.lengths_m)), (rows, cols)), shape=(self.count, self.count))

    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """The neighbours of each vertex, in ascending order."""
        found: list[list[int]] = [[] for _ in range(self.count)]
        for low, high in self.edges.tolist():
            found[low].append(high)
            found[high].append(low)
        return tuple(tuple(sorted(near)) for near in found)

    def parts(self) -> Ints:
        """The number (N,) of the connected part that each vertex lies in."""
        _, labels = connected_components(self.weights(), directed=False)
        return np.asarray(labels, dtype=np.int64)

    def vertex_at(self, x_m: float, y_m: float) -> int:
        """The vertex nearest to a place by |dx| + |dy|, the lowest of equals, as patrolling_sim assigns start poses."""
        return int(np.argmin(np.abs(self.points_m - (x_m, y_m)).sum(axis=1)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Closure:
    """Shortest ways between all vertices: ``distances_m`` (N, N), and ``before`` (N, N): the last vertex but one of each."""

    distances_m: Floats
    before: Ints

    @classmethod
    def of(cls, graph: PatrolGraph) -> Closure:
        """Raises PartsUnconnected, which names a vertex of each part, when not every vertex can be reached."""
        labels = graph.parts()
        if labels.max() > 0:
            first = [graph.vertex_names[int(np.argmax(labels == part))] for part in range(labels.max() + 1)]
            raise PartsUnconnected(
                f"{graph.name}: {len(first)} parts that no way connects, around the vertices {', '.join(first[:8])}"
            )
        distances, before = shortest_path(graph.weights(), directed=False, return_predecessors=True)
        return cls(distances_m=np.asarray(distances, dtype=np.float64), before=np.asarray(before, dtype=np.int64))

    def way(self, start: int, end: int) -> list[int]:
        """The vertices of a shortest way, both ends included."""
        back = [end]
        while back[-1] != start:
            back.append(int(self.before[start, back[-1]]))
        return back[::-1]

    def closed_walk(self, order: list[int] | tuple[int, ...]) -> tuple[int, ...]:
        """The closed walk along edges through ``order`` and back; its first vertex is not repeated at the end."""
        walk: list[int] = []
        for here, there in zip(order, (*order[1:], order[0]), strict=True):
            walk += self.way(here, there)[:-1]
        return tuple(walk) if walk else (order[0],)

    def round_m(self, order: list[int] | tuple[int, ...]) -> float:
        """Length in m of the closed walk through ``order``."""
        return float(self.distances_m[list(order), [*order[1:], order[0]]].sum())


def walk_offsets_m(graph: PatrolGraph, walk: tuple[int, ...]) -> Floats:
    """Where (n + 1,) m along a closed walk each of its n vertices lies; the last is its length. Raises BadValue off the edges."""
    if len(walk) == 1:
        return np.zeros(2)
    here = np.array(walk, dtype=np.int64)
    there = np.roll(here, -1)
    keys = graph.edges[:, 0] * graph.count + graph.edges[:, 1]
    wanted = np.minimum(here, there) * graph.count + np.maximum(here, there)
    order = np.argsort(keys)
    found = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), keys.size - 1)]
    if (keys[found] != wanted).any():
        raise BadValue("walk: leaves the edges of the graph")
    return np.concatenate(([0.0], np.cumsum(graph.lengths_m[found])))
