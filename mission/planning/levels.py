# SPDX-License-Identifier: Apache-2.0
"""A second lower bound, strong for sites that are long: fences, corridors, roads.

Take the distance of every vertex from one of them, the root. Along an edge that distance changes no faster than a robot walks,
so K robots on the graph, seen only by their distance from the root, are K robots on a line, no faster, that visit the points
p1 ≤ p2 ≤ ... of the vertices at least as often. Let the worst idleness be L. Number the robots on the line by their order at each
moment; the i-th moves no faster for that. Whoever visits p1, the first robot is then at p1 or left of it; so it is there every L
and never farther right than p1 + L/2. All points beyond are visited by the others, and are so still when these are not let left
of the first such point. Repeating this, K groups of points that each span L/2 or less hold all points (Pasqualetti, Franchi and
Bullo, 2012, show the same for robots on a chain). So L is at least twice the smallest span with which K groups hold all points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mission.planning.graph import Closure
from patrol.checks import Floats

_HALVINGS = 50
_MOST_ROOTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelsBound:
    """No patrol by ``robots`` of unit speed keeps the worst idleness below ``bound_m``; distances from ``root`` show it."""

    robots: int
    root: int
    bound_m: float


def levels_bound(closure: Closure, robots: int) -> LevelsBound:
    """The best over the roots, of which the most outlying are tried when there are many."""
    outlying = np.argsort(-closure.distances_m.max(axis=1), kind="stable")[:_MOST_ROOTS]
    bounds = [(levels_bound_m(closure.distances_m[root], robots), -int(root)) for root in outlying]
    bound_m, root = max(bounds)
    return LevelsBound(robots=robots, root=-root, bound_m=bound_m)


def levels_bound_m(distances_m: Floats, robots: int) -> float:
    """Twice the smallest span in m with which ``robots`` groups hold all of the points (n,) m on a line, rounded down."""
    points = np.unique(distances_m)
    if robots >= points.size:
        return 0.0
    low, high = 0.0, float(points[-1] - points[0])
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if _groups(points, middle) <= robots else (middle, high)
    return 2.0 * low


def _groups(points: Floats, span_m: float) -> int:
    """How many groups hold all points when each spans ``span_m`` at most."""
    first, groups = 0, 0
    while first < points.size:
        first = int(np.searchsorted(points, points[first] + span_m, side="right"))
        groups += 1
    return groups
