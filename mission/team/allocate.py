# SPDX-License-Identifier: Apache-2.0
"""Shares a graph out over the units of a team, of whatever speed, kind and capability, with a guarantee and a lower bound.

Units that are alike can share a beat, equally spaced; such a *crew* sees its places every length ÷ (members · speed). Which
units make crews is tried in several ways. For each, places are dealt out along a short tour, each crew taking what it can within
a common idleness that is halved in on, and then places move between crews as long as that helps. A team of units that are all
alike, on ground that asks for nothing, is planned by ``TeamPlanner`` alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree

from mission.planning.deadline import Deadline
from mission.planning.deploy import deployed
from mission.planning.graph import Closure, Ints
from mission.planning.metrics import Stream, VisitLog, merged_log
from mission.planning.plan import Beat, TeamPlan
from mission.planning.split import Division, Flags, Share, exchanged, worst_m
from mission.planning.team import TeamPlanner
from mission.planning.tour_search import improved_tour, short_tour, tour_length_m
from mission.team.unit import Kind, TeamGround, Unit
from patrol.checks import Floats
from patrol.errors import BadValue

Crew = tuple[Unit, ...]
_HALVINGS = 24
_MOVES = 3000
_TRIALS = 100
_SAME = 1.0 + 1e-9
_KINDS = (Kind.GROUND, Kind.DRONE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrewPlan:
    """The beats of units that are alike: robot i of ``plan`` is ``units[i]``."""

    units: Crew
    plan: TeamPlan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation:
    """Who walks what. ``bound_s``: no patrol by these units keeps less, because of ``because``; units that would help nothing
    are in ``reserve``."""

    crews: tuple[CrewPlan, ...]
    reserve: Crew
    bound_s: float
    because: str

    @property
    def guarantee_s(self) -> float:
        """The worst idleness that the beats keep once all have joined theirs."""
        return max(crew.plan.guarantee_s for crew in self.crews)

    @property
    def ratio(self) -> float:
        """Guarantee ÷ bound; infinite without a bound."""
        if self.guarantee_s == 0.0:
            return 1.0
        return max(1.0, self.guarantee_s / self.bound_s) if self.bound_s > 0.0 else float("inf")

    @property
    def settled_s(self) -> float:
        """From when on the guarantee holds, counted from the moment the plan was made for."""
        return max(crew.plan.settled_s for crew in self.crews)

    def log(self, horizon_s: float) -> VisitLog:
        """The visits from time 0 to ``horizon_s`` when every unit keeps to the plan."""
        return merged_log(horizon_s, self.crews[0].plan.graph.count, list(self._streams(horizon_s)))

    def _streams(self, horizon_s: float) -> Iterator[Stream]:
        for crew in self.crews:
            yield from crew.plan.streams(horizon_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a unit is when a plan begins: at vertex ``at``, which it can leave ``ready_s`` after the plan's time 0."""

    at: int
    ready_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Begin:
    """How things stand when a plan begins: where each unit is, and how long (N,) s each place has gone unseen."""

    standing: dict[Unit, Standing]
    ages_s: Floats | None


class Allocator:
    """Allocates one ground over and over, as units come and go. The same arguments and a deadline that is not met give the
    same allocation."""

    def __init__(self, ground: TeamGround, *, seed: int = 0) -> None:
        self._ground, self._seed = ground, seed
        self._closures = {kind: ground.closure(kind) for kind in _KINDS}
        self._tour: list[int] | None = None
        self._known: dict[Crew, Allocation] = {}

    def closure(self, kind: Kind) -> Closure:
        """Shortest ways for units of ``kind``."""
        return self._closures[kind]

    def allocate(
        self, units: Sequence[Unit], standing: Sequence[Standing], deadline: Deadline, *, ages_s: Floats | None = None
    ) -> Allocation:
        """Share the ground out over ``units``, unit i standing at ``standing[i]``, when each place has gone unseen for ``ages_s``
        (N,) already; the beats of a team that was met before are known and only begun anew. Raises BadValue without units,
        NobodyCan when some place is beyond all of them."""
        crew = tuple(units)
        if not crew or len(standing) != len(crew):
            raise BadValue(f"units: {len(crew)} with {len(standing)} places to stand on")
        self._ground.refuse_unvisited(crew)
        begin = _Begin(standing=dict(zip(crew, standing, strict=True)), ages_s=ages_s)
        if crew not in self._known:
            self._known[crew] = self._new(crew, begin, deadline)
            return self._known[crew]
        known = self._known[crew]
        return replace(known, crews=tuple(self._begun(one, begin, deadline) for one in known.crews))

    def _new(self, crew: Crew, begin: _Begin, deadline: Deadline) -> Allocation:
        plain = crew[0].kind is Kind.GROUND and len({unit.likeness for unit in crew}) == 1 and not self._ground.needs
        if plain:
            return self._alike(crew, begin, deadline)
        return self._mixed(crew, begin, deadline)

    def _alike(self, units: Crew, begin: _Begin, deadline: Deadline) -> Allocation:
        planner = TeamPlanner(
            self._ground.graph,
            len(units),
            starts=[begin.standing[unit].at for unit in units],
            ready_s=[begin.standing[unit].ready_s for unit in units],
            ages_s=begin.ages_s,
            speed_mps=units[0].speed_mps,
            seed=self._seed,
        )
        planned = planner.first(deadline.share(0.5))
        if not deadline.passed:
            planned = planner.improve(planned, deadline)
        crew = CrewPlan(units=units, plan=planned.plan)
        return Allocation(crews=(crew,), reserve=(), bound_s=planned.bound.bound_s, because=planned.bound.because)

    def _mixed(self, units: Crew, begin: _Begin, deadline: Deadline) -> Allocation:
        bound_s, because = self._bound(units, deadline.share(0.2))
        tables = tuple(self._closures[kind].distances_m for kind in _KINDS)
        best: tuple[float, tuple[Crew, ...], Division] | None = None
        ways = list(_ways_to_crew(units))
        for index, crews in enumerate(ways):
            if best is not None and (deadline.passed or best[0] <= bound_s * _SAME):
                break
            share = deadline.share(0.8 / (len(ways) - index))
            dealt = self._dealt(tables, crews, share)
            if dealt is not None and (best is None or worst_m(dealt[1]) < best[0]):
                best = (worst_m(dealt[1]), *dealt)
        if best is None:
            raise BadValue("units: no way was found to share the places out")
        plans = self._laid_out(best[1], best[2], begin, deadline)
        walking = {unit for crew in plans for unit in crew.units}
        reserve = tuple(unit for unit in units if unit not in walking)
        return Allocation(crews=plans, reserve=reserve, bound_s=bound_s, because=because)

    def _bound(self, units: Crew, deadline: Deadline) -> tuple[float, str]:
        """The better of two proofs. The best team of as many units that are all as fast as the fastest is no worse; and within
        the worst idleness L every place is seen, on walks that add up to no more than L · Σ speeds, and K walks that hold all
        places are no shorter than the lightest tree without its K - 1 heaviest branches."""
        fastest_mps = max(unit.speed_mps for unit in units)
        pace_mps = sum(unit.speed_mps for unit in units)
        kinds = {unit.kind for unit in units}
        distances_m: Floats = np.min([self._closures[kind].distances_m for kind in kinds], axis=0)
        branches = np.sort(minimum_spanning_tree(distances_m).data)
        tree_m = float(branches[: max(0, branches.size - len(units) + 1)].sum())
        proofs = [(tree_m / pace_mps, "walks that hold every place are no shorter than the lightest tree")]
        if kinds == {Kind.GROUND}:
            planned = TeamPlanner(self._ground.graph, len(units), speed_mps=fastest_mps, seed=self._seed).first(deadline)
            proofs.append((planned.bound.bound_s, f"were all as fast as the fastest, {planned.bound.because}"))
        return max(proofs)

    def _dealt(
        self, tables: tuple[Floats, ...], crews: tuple[Crew, ...], deadline: Deadline
    ) -> tuple[tuple[Crew, ...], Division] | None:
        """Places dealt out over ``crews`` and then exchanged; None when this way of making crews leaves a place out."""
        places = range(self._ground.graph.count)
        allowed: Flags = np.array([[self._ground.may_visit(crew[0], place) for place in places] for crew in crews])
        if not allowed.any(axis=0).all():
            return None
        order = self._short_order(deadline)
        low, high = 0.0, 2.0 * tour_length_m(tables[0], order) / min(len(crew) * crew[0].speed_mps for crew in crews)
        found = _taken(tables, crews, allowed, order, high)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            trial = _taken(tables, crews, allowed, order, middle)
            low, high, found = (low, middle, trial) if trial is not None else (middle, high, found)
        if found is None:
            return None
        busy = [index for index, taken in enumerate(found) if taken]
        crews, allowed = tuple(crews[index] for index in busy), allowed[busy]
        division = tuple(_share(tables, crew, found[index]) for crew, index in zip(crews, busy, strict=True))
        moved = exchanged(tables, division, deadline, seed=self._seed, moves=_MOVES, allowed=allowed)
        better = tuple(_share(tables, crew, share.order, deadline) for crew, share in zip(crews, moved, strict=True))
        return crews, min(division, moved, better, key=worst_m)

    def _short_order(self, deadline: Deadline) -> list[int]:
        if self._tour is None:
            distances_m = self._closures[Kind.GROUND].distances_m
            self._tour = short_tour(distances_m, range(len(distances_m)), deadline, seed=self._seed, kicks=8)
        return self._tour

    def _laid_out(self, crews: tuple[Crew, ...], division: Division, begin: _Begin, deadline: Deadline) -> tuple[CrewPlan, ...]:
        """Walks for the shares, and the way of each unit to its slot."""
        plans = []
        for crew, share in zip(crews, division, strict=True):
            closure = self._closures[crew[0].kind]
            walk = closure.closed_walk(share.order)
            beat = Beat(walk=walk, offsets_m=_offsets_m(closure, walk), robots=len(crew))
            plan = TeamPlan(graph=self._ground.graph, speed_mps=crew[0].speed_mps, beats=(beat,), deployments=())
            plans.append(self._begun(CrewPlan(units=crew, plan=plan), begin, deadline))
        return tuple(plans)

    def _begun(self, crew: CrewPlan, begin: _Begin, deadline: Deadline) -> CrewPlan:
        """The same beats, walked from where the units stand."""
        stands = [begin.standing[unit] for unit in crew.units]
        begun = deployed(
            replace(crew.plan, deployments=()),
            self._closures[crew.units[0].kind],
            tuple(one.at for one in stands),
            deadline,
            seed=self._seed,
            trials=_TRIALS,
            ready_s=np.array([one.ready_s for one in stands]),
            ages_s=begin.ages_s,
        )
        return CrewPlan(units=crew.units, plan=begun)


def _ways_to_crew(units: Crew) -> Iterator[tuple[Crew, ...]]:
    """Ways to make crews, each ordered so that what can do least chooses first: everybody alone; like with like; like with like
    in halves."""
    alike: dict[tuple[Kind, float, frozenset[str]], list[Unit]] = defaultdict(list)
    for unit in units:
        alike[unit.likeness].append(unit)
    groups = sorted(alike.values(), key=lambda group: (group[0].kind, len(group[0].capabilities), -group[0].speed_mps))
    seen = set()
    for size in (1, max(map(len, groups)), 2):
        crews = tuple(tuple(group[at : at + size]) for group in groups for at in range(0, len(group), size))
        if crews not in seen:
            seen.add(crews)
            yield crews


def _share(tables: tuple[Floats, ...], crew: Crew, order: Sequence[int], deadline: Deadline | None = None) -> Share:
    """The round of ``crew`` through ``order``; with a deadline, improved."""
    metric = _KINDS.index(crew[0].kind)
    places = tuple(order if deadline is None else improved_tour(tables[metric], order, deadline))
    length_m = tour_length_m(tables[metric], places)
    return Share(order=places, length_m=length_m, robots=len(crew), speed=crew[0].speed_mps, metric=metric)


def _taken(
    tables: tuple[Floats, ...], crews: tuple[Crew, ...], allowed: Flags, order: Sequence[int], idle_s: float
) -> list[list[int]] | None:
    """The places that each crew takes when it takes, along the tour, what it may and can see every ``idle_s``; None when some
    are left over. Places that few crews may visit are dealt first."""
    scarce = allowed.sum(axis=0)
    rounds = [_Round(tables[_KINDS.index(crew[0].kind)], idle_s * len(crew) * crew[0].speed_mps * _SAME) for crew in crews]
    for count in np.unique(scarce).tolist():
        left = [place for place in order if scarce[place] == count]
        for may, taken in zip(allowed, rounds, strict=True):
            left = [place for place in left if not (may[place] and taken.take(place))]
        if left:
            return None
    return [taken.order for taken in rounds]


class _Round:
    """A closed round that grows at its end, up to a length."""

    def __init__(self, distances_m: Floats, room_m: float) -> None:
        self._distances_m, self._room_m, self._along_m = distances_m, room_m, 0.0
        self.order: list[int] = []

    def take(self, place: int) -> bool:
        """Add ``place`` if there is room for it."""
        if self.order:
            along_m = self._along_m + float(self._distances_m[self.order[-1], place])
            if along_m + float(self._distances_m[place, self.order[0]]) > self._room_m:
                return False
            self._along_m = along_m
        self.order.append(place)
        return True


def _offsets_m(closure: Closure, walk: tuple[int, ...]) -> Floats:
    """Where (n + 1,) m along a closed walk each of its vertices lies, by the ways that the unit takes."""
    here: Ints = np.array(walk, dtype=np.int64)
    return np.concatenate(([0.0], np.cumsum(closure.distances_m[here, np.roll(here, -1)])))


def without(allocator: Allocator, units: Crew, standing: Sequence[Standing], deadline: Deadline) -> dict[str, float]:
    """The guarantee in s that is left when each of ``units`` in turn is missing; infinite when nobody can take its place over.
    Afterwards the allocator knows the beats of all of these teams."""
    left: dict[str, float] = {}
    for index, unit in enumerate(units):
        others, places = (units[:index] + units[index + 1 :]), [*standing[:index], *standing[index + 1 :]]
        share = deadline.share(1.0 / (len(units) - index))
        try:
            left[unit.unit_id] = allocator.allocate(others, places, share).guarantee_s
        except BadValue:
            left[unit.unit_id] = float("inf")
    return left
