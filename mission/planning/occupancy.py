# SPDX-License-Identifier: Apache-2.0
"""A lower bound on the worst idleness of any patrol, with a certificate that a few lines of arithmetic check.

Let K robots of unit speed walk a graph for ever, by any rule at all, so that from some time on no vertex goes unseen for longer
than L. Say that a robot is *on* an edge while it crosses that edge from end to end without turning back, and *at* the vertex
that it was on last at all other times. Over a long time let f(e) be the number of crossings of edge e per second, in both
directions and by all robots, and w(v) the mean number of robots at v, with any time on an edge e beyond its length d(e) counted
to the vertex where that crossing began. All of a robot's time is spent somewhere:

    (1)  Σ d(e) f(e) + Σ w(v) = K.

Take a set S of vertices, not all of them. Its *border* is the vertices of S with a neighbour outside, and its *depth* D(S) is
the greatest distance from a vertex of S to the border. A robot is *in* S when it is at a vertex of S or on an edge with both
ends in S. Consider a longest spell in which no robot is in S, begun as the last one leaves, ended as the first one returns.
Robots leave and return over the border. A vertex z in S at distance D(S) from the border was last seen at least D(S) before the
spell, since whoever saw it then had to walk out, and is next seen at least D(S) after it. So the spell lasts L - 2 D(S) at most,
and when that is below zero there is none. Spells per second are no more than the robots that leave S per second, which is half
of the crossings of the edges between S and the rest, since as many come in as go out. The share of time in spells and the mean
number of robots in S make up all of the time or more:

    (2)  Σ over v in S of w(v) + Σ over e inside S of d(e) f(e) + ½ max(0, L - 2 D(S)) · Σ over e leaving S of f(e) ≥ 1.

What a finite time adds to these means vanishes as the time grows, and the means are bounded, so limits exist that satisfy (1)
and (2) for any finite family of sets at once. Therefore K is at least the value of the linear programme that minimises the left
side of (1) under (2). By weak duality so is Σ y(S), for any y ≥ 0 with

    (3)  Σ over S that e leaves of y(S) · ½ max(0, L - 2 D(S)) + d(e) Σ over S that hold e of y(S) ≤ d(e) for every edge,
    (4)  Σ over S that hold v of y(S) ≤ 1 for every vertex.

If Σ y(S) is above K, then no patrol by K robots keeps the worst idleness at L, nor at anything below L, since the left side of
(3) rises with L. Multiplying y by a factor changes (3), (4) and the sum alike, so any y ≥ 0 bounds L: by the greatest L at which
Σ y(S) ÷ (the largest quotient of left to right in (3) and (4)) is still above K. For one robot a second argument holds as well:
the worst idleness is at least the shortest closed walk (Chevaleyre, 2004).

The bound sees that dead ends must be walked in and out, which bounds from paths and trees do not, and that a part too deep to be
left needs a robot of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from mission.planning.graph import Closure, PatrolGraph
from patrol.checks import Floats

_STRICT = 1.0 + 1e-12
_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Certificate:
    """No patrol by ``robots`` of unit speed keeps the worst idleness below ``bound_m`` (m, or s at 1 m/s): ``sets`` of vertices
    and their multipliers ``weights`` (n,) as in the proof. ``check_certificate`` checks it from the graph alone."""

    robots: int
    bound_m: float
    sets: tuple[tuple[int, ...], ...]
    weights: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SetRows:
    """The coefficients of (2) for n sets: ``holds_vertex`` (n, N), ``holds_edge`` (n, M), ``leaves_edge`` (n, M) as zeros and
    ones, and ``depths_m`` (n,)."""

    holds_vertex: csr_array
    holds_edge: csr_array
    leaves_edge: csr_array
    depths_m: Floats


def set_rows(graph: PatrolGraph, closure: Closure, sets: list[frozenset[int]]) -> SetRows:
    """The rows of ``sets``, each neither empty nor all vertices."""
    rows = np.repeat(np.arange(len(sets)), [len(one) for one in sets])
    columns = np.array([vertex for one in sets for vertex in sorted(one)], dtype=np.int64)
    holds = csr_array(coo_array((np.ones(rows.size), (rows, columns)), shape=(len(sets), graph.count)))
    numbers = np.arange(len(graph.edges))
    ends = [
        csr_array((np.ones(numbers.size), (graph.edges[:, side], numbers)), shape=(graph.count, numbers.size)) for side in (0, 1)
    ]
    low, high = holds @ ends[0], holds @ ends[1]
    both = csr_array(low.multiply(high))
    leaves = csr_array(low + high - 2.0 * both)
    leaves.eliminate_zeros()
    depths = np.array([depth_m(graph, closure, one) for one in sets])
    return SetRows(holds_vertex=holds, holds_edge=both, leaves_edge=leaves, depths_m=depths)


def depth_m(graph: PatrolGraph, closure: Closure, members: frozenset[int]) -> float:
    """The greatest distance in m from a vertex of the set to its border."""
    if len(members) == 1:
        return 0.0
    inside = np.zeros(graph.count, dtype=np.bool_)
    inside[list(members)] = True
    leaving = graph.edges[inside[graph.edges[:, 0]] != inside[graph.edges[:, 1]]]
    border = np.unique(leaving[inside[leaving]])
    return float(closure.distances_m[np.ix_(np.flatnonzero(inside), border)].min(axis=1).max())


def proven_bound_m(graph: PatrolGraph, rows: SetRows, weights: Floats, robots: int) -> float:
    """The greatest worst idleness in m that ``weights`` (n,) ≥ 0 rule out for ``robots`` of unit speed; 0 when they rule out
    nothing."""
    total = float(weights.sum())
    on_vertices = float((rows.holds_vertex.T @ weights).max(initial=0.0))
    on_edges = rows.holds_edge.T @ weights
    crossing = csr_array(rows.leaves_edge.T)

    def rules_out(idle_m: float) -> bool:
        spells = 0.5 * np.maximum(0.0, idle_m - 2.0 * rows.depths_m) * weights
        quotients = (crossing @ spells) / graph.lengths_m + on_edges
        return total > robots * max(on_vertices, float(quotients.max(initial=0.0))) * _STRICT

    if not rules_out(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while rules_out(high) and high < 1e12:
        low, high = high, 2.0 * high
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rules_out(middle) else (low, middle)
    return low


def check_certificate(graph: PatrolGraph, certificate: Certificate) -> bool:
    """Whether the certificate proves its bound, worked out anew from the graph: the sets are proper, the multipliers are not
    negative, and (3) and (4) leave their sum above the number of robots at every L below the bound."""
    if certificate.bound_m <= 0.0:
        return True
    sets = [frozenset(one) for one in certificate.sets]
    proper = all(0 < len(one) < graph.count and min(one) >= 0 and max(one) < graph.count for one in sets)
    if not proper or certificate.weights.shape != (len(sets),) or not (certificate.weights >= 0.0).all():
        return False
    rows = set_rows(graph, Closure.of(graph), sets)
    return proven_bound_m(graph, rows, certificate.weights, certificate.robots) >= certificate.bound_m * (1.0 - 1e-9)
