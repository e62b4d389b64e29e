# SPDX-License-Identifier: Apache-2.0
"""Brings robots from where they stand to their equally spaced slots, so that little goes unseen on the way.

Two ways to begin are tried. Either each robot goes straight to where it can meet a slot; phases and directions are drawn, and who
takes which slot is an assignment problem (Kuhn, 1955). Or each enters its beat where the first round is shortest
(``mission.planning.opening``) and waits for its slot later. Every trial is judged by the visits that follow, from the first
moment on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from mission.planning.approach import Slots, Stands, passes_s
from mission.planning.deadline import Deadline
from mission.planning.graph import Closure
from mission.planning.opening import Openings
from mission.planning.plan import Beat, Deployment, TeamPlan
from patrol.checks import Floats

_LATE_POWERS = (3.0, 1.0, 8.0)
"""Late arrivals count by one of these powers when slots are assigned."""
_NUDGES = (0.3, 0.1, 0.03, 0.01, 0.003)
"""How far, in spacings, phases are moved by turns when the neighbourhood of the best is tried."""
_OPENINGS = (6, 60, 600)
"""After so many draws openings are tried, of the crews of the best draw."""


def placed_freely(plan: TeamPlan) -> TeamPlan:
    """The plan with every robot put on a vertex of its beat just ahead of its slot."""
    slots = Slots.of(plan.beats, np.zeros(len(plan.beats)))
    made = []
    for robot, (index, phase_m) in enumerate(zip(slots.beat.tolist(), slots.phase_m.tolist(), strict=True)):
        beat = plan.beats[index]
        met_s = passes_s(beat, phase_m, plan.speed_mps)
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
    at once: the best of ``trials`` ways to begin when each place has gone unseen for ``ages_s`` (N,) already; the first is
    tried whatever the deadline says."""
    ready_s = np.zeros(len(starts)) if ready_s is None else ready_s
    stands = Stands(closure=closure, speed_mps=plan.speed_mps, starts=starts, ready_s=ready_s)
    search = _Search(plan, stands, ages_s, seed)
    for index in range(trials):
        if index and deadline.passed:
            break
        if index in _OPENINGS:
            search.open(deadline.share(0.5))
        search.draw(index)
    return search.best


class _Search:
    """``best`` is the best plan so far."""

    def __init__(self, plan: TeamPlan, stands: Stands, ages_s: Floats | None, seed: int) -> None:
        self._stands, self._ages_s = stands, ages_s
        self._random = np.random.default_rng(seed)
        self.best, self._score = plan, (np.inf, np.inf)
        self._drawn, self._drawn_score = plan, (np.inf, np.inf)
        self._phases = np.zeros(len(plan.beats))

    def draw(self, index: int) -> None:
        """Try phases and directions, by turns anew and near the best so far."""
        beats, phases = self._drawn.beats, self._phases
        if index % 2 == 0 and index > 0:
            beats = tuple(beat.reversed() if self._random.random() < 0.5 else beat for beat in beats)
            phases = self._random.random(len(beats))
        elif index > 0:
            phases = phases + self._random.normal(0.0, _NUDGES[index % len(_NUDGES)], len(beats))
        trial = self._met(self._drawn, beats, phases, _LATE_POWERS[index // 2 % len(_LATE_POWERS)])
        score = trial.begin(self._ages_s).score
        if score < self._drawn_score:
            self._drawn, self._drawn_score, self._phases = trial, score, phases
        self._keep(trial, score)

    def open(self, deadline: Deadline) -> None:
        """Try the shortest first rounds by the crews of the best draw."""
        crews: list[list[int]] = [[] for _ in self._drawn.beats]
        for one in self._drawn.deployments:
            crews[one.beat].append(one.robot)
        trial = Openings(self._drawn, self._stands).opened(crews, deadline)
        if trial is not None:
            self._keep(trial, trial.begin(self._ages_s).score)

    def _keep(self, trial: TeamPlan, score: tuple[float, float]) -> None:
        if score < self._score:
            self.best, self._score = trial, score

    def _met(self, plan: TeamPlan, beats: tuple[Beat, ...], phases: Floats, late_power: float) -> TeamPlan:
        """Robots matched with slots so that they meet them soon, late ones counting by ``late_power``."""
        slots = Slots.of(beats, phases)
        _, taken = linear_sum_assignment(self._stands.joins_s(slots) ** late_power)
        made = tuple(self._stands.deployment(robot, slots, slot) for robot, slot in enumerate(taken.tolist()))
        return replace(plan, beats=beats, deployments=made)
