# SPDX-License-Identifier: Apache-2.0
"""Searches for a strong lower bound: sets of vertices for the linear programme of ``occupancy``, added where it is loose."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack
from scipy.sparse.csgraph import breadth_first_order, connected_components, maximum_flow

from mission.planning.deadline import Deadline
from mission.planning.graph import Closure, Ints, PatrolGraph
from mission.planning.occupancy import Certificate, SetRows, depth_m, proven_bound_m, set_rows
from patrol.checks import Floats

_FLOW_UNIT = 1_000_000
_FULL_ROOM = 1_000_000_000
_LOOSE = 1e-4
_MOST_SETS_A_ROUND = 60
_MOST_RADII = 12
_STEPS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rates:
    """One solution of the programme: crossings per second (M,), robots waiting (N,)."""

    crossings: Floats
    waiting: Floats


def lower_bound(
    graph: PatrolGraph, closure: Closure, robots: int, deadline: Deadline, *, enough_m: float = np.inf
) -> Certificate:
    """The best bound found before the deadline, for robots of unit speed; stops early once it reaches ``enough_m``, or when no
    set is violated any more. Always valid: a deadline that has passed gives a weaker certificate."""
    search = _Search(graph, closure, robots)
    if graph.count <= robots or graph.count == 1:
        return search.best
    rates = search.climb(deadline)
    while rates is not None and not deadline.passed and search.best.bound_m < enough_m * (1.0 - 1e-9):
        if not search.add(_violated(graph, closure, rates, search.best.bound_m, deadline)):
            break
        rates = search.climb(deadline)
    return search.best


class _Search:
    """The sets so far, and the best certificate from them."""

    def __init__(self, graph: PatrolGraph, closure: Closure, robots: int) -> None:
        self._graph, self._closure, self._robots = graph, closure, robots
        self._sets = [frozenset((vertex,)) for vertex in range(graph.count)]
        self._known = set(self._sets)
        self._rows: SetRows | None = None
        self.best = Certificate(robots=robots, bound_m=0.0, sets=(), weights=np.zeros(0))

    def add(self, found: list[frozenset[int]]) -> bool:
        """Take over sets that are not known yet; whether there were any."""
        fresh = [one for one in dict.fromkeys(found) if one not in self._known]
        self._sets += fresh
        self._known |= set(fresh)
        self._rows = None if fresh else self._rows
        return bool(fresh)

    def climb(self, deadline: Deadline) -> _Rates | None:
        """Raise L to what the present sets prove: multipliers for one L prove a higher one, and so on. The rates at the last L,
        or None when the programme could not be solved."""
        rows = self._rows = self._rows or set_rows(self._graph, self._closure, self._sets)
        rates = None
        for _ in range(_STEPS):
            idle_m = self.best.bound_m
            solved = _solve(self._graph, rows, idle_m, deadline)
            if solved is None:
                return rates
            rates, weights = solved
            bound_m = proven_bound_m(self._graph, rows, weights, self._robots)
            if bound_m > idle_m:
                used = np.flatnonzero(weights > 0)
                sets = tuple(tuple(sorted(self._sets[index])) for index in used)
                self.best = Certificate(robots=self._robots, bound_m=bound_m, sets=sets, weights=weights[used])
            if bound_m <= idle_m * (1.0 + _LOOSE) or deadline.passed:
                break
        return rates


def _solve(graph: PatrolGraph, rows: SetRows, idle_m: float, deadline: Deadline) -> tuple[_Rates, Floats] | None:
    """The programme at L = ``idle_m``: its rates and the multipliers (n,) of the sets."""
    spells = 0.5 * np.maximum(0.0, idle_m - 2.0 * rows.depths_m)
    on_edges = rows.holds_edge.multiply(graph.lengths_m) + rows.leaves_edge.multiply(spells[:, None])
    matrix: Any = csr_array(hstack((on_edges, rows.holds_vertex)))
    cost = np.concatenate((graph.lengths_m, np.ones(graph.count)))
    answer = linprog(
        cost, A_ub=-matrix, b_ub=-np.ones(matrix.shape[0]), method="highs", options={"time_limit": max(deadline.left_s, 0.1)}
    )
    if answer.status != 0 or answer.x is None:
        return None
    edges = len(graph.edges)
    rates = _Rates(crossings=np.asarray(answer.x[:edges]), waiting=np.asarray(answer.x[edges:]))
    return rates, np.maximum(0.0, -np.asarray(answer.ineqlin.marginals))


def _violated(graph: PatrolGraph, closure: Closure, rates: _Rates, idle_m: float, deadline: Deadline) -> list[frozenset[int]]:
    """Sets that the rates break, the worst first: parts that hang together by busy edges, and minimum cuts around balls."""
    found: dict[frozenset[int], float] = {}
    for members in _busy_parts(graph, rates):
        _note(graph, closure, rates, idle_m, members, found)
    if not found:
        cuts = _Cuts(graph, rates, idle_m)
        for centre in np.random.default_rng(len(graph.edges)).permutation(graph.count).tolist():
            if deadline.passed or len(found) >= _MOST_SETS_A_ROUND * 4:
                break
            for must in _balls(graph, closure, centre, idle_m):
                _note(graph, closure, rates, idle_m, cuts.around(must), found)
    return sorted(found, key=lambda members: found[members])[:_MOST_SETS_A_ROUND]


def _note(
    graph: PatrolGraph,
    closure: Closure,
    rates: _Rates,
    idle_m: float,
    members: frozenset[int],
    found: dict[frozenset[int], float],
) -> None:
    """Keep ``members`` when the rates break (2) on it."""
    if not members or len(members) == graph.count or members in found:
        return
    inside = np.zeros(graph.count, dtype=np.bool_)
    inside[list(members)] = True
    low, high = inside[graph.edges[:, 0]], inside[graph.edges[:, 1]]
    spell = max(0.0, idle_m - 2.0 * depth_m(graph, closure, members))
    occupied = float(rates.waiting[inside].sum() + (graph.lengths_m * rates.crossings)[low & high].sum())
    left = occupied + 0.5 * spell * float(rates.crossings[low != high].sum())
    if left < 1.0 - _LOOSE:
        found[members] = left


def _busy_parts(graph: PatrolGraph, rates: _Rates) -> list[frozenset[int]]:
    """The parts that hang together by edges busier than each of some thresholds."""
    parts = []
    shape = (graph.count, graph.count)
    for threshold in np.unique(np.quantile(rates.crossings, np.linspace(0.0, 0.9, 12))):
        busy = graph.edges[rates.crossings > threshold]
        links = csr_array((np.ones(len(busy)), (busy[:, 0], busy[:, 1])), shape=shape)
        number, labels = connected_components(links, directed=False)
        order = np.argsort(labels, kind="stable")
        limits = np.searchsorted(labels[order], np.arange(number + 1))
        parts += [frozenset(order[low:high].tolist()) for low, high in pairwise(limits.tolist())]
    return parts


def _balls(graph: PatrolGraph, closure: Closure, centre: int, idle_m: float) -> list[Ints]:
    """What a set must hold so that ``centre`` lies a given distance from its border: all that is nearer, and its neighbours."""
    distances = closure.distances_m[centre]
    radii = np.unique(np.round(distances[distances <= 0.5 * idle_m], 9))
    if radii.size > _MOST_RADII:
        radii = radii[np.linspace(0, radii.size - 1, _MOST_RADII).astype(np.int64)]
    balls = []
    for radius in radii:
        near = distances < radius
        touching = near[graph.edges].any(axis=1)
        must = np.union1d(np.flatnonzero(near), graph.edges[touching].ravel())
        balls.append(np.union1d(must, [centre]))
    return [must for must in balls if must.size < graph.count]


class _Cuts:
    """Minimum cuts of the left side of (2), as a network from a source to a sink."""

    def __init__(self, graph: PatrolGraph, rates: _Rates, idle_m: float) -> None:
        self._count = graph.count
        low, high = graph.edges.T
        time = graph.lengths_m * rates.crossings
        occupied = rates.waiting + 0.5 * np.bincount(graph.edges.ravel(), np.repeat(time, 2), minlength=graph.count)
        across = 0.5 * np.maximum(0.0, idle_m * rates.crossings - time)
        vertices = np.arange(graph.count)
        source, sink = graph.count, graph.count + 1
        room = np.rint(np.concatenate((across, across, occupied, np.zeros(graph.count))) * _FLOW_UNIT)
        rows = np.concatenate((low, high, vertices, np.full(graph.count, source)))
        columns = np.concatenate((high, low, np.full(graph.count, sink), vertices))
        self._places = (rows, columns)
        self._room = np.minimum(room, _FULL_ROOM).astype(np.int32)

    def around(self, must: Ints) -> frozenset[int]:
        """The set with ``must`` inside that the left side of (2) is least for, its depth left out of account."""
        source, sink = self._count, self._count + 1
        room = self._room.copy()
        room[room.size - self._count + must] = _FULL_ROOM
        network = csr_array((room, self._places), shape=(self._count + 2, self._count + 2))
        rest = csr_array(network - maximum_flow(network, source, sink).flow)
        rest.data[rest.data <= 0] = 0
        rest.eliminate_zeros()
        reached = breadth_first_order(rest, source, return_predecessors=False)
        return frozenset(int(vertex) for vertex in reached if vertex < self._count)
