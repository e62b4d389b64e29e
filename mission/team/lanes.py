# SPDX-License-Identifier: Apache-2.0
"""Where robots must make way for one another: narrow ways cut into cells, and how many robots a place or a cell holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from mission.planning.graph import Closure, PatrolGraph
from patrol.checks import require_positive
from patrol.errors import BadValue

CELL_M = 2.0
MOST_VERTICES = 6_000
"""Places and cells; the shortest ways between all of them are kept."""
Edge = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lanes:
    """``graph`` holds the places of the patrol graph first and then the cells of its narrow ways; ``places`` is how many are
    places. ``room`` is how many robots each vertex holds; a way in ``narrow``, named by its ends, the lower first, takes one
    robot at a time."""

    graph: PatrolGraph
    closure: Closure
    places: int
    room: tuple[int, ...]
    near: tuple[tuple[int, ...], ...]
    narrow: frozenset[Edge]

    @classmethod
    def of(
        cls, graph: PatrolGraph, narrow: Iterable[Edge], *, room: Mapping[int, int] | None = None, cell_m: float = CELL_M
    ) -> Lanes:
        """Cut each narrow way of ``graph`` into cells of ``cell_m`` or less, which hold one robot each. A place holds as many as
        ``room`` says; otherwise any number, but one where only narrow ways meet. Raises BadValue for a way that is none, and for
        more cells than can be gone through."""
        require_positive("cell_m", cell_m)
        wanted = {(min(edge), max(edge)) for edge in narrow}
        known = {(int(low), int(high)) for low, high in graph.edges}
        if wanted - known:
            low, high = min(wanted - known)
            raise BadValue(f"narrow: {graph.name} has no way from {low} to {high}")
        long_m = [length for way, length in zip(graph.edges.tolist(), graph.lengths_m, strict=True) if tuple(way) in wanted]
        cells = float(np.ceil(np.array(long_m) / cell_m).sum())
        if graph.count + cells > MOST_VERTICES:
            because = f"cuts the narrow ways into {cells:.0f} cells, more than {MOST_VERTICES} with the places"
            raise BadValue(f"cell_m: {cell_m:g} m {because}")
        cut = _Cut(graph, wanted, cell_m)
        whole = cut.graph()
        tight = {
            place for place in range(graph.count) if all(tuple(sorted((place, other))) in wanted for other in cut.near[place])
        }
        rooms = {place: 1 if place in tight and cut.near[place] else graph.count + 1000 for place in range(graph.count)}
        rooms |= dict(room or {})
        if any(number < 1 for number in rooms.values()):
            raise BadValue("room: every place must hold one robot at least")
        return cls(
            graph=whole,
            closure=Closure.of(whole),
            places=graph.count,
            room=tuple(rooms.get(vertex, 1) for vertex in range(whole.count)),
            near=whole.neighbours(),
            narrow=frozenset(cut.narrow),
        )

    def towards(self, here: int, there: int) -> int:
        """The vertex after ``here`` on the shortest way to ``there``, which is another."""
        return int(self.closure.before[there, here])

    def length_m(self, here: int, there: int) -> float:
        """Length in m of the shortest way."""
        return float(self.closure.distances_m[here, there])

    def place_near(self, here: int) -> int:
        """``here``, if it is a place, or else the place nearest to this cell."""
        return int(self.closure.distances_m[here, : self.places].argmin())


class _Cut:
    """The graph with narrow ways replaced by chains of cells."""

    def __init__(self, graph: PatrolGraph, narrow: set[Edge], cell_m: float) -> None:
        self._graph = graph
        self.near = graph.neighbours()
        self._names = list(graph.vertex_names)
        self._points = list(graph.points_m)
        self._edges: dict[Edge, float] = {}
        self.narrow: set[Edge] = set()
        for (low, high), length_m in zip(graph.edges.tolist(), graph.lengths_m.tolist(), strict=True):
            if (low, high) in narrow:
                self._chain(low, high, length_m, math.ceil(length_m / cell_m - 1e-9))
            else:
                self._edges[low, high] = length_m

    def _chain(self, low: int, high: int, length_m: float, steps: int) -> None:
        here = low
        for step in range(1, max(steps, 1) + 1):
            there = high if step >= steps else len(self._names)
            if there == len(self._names):
                share = step / steps
                self._names.append(f"{self._graph.vertex_names[low]}~{self._graph.vertex_names[high]}/{step}")
                self._points.append((1.0 - share) * self._graph.points_m[low] + share * self._graph.points_m[high])
            edge = (min(here, there), max(here, there))
            self._edges[edge] = length_m / max(steps, 1)
            self.narrow.add(edge)
            here = there

    def graph(self) -> PatrolGraph:
        return PatrolGraph(
            name=self._graph.name,
            vertex_names=tuple(self._names),
            points_m=np.array(self._points),
            edges=np.array(list(self._edges), dtype=np.int64).reshape(-1, 2),
            lengths_m=np.array(list(self._edges.values())),
        )
