# SPDX-License-Identifier: Apache-2.0
"""Divides a team over groups of places that lie near one another, apart from the rest.

A tour cut into pieces (``split.cut_tour``) can not leave out an outpost in its middle. Here places are joined nearest first
(single linkage), and of all the groups that come about the best ones that hold every place once are found by dynamic
programming: a group is either one round, or what is best for the two that it was joined from.
"""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from mission.planning.deadline import Deadline
from mission.planning.graph import Ints
from mission.planning.split import CLOSER, Division, cut_tour, staffed, worst_m
from patrol.checks import Floats

_HALVINGS = 40


def grouped(distances_m: Floats, order: list[int], robots: int, deadline: Deadline, *, known_m: float) -> Division | None:
    """The best division into groups, each of which is walked in the order of the tour ``order`` and cut once more if it has
    several robots; None when none is below ``known_m``, or the deadline has passed before the groups are known."""
    if deadline.passed:
        return None
    places = np.array(order)
    near_m = distances_m[np.ix_(places, places)]
    joins = linkage(squareform(near_m, checks=False), "single")[:, :2].astype(np.int64)
    lengths_m = _lengths_m(near_m, joins, deadline)
    if lengths_m is None:
        return None
    low, high = 0.0, known_m * CLOSER
    found = _groups(joins, lengths_m, robots, high)
    if found is None:
        return None
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        trial = _groups(joins, lengths_m, robots, middle)
        low, high, found = (low, middle, trial) if trial is not None else (middle, high, found)
    rounds = [(tuple(places[_members(joins, group)].tolist()), float(lengths_m[group])) for group in found]
    return _cut_once_more(distances_m, staffed(rounds, robots), deadline)


def _lengths_m(near_m: Floats, joins: Ints, deadline: Deadline) -> Floats | None:
    """Length in m of the round through each group, first the places alone, then as ``joins`` (N - 1, 2) has them."""
    count = len(near_m)
    members = {place: np.array([place]) for place in range(count)}
    lengths_m = np.zeros(count + len(joins))
    for group, (one, other) in enumerate(joins.tolist(), start=count):
        if deadline.passed:
            return None
        members[group] = together = np.sort(np.concatenate((members.pop(one), members.pop(other))))
        lengths_m[group] = near_m[together, np.roll(together, -1)].sum()
    return lengths_m


def _groups(joins: Ints, lengths_m: Floats, robots: int, idle_m: float) -> list[int] | None:
    """The groups that hold every place once and are seen every ``idle_m`` by as few robots as can be; None when that takes too
    many."""
    whole = np.maximum(1.0, np.ceil(lengths_m / max(idle_m, 1e-9)))
    needed = whole.copy()
    count = len(joins) + 1
    for group, (one, other) in enumerate(joins.tolist(), start=count):
        needed[group] = min(whole[group], needed[one] + needed[other])
    if needed[-1] > robots:
        return None
    found, waiting = [], [len(needed) - 1]
    while waiting:
        group = waiting.pop()
        if needed[group] < whole[group]:
            waiting += joins[group - count].tolist()
        else:
            found.append(group)
    return found


def _members(joins: Ints, group: int) -> list[int]:
    """Where the places of a group stand in the tour."""
    count = len(joins) + 1
    found, waiting = [], [group]
    while waiting:
        one = waiting.pop()
        if one < count:
            found.append(one)
        else:
            waiting += joins[one - count].tolist()
    return sorted(found)


def _cut_once_more(distances_m: Floats, division: Division, deadline: Deadline) -> Division:
    """Groups of several robots in pieces, where that is better."""
    shares: Division = ()
    for share in division:
        pieces = None
        if share.robots > 1 and not deadline.passed:
            pieces = cut_tour(distances_m, list(share.order), share.robots, deadline, known_m=worst_m((share,)))
        shares += (share,) if pieces is None else pieces
    return shares
