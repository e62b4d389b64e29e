# SPDX-License-Identifier: Apache-2.0
"""The shortest closed walk that visits every vertex, proven.

The graphical travelling salesman (Cornuéjols, Fonlupt and Naddef, 1985): how often each edge is walked is a whole number such
that every vertex is entered as often as it is left (its degree is even and at least two) and no part of the graph is cut off
(every cut is crossed twice). No edge is walked more than twice in a shortest walk, since two of three walks along one edge can
be taken out and the rest still hangs together with even degrees. Such edges make a closed walk (Euler; Hierholzer, 1873).
Cuts are added when a solution breaks them, first by minimum cuts on the relaxation, then by the parts of whole-number
solutions; HiGHS (Huangfu and Hall, 2018) solves each. A solution that breaks no cut is optimal, and every solution on the way is
a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, vstack
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow

from mission.planning.deadline import Deadline
from mission.planning.graph import Closure, Ints, PatrolGraph, walk_offsets_m
from mission.planning.tour_search import short_tour
from patrol.checks import Floats

_NO_WORSE = 1.0 + 1e-6
"""Solutions longer than the known tour times this are of no use; saying so prunes the search."""
_AS_LONG = 1.0 - 1e-9
_KNOWN = 1000.0
"""What the known tour counts as: the solver's tolerances are absolute, so it is told lengths in a unit that suits any graph."""
_FLOW_UNIT = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """A closed walk along edges that visits every vertex, its first vertex not repeated; no closed walk that visits every
    vertex is shorter than ``bound_m``, which is ``length_m`` when ``proven``."""

    walk: tuple[int, ...]
    length_m: float
    bound_m: float
    proven: bool


def heuristic_tour(graph: PatrolGraph, closure: Closure, deadline: Deadline, *, seed: int = 0) -> Tour:
    """A short tour by local search, without a bound."""
    order = short_tour(closure.distances_m, range(graph.count), deadline, seed=seed, kicks=min(20, graph.count))
    walk = closure.closed_walk(order)
    return Tour(walk=walk, length_m=float(walk_offsets_m(graph, walk)[-1]), bound_m=0.0, proven=False)


def exact_tour(graph: PatrolGraph, known: Tour, deadline: Deadline) -> Tour:
    """The shortest tour, or ``known`` with the bound that was reached when the deadline passes first."""
    if graph.count == 1:
        return Tour(walk=known.walk, length_m=0.0, bound_m=0.0, proven=True)
    programme = _Programme(graph, known.length_m)
    programme.cut_while(programme.relaxed, lambda uses: _violated_cuts(graph, uses), deadline)
    uses = programme.cut_while(programme.whole, lambda uses: _cut_off_parts(graph, uses), deadline)
    bound_m = min(programme.bound_m, known.length_m)
    if uses is None:
        return Tour(walk=known.walk, length_m=known.length_m, bound_m=bound_m, proven=bound_m >= known.length_m * _AS_LONG)
    walk = euler_walk(graph, np.rint(uses).astype(np.int64))
    length_m = float(walk_offsets_m(graph, walk)[-1])
    return Tour(walk=walk, length_m=length_m, bound_m=length_m, proven=True)


class _Programme:
    """The integer programme: how often each edge is walked (M), and half the degree of each vertex (N)."""

    def __init__(self, graph: PatrolGraph, known_m: float) -> None:
        count, edges = graph.count, len(graph.edges)
        fewest = np.zeros(edges)
        fewest[_bridges(graph)] = 2.0
        self._edges = edges
        self._unit_m = known_m / _KNOWN
        self._cost = np.concatenate((graph.lengths_m / self._unit_m, np.zeros(count)))
        ends, numbers = graph.edges.T.ravel(), np.tile(np.arange(edges), 2)
        rows = np.concatenate((ends, np.arange(count)))
        columns = np.concatenate((numbers, edges + np.arange(count)))
        values = np.concatenate((np.ones(2 * edges), np.full(count, -2.0)))
        degrees = coo_array((values, (rows, columns)), shape=(count, edges + count))
        self._rows = csr_array(vstack((degrees, coo_array(self._cost[None, :]))))
        self._low = np.append(np.zeros(count), -np.inf)
        self._high = np.append(np.zeros(count), _KNOWN * _NO_WORSE)
        self._bounds = Bounds(
            np.concatenate((fewest, np.ones(count))), np.concatenate((np.full(edges, 2.0), np.full(count, np.inf)))
        )
        self._enough_m = known_m * _AS_LONG
        self.bound_m = 0.0

    def relaxed(self, deadline: Deadline) -> Floats | None:
        return self._solved(0, deadline)

    def whole(self, deadline: Deadline) -> Floats | None:
        return self._solved(1, deadline)

    def cut_while(
        self,
        solve: Callable[[Deadline], Floats | None],
        broken: Callable[[Floats], list[Ints]],
        deadline: Deadline,
    ) -> Floats | None:
        """Solve and add broken cuts until none is; None when the deadline passes first, or the known tour is proven."""
        while not deadline.passed and self.bound_m < self._enough_m:
            uses = solve(deadline)
            if uses is None:
                return None
            cuts = broken(uses)
            if not cuts:
                return uses
            rows = np.repeat(np.arange(len(cuts)), [cut.size for cut in cuts])
            entries = (np.ones(rows.size), (rows, np.concatenate(cuts)))
            self._rows = csr_array(vstack((self._rows, coo_array(entries, shape=(len(cuts), self._cost.size)))))
            self._low = np.append(self._low, np.full(len(cuts), 2.0))
            self._high = np.append(self._high, np.full(len(cuts), np.inf))
        return None

    def _solved(self, integrality: int, deadline: Deadline) -> Floats | None:
        answer = milp(
            self._cost,
            integrality=np.full(self._cost.size, integrality),
            bounds=self._bounds,
            constraints=LinearConstraint(self._rows, self._low, self._high),
            options={"time_limit": max(deadline.left_s, 0.01), "mip_rel_gap": 0.0},
        )
        bound = answer.fun if not integrality else answer.mip_dual_bound
        if bound is not None and answer.status == 0:
            self.bound_m = max(self.bound_m, float(bound) * self._unit_m)
        return np.asarray(answer.x[: self._edges]) if answer.status == 0 else None


def _crossing(graph: PatrolGraph, inside: Ints) -> Ints:
    """Numbers of the edges with exactly one end among the vertices ``inside``."""
    chosen = np.zeros(graph.count, dtype=np.bool_)
    chosen[inside] = True
    return np.flatnonzero(chosen[graph.edges[:, 0]] != chosen[graph.edges[:, 1]])


def _cut_off_parts(graph: PatrolGraph, uses: Floats, *, least: float = 0.5) -> list[Ints]:
    """For each part that the edges used more than ``least`` times leave cut off, the edges that lead out of it."""
    walked = graph.edges[uses > least]
    links = csr_array((np.ones(len(walked)), (walked[:, 0], walked[:, 1])), shape=(graph.count, graph.count))
    parts, labels = connected_components(links, directed=False)
    return [_crossing(graph, np.flatnonzero(labels == part)) for part in range(parts)] if parts > 1 else []


def _bridges(graph: PatrolGraph) -> Ints:
    """Numbers of the edges without which the graph falls apart."""
    numbers = np.arange(len(graph.edges))
    found = []
    for number in numbers:
        kept = graph.edges[numbers != number]
        links = csr_array((np.ones(len(kept)), (kept[:, 0], kept[:, 1])), shape=(graph.count, graph.count))
        parts, _ = connected_components(links, directed=False)
        if parts > 1:
            found.append(number)
    return np.array(found, dtype=np.int64)


def _violated_cuts(graph: PatrolGraph, uses: Floats) -> list[Ints]:
    """Cuts that a fractional solution crosses less than twice: around parts that no use connects, or else minimum cuts from
    vertex 0 to every other."""
    parts = _cut_off_parts(graph, uses, least=1e-6)
    if parts:
        return parts
    low, high = graph.edges.T
    room = np.rint(uses * _FLOW_UNIT).astype(np.int32)
    shape = (graph.count, graph.count)
    network = csr_array((np.tile(room, 2), (np.concatenate((low, high)), np.concatenate((high, low)))), shape=shape)
    found: dict[bytes, Ints] = {}
    separated = np.zeros(graph.count, dtype=np.bool_)
    for sink in range(1, graph.count):
        if separated[sink]:
            continue
        flow = maximum_flow(network, 0, sink)
        if flow.flow_value < (2.0 - 1e-4) * _FLOW_UNIT:
            rest = csr_array(network - flow.flow)
            rest.data[rest.data <= 0] = 0
            rest.eliminate_zeros()
            reached = breadth_first_order(rest, 0, return_predecessors=False)
            beyond = np.ones(graph.count, dtype=np.bool_)
            beyond[reached] = False
            separated |= beyond
            crossing = _crossing(graph, np.asarray(reached, dtype=np.int64))
            found[crossing.tobytes()] = crossing
    return list(found.values())


def euler_walk(graph: PatrolGraph, uses: Ints) -> tuple[int, ...]:
    """A closed walk that takes each edge as often as ``uses`` (M,) says, by Hierholzer (1873); begins at vertex 0."""
    ways: list[list[int]] = [[] for _ in range(graph.count)]
    left = uses.copy()
    for number, (low, high) in enumerate(graph.edges.tolist()):
        ways[low] += [number] * int(uses[number])
        ways[high] += [number] * int(uses[number])
    trail, walk = [0], []
    while trail:
        here = trail[-1]
        while ways[here] and left[ways[here][-1]] <= 0:
            ways[here].pop()
        if not ways[here]:
            walk.append(trail.pop())
            continue
        number = ways[here].pop()
        left[number] -= 1
        low, high = graph.edges[number].tolist()
        trail.append(high if here == low else low)
    return tuple(walk[:-1])
