# SPDX-License-Identifier: Apache-2.0
"""Plans a team's patrol of a graph: first a valid plan at once, then better ones until the deadline, each with its guarantee."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mission.planning.deadline import Deadline
from mission.planning.deploy import deployed, placed_freely
from mission.planning.evening import evened, mean_idle_m
from mission.planning.exact_tour import Tour, exact_tour, heuristic_tour
from mission.planning.graph import Closure, PatrolGraph, walk_offsets_m
from mission.planning.groups import grouped
from mission.planning.levels import LevelsBound, levels_bound
from mission.planning.lower_bound import lower_bound
from mission.planning.occupancy import Certificate
from mission.planning.plan import Beat, TeamPlan
from mission.planning.split import Division, cut_tour, exchanged, one_round, refined, staffed, worst_m
from mission.planning.start_bound import start_bound_s
from patrol.checks import Floats, require_positive
from patrol.errors import BadValue

EXACT_UP_TO = 400
"""Graphs of more vertices than this are toured by local search alone."""
_MOVES = 4000
_QUICK_TRIALS, _TRIALS = 150, 6000
_SEARCHED_BEATS = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bound:
    """No patrol by so many robots keeps the worst idleness below ``bound_s``. It is the greatest of what ``certificate`` and
    ``levels`` prove, both at 1 m/s, and for one robot the shortest tour; ``because`` says which."""

    bound_s: float
    because: str
    certificate: Certificate
    levels: LevelsBound


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planned:
    """The plan with its lower bound, and the tour that it was made from. From the starts no plan keeps the worst idleness below
    ``start_bound_s``, counted from time 0 on."""

    plan: TeamPlan
    bound: Bound
    tour: Tour
    start_bound_s: float

    @property
    def ratio(self) -> float:
        """Guarantee ÷ bound: how far the plan may be from the best; infinite without a bound, 1 when nothing ever goes unseen."""
        guarantee_s = self.plan.guarantee_s
        if guarantee_s == 0.0:
            return 1.0
        return max(1.0, guarantee_s / self.bound.bound_s) if self.bound.bound_s > 0.0 else float("inf")


class TeamPlanner:
    """Plans one graph for one team. ``first`` gives a valid plan, ``improve`` a better one; each keeps to its deadline, and the
    first does its least work even after it. The same arguments and enough time give the same plan."""

    def __init__(
        self,
        graph: PatrolGraph,
        robots: int,
        *,
        starts: Sequence[int] | None = None,
        ready_s: Sequence[float] | None = None,
        ages_s: Floats | None = None,
        speed_mps: float = 1.0,
        slack: float = 0.0,
        seed: int = 0,
    ) -> None:
        """``starts`` are the vertices that the robots stand on, one each, and ``ready_s`` from when on they can leave them, at
        once by default; without starts they may be put anywhere. ``ages_s`` (N,) is how long each place has gone unseen
        already, ``slack`` the share of the guarantee that may be given up for a lower average. Raises BadValue for numbers that
        make no team, PartsUnconnected for a graph in parts."""
        require_positive("speed_mps", speed_mps)
        if robots < 1:
            raise BadValue(f"robots: {robots!r} is less than 1")
        if starts is not None and (len(starts) != robots or not all(0 <= start < graph.count for start in starts)):
            raise BadValue(f"starts: {list(starts)!r} must name {robots} vertices from 0 to {graph.count - 1}")
        self._graph, self._robots, self._speed_mps, self._seed = graph, robots, speed_mps, seed
        self._starts = None if starts is None else tuple(starts)
        self._ready_s = np.zeros(robots) if ready_s is None else np.array(ready_s, dtype=np.float64)
        if not 0.0 <= slack < 1.0:
            raise BadValue(f"slack: {slack!r} is not from 0 to below 1")
        self._slack = slack
        self._ages_s = ages_s
        self._closure = Closure.of(graph)
        self._levels = levels_bound(self._closure, robots)
        self._start_bound_s = 0.0
        if self._starts is not None:
            self._start_bound_s = start_bound_s(self._closure, speed_mps, self._starts, self._ready_s, ages_s)

    def first(self, deadline: Deadline) -> Planned:
        """A tour by local search, the better of one round for all and pieces of it, and a quick bound."""
        tour = heuristic_tour(self._graph, self._closure, deadline.share(0.4), seed=self._seed)
        division = self._divided(tour, deadline.share(0.4))
        plan = self._laid_out(tour, division, deadline.share(0.3), _QUICK_TRIALS)
        return self._planned(plan, self._bound(tour, deadline, plan.guarantee_s), tour)

    def _planned(self, plan: TeamPlan, bound: Bound, tour: Tour) -> Planned:
        return Planned(plan=plan, bound=bound, tour=tour, start_bound_s=max(bound.bound_s, self._start_bound_s))

    def improve(self, known: Planned, deadline: Deadline) -> Planned:
        """The exact tour, places moved between beats, more ways to begin, and a stronger bound; never worse than ``known``."""
        tour = known.tour
        if self._graph.count > EXACT_UP_TO:
            other = heuristic_tour(self._graph, self._closure, deadline.share(0.3), seed=self._seed + 1)
            tour = min(tour, other, key=lambda one: one.length_m)
        elif not tour.proven:
            tour = exact_tour(self._graph, tour, deadline.share(0.5))
        bound = self._stronger(self._bound(tour, deadline.share(0.45), known.plan.guarantee_s), known.bound)
        known = self._planned(known.plan, bound, tour)
        if known.ratio <= 1.0 + 1e-9 and self._starts is None and self._slack == 0.0:
            return known
        division = self._searched(tour, deadline.share(0.7), bound.bound_s * self._speed_mps)
        plan = self._laid_out(tour, division, deadline, _TRIALS)
        if self._slack > 0.0 and plan.guarantee_s <= known.plan.guarantee_s * (1.0 + self._slack):
            return replace(known, plan=plan)
        return replace(known, plan=min(known.plan, plan, key=self._rank))

    def _rank(self, plan: TeamPlan) -> tuple[float, tuple[float, float]]:
        return round(plan.guarantee_s, 9), plan.begin(self._ages_s).score

    def _divided(self, tour: Tour, deadline: Deadline) -> Division:
        """One round for all, pieces of the tour, or groups of near places: what is seen most often."""
        order = list(dict.fromkeys(tour.walk))
        distances_m = self._closure.distances_m
        if self._robots >= len(order):
            return staffed([((place,), 0.0) for place in order], self._robots)
        whole = one_round(distances_m, order, self._robots)
        pieces = cut_tour(distances_m, order, self._robots, deadline.share(0.7), known_m=worst_m(whole))
        best = whole if pieces is None else refined(distances_m, pieces, self._robots, deadline)
        groups = grouped(distances_m, order, self._robots, deadline, known_m=worst_m(best))
        return best if groups is None else refined(distances_m, groups, self._robots, deadline)

    def _searched(self, tour: Tour, deadline: Deadline, enough_m: float) -> Division:
        """The best division from pieces of at most 1, 2, ... robots, places exchanged between them; of those that are worse than
        the best by no more than the slack, the one that leaves places alone for the shortest time on average."""
        found = [self._divided(tour, deadline.share(0.2))]
        order, distances_m = list(dict.fromkeys(tour.walk)), self._closure.distances_m
        sizes = range(1, min(self._robots, _SEARCHED_BEATS) + 1)
        for rank, most in enumerate(sizes):
            if deadline.passed or (self._slack == 0.0 and min(map(worst_m, found)) <= enough_m * (1.0 + 1e-9)):
                break
            share = deadline.share(1.0 / (len(sizes) - rank))
            trial = cut_tour(distances_m, order, self._robots, share.share(0.4), known_m=tour.length_m * 1.01, most=most)
            if trial is None:
                continue
            trial = refined(distances_m, trial, self._robots, share)
            trial = exchanged(distances_m, trial, share, seed=self._seed + most, moves=_MOVES)
            found.append(refined(distances_m, trial, self._robots, share))
        most_m = min(map(worst_m, found)) * (1.0 + self._slack) * (1.0 + 1e-12)
        good = [division for division in found if worst_m(division) <= most_m]
        return min(good, key=self._mean_m) if self._slack > 0.0 else min(good, key=worst_m)

    def _mean_m(self, division: Division) -> float:
        """Mean idleness at unit speed over the places, each counted where it belongs."""
        total = 0.0
        for share in division:
            walk = self._closure.closed_walk(share.order)
            idle_m = mean_idle_m(np.array(walk, dtype=np.int64), walk_offsets_m(self._graph, walk), share.robots)
            total += idle_m * len(share.order)
        return total

    def _laid_out(self, tour: Tour, division: Division, deadline: Deadline, trials: int) -> TeamPlan:
        """Closed walks for the beats, as even as they can be, and the way of each robot to its slot."""
        beats = []
        for share in division:
            walk = tour.walk if len(division) == 1 else self._closure.closed_walk(share.order)
            walk = evened(self._graph, walk, share.robots, deadline.share(0.2 / len(division)))
            beats.append(Beat(walk=walk, offsets_m=walk_offsets_m(self._graph, walk), robots=share.robots))
        plan = TeamPlan(graph=self._graph, speed_mps=self._speed_mps, beats=tuple(beats), deployments=())
        if self._starts is None:
            return placed_freely(plan)
        return deployed(
            plan,
            self._closure,
            self._starts,
            deadline,
            seed=self._seed,
            trials=trials,
            ready_s=self._ready_s,
            ages_s=self._ages_s,
        )

    def _bound(self, tour: Tour, deadline: Deadline, guarantee_s: float) -> Bound:
        certificate = lower_bound(self._graph, self._closure, self._robots, deadline, enough_m=guarantee_s * self._speed_mps)
        root = self._graph.vertex_names[self._levels.root]
        proofs = [
            (certificate.bound_m, f"{len(certificate.sets)} sets of places prove it by linear programming duality"),
            (self._levels.bound_m, f"the distances from {root} prove it"),
            (tour.bound_m if self._robots == 1 else 0.0, "one robot can not do better than the shortest tour"),
        ]
        bound_m, because = max(proofs, key=lambda proof: proof[0])
        return Bound(bound_s=bound_m / self._speed_mps, because=because, certificate=certificate, levels=self._levels)

    @staticmethod
    def _stronger(one: Bound, other: Bound) -> Bound:
        return max(one, other, key=lambda bound: bound.bound_s)
