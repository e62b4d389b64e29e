# SPDX-License-Identifier: Apache-2.0
"""The first round of a beat: each robot enters it somewhere and walks on, so that every place is seen soon and in good order.

Robot r that enters at offset o after a way of D seconds is where one would be that had begun at p = o - v D at time 0; call p its
phase. It finds the places from o on unseen until it comes to the entry of the next robot ahead. Let the phases, in order along
the beat, be no further apart than v G, and let each robot come within G to the last place before the next one's entry. Then every
place is first seen within G, and every later gap is G at most. Robots then wait at one and the same place, which all pass in that
order, until their slots come by, those of equal spacing that none is late for: gaps are those of the phases before it, and equal
from it on.

The least G is found by halving. For each G, which robot comes next is found by dynamic programming over the sets of robots that
have entered (as Held and Karp, 1962, did for tours): phases never fall along a walk, so of two ways to the same set the one that
reaches further is no worse. Only the best sets are kept where there are many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from mission.planning.approach import Stands
from mission.planning.deadline import Deadline
from mission.planning.graph import Ints
from mission.planning.plan import Beat, Deployment, TeamPlan
from patrol.checks import Floats

_HALVINGS = 12
_WIDER = 1.3
_BEGINS = 64
"""The first robot enters at one of so many vertices, those that it is soonest at."""
_WORK = 60_000
"""Bounds the sets of robots that are kept, the fewer the more robots and vertices there are."""
_SAME_M = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opening:
    """Where each robot enters, in the order of their phases: ``robots`` (k,) and ``entries`` (k,), indices of the walk that may
    go on past its end; ``within_s``: no place goes unseen for longer from time 0 on."""

    robots: tuple[int, ...]
    entries: tuple[int, ...]
    within_s: float


_Layer = dict[int, Floats]
"""By set of robots, as bits: the phase (rows,) m that the last to enter has, for each vertex that the first may enter at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chain:
    """What is looked for: phases no more than ``room_m`` apart, from robot ``first`` on, at each of the vertices ``begins``
    (rows,). It is the one that comes last, so that all the others can be ahead of it."""

    room_m: float
    first: int
    others: tuple[int, ...]
    begins: Ints


class Opener:
    """Openings of one beat. ``reach_s`` (K, n): when each robot can be at each of the n vertices of the walk."""

    def __init__(self, beat: Beat, reach_s: Floats, speed_mps: float) -> None:
        self._speed_mps, self._n, self._length_m = speed_mps, len(beat.walk), beat.length_m
        self._soonest_s = reach_s.min(axis=1)
        self._longest_s = 2.0 * (float(reach_s.max()) + beat.length_m / speed_mps)
        laps = np.arange(3)[:, None] * beat.length_m
        self._offsets_m = (laps + beat.offsets_m[:-1]).ravel()
        self._begins = [np.sort(np.argsort(one, kind="stable")[:_BEGINS]) + self._n for one in reach_s]
        self._phases_m = [np.maximum.accumulate((laps + (beat.offsets_m[:-1] - speed_mps * one)).ravel()) for one in reach_s]

    def best(self, crew: tuple[int, ...], enough_s: float, deadline: Deadline) -> Opening | None:
        """The opening by ``crew`` of the least ``within_s`` that is found; ``enough_s`` is good enough, and so is any once the
        deadline has passed. None when there was no time to find one, or too many sets of robots had to be given up."""
        low_s, high_s = 0.0, enough_s
        found = self.within(crew, high_s)
        if found is not None:
            return found
        while found is None and low_s < self._longest_s and not deadline.passed:
            low_s, high_s = high_s, _WIDER * high_s + 0.01 * self._longest_s
            found = self.within(crew, high_s)
        for _ in range(_HALVINGS):
            if found is None or deadline.passed:
                break
            middle_s = 0.5 * (low_s + high_s)
            trial = self.within(crew, middle_s)
            low_s, high_s, found = (middle_s, high_s, found) if trial is None else (low_s, middle_s, trial)
        return found

    def within(self, crew: tuple[int, ...], within_s: float) -> Opening | None:
        """An opening in which no place goes unseen for longer than ``within_s``; None when none is found."""
        first = max(crew, key=lambda robot: self._soonest_s[robot])
        others = tuple(robot for robot in crew if robot != first)
        chain = _Chain(room_m=within_s * self._speed_mps + _SAME_M, first=first, others=others, begins=self._begins[first])
        layers = [{0: self._phases_m[first][chain.begins]}]
        most = max(1, _WORK // (max(1, len(chain.others)) ** 2 * chain.begins.size))
        for _ in chain.others:
            layer = self._extended(chain, layers[-1])
            kept = sorted(layer, key=lambda chosen: float(layer[chosen].max()))[-most:]
            layers.append({chosen: layer[chosen] for chosen in kept})
        reached_m = next(iter(layers[-1].values())) + chain.room_m
        all_seen = reached_m >= self._offsets_m[chain.begins + self._n - 1]
        closed = all_seen & (reached_m >= self._phases_m[chain.first][chain.begins] + self._length_m)
        return self._traced(chain, layers, int(np.argmax(closed)), within_s) if closed.any() else None

    def _extended(self, chain: _Chain, layer: _Layer) -> _Layer:
        """The sets with one robot more, and for each first vertex the furthest phase that the last of the set can have."""
        further: _Layer = {}
        for chosen, phase_m in layer.items():
            for bit, robot in enumerate(chain.others):
                if not chosen >> bit & 1:
                    ahead_m = self._checked(robot, self._entry(chain, robot, phase_m), phase_m)
                    both = chosen | 1 << bit
                    further[both] = np.maximum(further[both], ahead_m) if both in further else ahead_m
        return further

    def _entry(self, chain: _Chain, robot: int, phase_m: Floats) -> Ints:
        """Where ``robot`` enters ahead of one of ``phase_m``: at the first place that is not seen in time, or as far before it as
        its own phase must be, and no further than where the first robot did, a round later."""
        reached_m = phase_m + chain.room_m
        unseen = np.minimum(np.searchsorted(self._offsets_m, reached_m, side="right"), chain.begins + self._n)
        round_m = self._phases_m[chain.first][chain.begins] + self._length_m
        furthest = np.searchsorted(self._phases_m[robot], np.minimum(reached_m, round_m), side="right") - 1
        return np.maximum(np.minimum(unseen, furthest), 0)

    def _checked(self, robot: int, entry: Ints, behind_m: Floats) -> Floats:
        """The phase of ``robot`` at its entry; minus infinity where that is behind the one before."""
        phase_m = self._phases_m[robot][entry]
        return np.where(np.isfinite(behind_m) & (phase_m >= behind_m), phase_m, -np.inf)

    def _traced(self, chain: _Chain, layers: list[_Layer], row: int, within_s: float) -> Opening:
        """Who entered where on the way to the last layer, when the first robot entered at number ``row`` of its vertices."""
        one = replace(chain, begins=chain.begins[row : row + 1])
        robots, entries = [], []
        chosen = next(iter(layers[-1]))
        for layer, before in zip(layers[:0:-1], layers[-2::-1], strict=True):
            for bit, robot in enumerate(chain.others):
                earlier = chosen & ~(1 << bit)
                if earlier == chosen or earlier not in before:
                    continue
                phase_m = before[earlier][row : row + 1]
                entry = self._entry(one, robot, phase_m)
                if self._checked(robot, entry, phase_m)[0] == layer[chosen][row]:
                    robots.append(robot)
                    entries.append(int(entry[0]))
                    chosen = earlier
                    break
        return Opening(robots=(chain.first, *robots[::-1]), entries=(int(one.begins[0]), *entries[::-1]), within_s=within_s)


class Openings:
    """The best opening of each beat of ``plan``, in the better direction, by each crew that was asked for."""

    def __init__(self, plan: TeamPlan, stands: Stands) -> None:
        self._plan, self._stands = plan, stands
        self._ways = [(beat, beat.reversed()) for beat in plan.beats]
        self._known: dict[tuple[int, tuple[int, ...]], tuple[Beat, Opening | None]] = {}

    def opened(self, crews: Sequence[Sequence[int]], deadline: Deadline) -> TeamPlan | None:
        """The plan begun by ``crews``, one of each beat; robots change crews as long as that helps the worst beat. None when some
        beat has no opening that is found."""
        now: list[tuple[int, ...]] | None = [tuple(sorted(crew)) for crew in crews]
        best = now
        while now is not None:
            best, now = now, self._exchanged(now, deadline)
        beats, made = [], []
        for index, crew in enumerate(best or ()):
            beat, opening = self._opening(index, crew, deadline)
            if opening is None:
                return None
            beats.append(beat)
            made += _deployments(index, beat, self._stands, opening)
        return replace(self._plan, beats=tuple(beats), deployments=tuple(sorted(made, key=lambda one: one.robot)))

    def _opening(self, index: int, crew: tuple[int, ...], deadline: Deadline) -> tuple[Beat, Opening | None]:
        """The opening of beat ``index`` by ``crew``, and the beat in the direction that it goes."""
        if (index, crew) not in self._known:
            found = []
            for beat in self._ways[index]:
                opener = Opener(beat, self._stands.reach_s(beat), self._plan.speed_mps)
                found.append((beat, opener.best(crew, self._plan.guarantee_s, deadline)))
            self._known[index, crew] = min(found, key=lambda one: _within_s(one[1]))
        return self._known[index, crew]

    def _exchanged(self, crews: list[tuple[int, ...]], deadline: Deadline) -> list[tuple[int, ...]] | None:
        """Crews after the exchange of two robots that helps the worst beat and makes none as bad; None when there is none."""
        within_s = [_within_s(self._opening(index, crew, deadline)[1]) for index, crew in enumerate(crews)]
        worst = int(np.argmax(within_s))
        if within_s[worst] <= self._plan.guarantee_s:
            return None
        others = sorted(set(range(len(crews))) - {worst}, key=lambda index: within_s[index])
        swaps = ((index, *pair) for index in others for pair in product(crews[worst], crews[index]))
        for other, giving, taking in swaps:
            if deadline.passed:
                return None
            trial = {worst: _with(crews[worst], giving, taking), other: _with(crews[other], taking, giving)}
            if all(_within_s(self._opening(index, crew, deadline)[1]) < within_s[worst] for index, crew in trial.items()):
                return [trial.get(index, crew) for index, crew in enumerate(crews)]
        return None


def _within_s(opening: Opening | None) -> float:
    return float("inf") if opening is None else opening.within_s


def _with(crew: tuple[int, ...], leaving: int, joining: int) -> tuple[int, ...]:
    return tuple(sorted({*crew, joining} - {leaving}))


def _deployments(index: int, beat: Beat, stands: Stands, opening: Opening) -> list[Deployment]:
    """What each robot of an opening does: to its entry, along the walk to where all wait for their slots, and on."""
    count, speed_mps = len(beat.walk), stands.speed_mps
    ways = [stands.way(robot, beat.walk[entry % count]) for robot, entry in zip(opening.robots, opening.entries, strict=True)]
    entry_m = [_along_m(beat, entry) for entry in opening.entries]
    phase_m = np.array([at_m - speed_mps * float(came_s[-1]) for at_m, (_, came_s) in zip(entry_m, ways, strict=True)])
    slot_m = np.arange(beat.robots) * beat.spacing_m
    latest = int(np.argmin(phase_m - slot_m))
    slot_m += phase_m[latest] - slot_m[latest]
    behind = [number <= latest for number in range(beat.robots)]
    waits = max(entry - (0 if before else count) for entry, before in zip(opening.entries, behind, strict=True))
    made = []
    for number, (robot, entry, (way, came_s)) in enumerate(zip(opening.robots, opening.entries, ways, strict=True)):
        until = waits + (0 if behind[number] else count) if beat.length_m > 0.0 else entry
        along_m = np.array([_along_m(beat, step) for step in range(entry + 1, until + 1)])
        arrives_s = np.concatenate((came_s, (along_m - phase_m[number]) / speed_mps))
        made.append(
            Deployment(
                robot=robot,
                beat=index,
                approach=(*way, *(beat.walk[step % count] for step in range(entry + 1, until + 1))),
                approach_s=arrives_s,
                joins_s=max(float(arrives_s[-1]), (_along_m(beat, until) - float(slot_m[number])) / speed_mps),
                joins_at=until % count,
            )
        )
    return made


def _along_m(beat: Beat, step: int) -> float:
    """Offset in m of a vertex of the walk whose index may go on past the end."""
    laps, at = divmod(step, len(beat.walk))
    return laps * beat.length_m + float(beat.offsets_m[at])
