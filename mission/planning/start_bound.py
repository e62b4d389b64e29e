# SPDX-License-Identifier: Apache-2.0
"""What no team can better between standing where it does and its patrol.

When no place ever goes unseen for longer than G from time 0 on, every place is seen by then. So some robot gets to each place
in time; and the walks that the robots have made by G hold all places and all starts, so that together they are no shorter than
the lightest tree that joins every place to some start.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree

from mission.planning.graph import Closure
from patrol.checks import Floats


def start_bound_s(
    closure: Closure, speed_mps: float, starts: tuple[int, ...], ready_s: Floats, ages_s: Floats | None = None
) -> float:
    """The longest that some place goes unseen, at best, from time 0 until all were seen, when robot i comes to vertex
    ``starts[i]`` at ``ready_s[i]`` and each place has gone unseen for ``ages_s`` (N,) already, by default not at all."""
    way_m = closure.distances_m[list(starts)]
    soonest_s = (ready_s[:, None] + way_m / speed_mps).min(axis=0)
    first_s = float((soonest_s if ages_s is None else soonest_s + ages_s).max())
    ready_sums_s = np.cumsum(np.sort(ready_s))
    shared_s = (_tree_m(closure, way_m.min(axis=0)) / speed_mps + ready_sums_s) / np.arange(1, ready_s.size + 1)
    return max(first_s, float(shared_s.min()))


def _tree_m(closure: Closure, near_m: Floats) -> float:
    """Length in m of the lightest tree that joins all places to what is ``near_m`` (N,) from them."""
    apart = np.flatnonzero(near_m > 0.0)
    joined = np.zeros((apart.size + 1, apart.size + 1))
    joined[1:, 1:] = closure.distances_m[np.ix_(apart, apart)]
    joined[0, 1:] = near_m[apart]
    return float(minimum_spanning_tree(joined).sum())
