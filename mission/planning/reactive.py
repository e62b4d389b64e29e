# SPDX-License-Identifier: Apache-2.0
"""Reactive strategies, the peers that plans are measured against: at each vertex a robot picks the neighbour to go to next.

Neighbours are tried in ascending order and the first best wins, so a run can be repeated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mission.planning.graph import PatrolGraph
from patrol.checks import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """What one robot knows when it decides: ``near`` (n,) its neighbours in ascending order, ``travel_s`` (n,) to each,
    ``last_visit_s`` (N,) of every vertex, and ``announced_at`` (k,), the vertices that other robots are on their way to."""

    now_s: float
    robot: int
    at: int
    robots: int
    near: npt.NDArray[np.int64]
    travel_s: Floats
    last_visit_s: Floats
    announced_at: npt.NDArray[np.int64]

    @property
    def idleness_s(self) -> Floats:
        """Idleness (n,) of the neighbours."""
        idle: Floats = self.now_s - self.last_visit_s[self.near]
        return idle


Strategy = Callable[[Outlook], int]
"""From an outlook to the vertex to go to next, one of its neighbours."""


def conscientious(outlook: Outlook) -> int:
    """CR (Machado et al., 2002): the neighbour with the largest idleness."""
    return int(outlook.near[np.argmax(outlook.idleness_s)])


def heuristic_conscientious(outlook: Outlook) -> int:
    """HCR (Almeida et al., 2004): large idleness and a short way, each relative to the largest among the neighbours."""
    idle, travel = outlook.idleness_s, outlook.travel_s
    most = float(idle.max())
    share = idle / most if most > 0 else np.zeros_like(idle)
    return int(outlook.near[np.argmax((travel.max() - travel) / travel.max() + share)])


class ExpectedReactive:
    """ER (Yan and Zhang, 2016): the largest |arrival - (announced arrival, else last visit)| ÷ max(travel, mean edge), where
    arrival counts the way as no shorter than the mean edge.

    The published figures come from a table that keeps the earliest arrival ever announced for a vertex, so that announcements
    fall silent once each vertex had one; ``renewed`` replaces those that have passed, which is what the paper means.
    """

    def __init__(self, mean_edge_s: float, *, renewed: bool) -> None:
        self._mean_edge_s = mean_edge_s
        self._renewed = renewed
        self._announced_s: dict[int, float] = {}

    def __call__(self, outlook: Outlook) -> int:
        now_s = outlook.now_s
        reach_s = np.maximum(outlook.travel_s, self._mean_edge_s)
        last = outlook.last_visit_s[outlook.near]
        announced = np.array([self._announced_s.get(int(vertex), -1.0) for vertex in outlook.near])
        seen = np.where(announced >= now_s, announced, last)
        best = int(np.argmax(np.abs(now_s + reach_s - seen) / reach_s))
        vertex, arrival_s = int(outlook.near[best]), now_s + float(reach_s[best])
        known_s = self._announced_s.get(vertex)
        if known_s is None or arrival_s < known_s or (self._renewed and known_s < now_s):
            self._announced_s[vertex] = arrival_s
        return vertex


@dataclass(frozen=True, slots=True, kw_only=True)
class BayesianRule:
    """Settings of GBS and SEBS (Portugal and Rocha, 2013). The gain of a neighbour is its idleness ÷ max(travel,
    ``shortest_s``); its likelihood rises exponentially from ``floor`` to 1 at ``full_gain``."""

    shortest_s: float
    full_gain: float = 100.0
    floor: float = 0.1

    def likelihood(self, outlook: Outlook) -> Floats:
        """Likelihood (n,) that each neighbour is the one to go to."""
        gain = outlook.idleness_s / np.maximum(outlook.travel_s, self.shortest_s)
        steepness = math.log(1.0 / self.floor) / self.full_gain
        return np.asarray(np.minimum(1.0, self.floor * np.exp(steepness * gain)), dtype=np.float64)

    def greedy(self, outlook: Outlook) -> int:
        """GBS: the most likely neighbour."""
        return int(outlook.near[np.argmax(self.likelihood(outlook))])

    def state_exchange(self, outlook: Outlook) -> int:
        """SEBS: the likelihood falls by 2^(robots - n) / (2^robots - 1) where n others are on their way to the vertex."""
        others = (outlook.announced_at[None, :] == outlook.near[:, None]).sum(axis=1)
        crowding = 2.0 ** (outlook.robots - others) / (2.0**outlook.robots - 1.0)
        return int(outlook.near[np.argmax(self.likelihood(outlook) * np.where(others > 0, crowding, 1.0))])


def wandering(seed: int) -> Strategy:
    """Any neighbour with equal chance."""
    random = np.random.default_rng(seed)
    return lambda outlook: int(outlook.near[random.integers(outlook.near.size)])


class Cyclic:
    """Every robot follows one closed walk, each from where it stands, without spacing (Chevaleyre, 2004)."""

    def __init__(self, walk: tuple[int, ...]) -> None:
        self._walk = walk
        self._index: dict[int, int] = {}

    def __call__(self, outlook: Outlook) -> int:
        here = self._index.get(outlook.robot, -1)
        following = self._walk.index(outlook.at) + 1 if here < 0 else here + 1
        self._index[outlook.robot] = following % len(self._walk)
        return self._walk[following % len(self._walk)]


def strategies(graph: PatrolGraph, walk: tuple[int, ...], *, speed_mps: float = 1.0, seed: int = 0) -> dict[str, Strategy]:
    """Every peer by its short name; ``walk`` is the closed walk of the cyclic one."""
    edge_s = graph.lengths_m / speed_mps
    mean_edge_s = float(edge_s.mean()) if edge_s.size else 0.0
    bayesian = BayesianRule(shortest_s=float(edge_s.min(initial=np.inf)))
    return {
        "CR": conscientious,
        "HCR": heuristic_conscientious,
        "ER": ExpectedReactive(mean_edge_s, renewed=False),
        "ER renewed": ExpectedReactive(mean_edge_s, renewed=True),
        "GBS": bayesian.greedy,
        "SEBS": bayesian.state_exchange,
        "random": wandering(seed),
        "cyclic": Cyclic(walk),
    }
