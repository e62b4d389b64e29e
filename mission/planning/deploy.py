# SPDX-License-Identifier: Apache-2.0
"""Brings robots from where they stand to their equally spaced slots, so that little goes unseen on the way.

A slot moves along its beat at the robots' speed. A robot walks the shortest way to the vertex where it can meet its slot first,
and waits there if it is early. Who takes which slot is an assignment problem (Kuhn, 1955); phases and directions are tried, and
each trial is judged by the visits that follow, from the first moment on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from mission.planning.deadline import Deadline
from mission.planning.graph import Closure, Ints
from mission.planning.plan import Beat, Deployment, TeamPlan
from patrol.checks import Floats

_LATE_POWERS = (3.0, 1.0, 8.0)
"""Late arrivals count by one of these powers when slots are assigned."""
_NUDGES = (0.3, 0.1, 0.03, 0.01, 0.003)
"""How far, in spacings, phases are moved by turns when the neighbourhood of the best is tried."""
_SAME_S = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Slots:
    """Every slot of every beat: its beat, and its phase in m along the walk at time 0; ``beats`` as they are walked."""

    beats: tuple[Beat, ...]
    beat: Ints
    phase_m: Floats


def slots_of(beats: tuple[Beat, ...], phases: Floats) -> _Slots:
    """The slots when the first of each beat is ``phases`` (n,) 0..1 of a spacing along."""
    beat = np.concatenate([np.full(one.robots, index) for index, one in enumerate(beats)])
    phase = [(np.arange(one.robots) + share) * one.spacing_m for one, share in zip(beats, phases, strict=True)]
    return _Slots(beats=beats, beat=beat, phase_m=np.concatenate(phase))


def placed_freely(plan: TeamPlan) -> TeamPlan:
    """The plan with every robot put on a vertex of its beat just ahead of its slot."""
    slots = slots_of(plan.beats, np.zeros(len(plan.beats)))
    made = []
    for robot, (index, phase_m) in enumerate(zip(slots.beat.tolist(), slots.phase_m.tolist(), strict=True)):
        beat = plan.beats[index]
        met_s = _passes_s(beat, phase_m, plan.speed_mps)
        at = int(np.argmin(met_s))
        made.append(
            Deployment(
                robot=robot, beat=index, approach=(beat.walk[at],), approach_s=np.zeros(1), joins_s=float(met_s[at]), joins_at=at
            )
        )
    return replace(plan, deployments=tuple(made))


def deployed(
    plan: TeamPlan,
    closure: Closure,
    starts: tuple[int, ...],
    deadline: Deadline,
    *,
    seed: int,
    trials: int,
    ready_s: Floats | None = None,
    ages_s: Floats | None = None,
) -> TeamPlan:
    """The plan from ``starts``, robot i from vertex ``starts[i]``, which it leaves no sooner than at ``ready_s[i]``, by default
    at once: the best of ``trials`` phases and directions, by turns anew and near the best so far, when each place has gone
    unseen for ``ages_s`` (N,) already; the first is tried whatever the deadline says."""
    ready_s = np.zeros(len(starts)) if ready_s is None else ready_s
    random = np.random.default_rng(seed)
    best, best_score = plan, (np.inf, np.inf)
    best_phases = np.zeros(len(plan.beats))
    for index in range(trials):
        if index and deadline.passed:
            break
        if index % 2 == 1 or index == 0:
            beats, phases = (
                best.beats,
                best_phases + (index > 0) * random.normal(0.0, _NUDGES[index % len(_NUDGES)], len(plan.beats)),
            )
        else:
            beats = tuple(beat.reversed() if random.random() < 0.5 else beat for beat in plan.beats)
            phases = random.random(len(plan.beats))
        power = _LATE_POWERS[index // 2 % len(_LATE_POWERS)]
        standing = _Standing(starts=starts, ready_s=ready_s)
        trial = _assigned(replace(plan, beats=beats), closure, standing, slots_of(beats, phases), power)
        score = trial.score(ages_s)
        if score < best_score:
            best, best_score, best_phases = trial, score, phases
    return best


def _passes_s(beat: Beat, phase_m: float, speed_mps: float) -> Floats:
    """When (n,) s a slot first passes each vertex of its walk."""
    if beat.length_m == 0.0:
        return np.zeros(1)
    return ((beat.offsets_m[:-1] - phase_m) % beat.length_m) / speed_mps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Standing:
    """The vertex that each robot stands on, and from when on (n,) s it can leave."""

    starts: tuple[int, ...]
    ready_s: Floats


def _assigned(plan: TeamPlan, closure: Closure, standing: _Standing, slots: _Slots, late_power: float) -> TeamPlan:
    """Robots matched with slots so that they join soon, late ones counting by ``late_power``, and the way of each."""
    starts, ready_s = standing.starts, standing.ready_s
    count = len(starts)
    join_s, join_at = np.zeros((count, count)), np.zeros((count, count), dtype=np.int64)
    for column, (index, phase_m) in enumerate(zip(slots.beat.tolist(), slots.phase_m.tolist(), strict=True)):
        beat = slots.beats[index]
        reach_s = ready_s[:, None] + closure.distances_m[np.ix_(starts, beat.walk)] / plan.speed_mps
        first_s = _passes_s(beat, phase_m, plan.speed_mps)
        round_s = beat.length_m / plan.speed_mps
        late_s = np.maximum(0.0, reach_s - first_s - _SAME_S)
        met_s = first_s + np.ceil(late_s / round_s) * round_s if round_s > 0.0 else reach_s
        join_at[:, column] = np.argmin(met_s, axis=1)
        join_s[:, column] = met_s[np.arange(count), join_at[:, column]]
    robots, columns = linear_sum_assignment(join_s**late_power)
    made = []
    for robot, column in zip(robots.tolist(), columns.tolist(), strict=True):
        index, at = int(slots.beat[column]), int(join_at[robot, column])
        way = closure.way(starts[robot], slots.beats[index].walk[at])
        along_s = ready_s[robot] + closure.distances_m[starts[robot], way] / plan.speed_mps
        made.append(
            Deployment(
                robot=robot,
                beat=index,
                approach=tuple(way),
                approach_s=along_s,
                joins_s=max(float(join_s[robot, column]), float(along_s[-1])),
                joins_at=at,
            )
        )
    return replace(plan, deployments=tuple(made))
