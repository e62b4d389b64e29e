# SPDX-License-Identifier: Apache-2.0
"""How a robot gets from where it stands to a slot that moves along a beat.

A slot moves at the robots' speed. A robot goes the shortest way to the vertex where it can meet its slot first, and waits there
if it is early.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mission.planning.graph import Closure, Ints
from mission.planning.plan import Beat, Deployment
from patrol.checks import Floats

_SAME_S = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slots:
    """Every slot of every beat: its beat, and its phase in m along the walk at time 0; ``beats`` as they are walked."""

    beats: tuple[Beat, ...]
    beat: Ints
    phase_m: Floats

    @classmethod
    def of(cls, beats: tuple[Beat, ...], phases: Floats) -> Slots:
        """The slots when the first of each beat is ``phases`` (n,) spacings along."""
        beat = np.concatenate([np.full(one.robots, index) for index, one in enumerate(beats)])
        phase = [(np.arange(one.robots) + share) * one.spacing_m for one, share in zip(beats, phases, strict=True)]
        return cls(beats=beats, beat=beat, phase_m=np.concatenate(phase))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stands:
    """Where the robots are: the vertex ``starts[i]`` of each, and from when on (n,) s it can leave that; all at ``speed_mps``
    along the shortest ways of ``closure``."""

    closure: Closure
    speed_mps: float
    starts: tuple[int, ...]
    ready_s: Floats

    def reach_s(self, beat: Beat) -> Floats:
        """When (K, n) s each robot can be at each vertex of the walk."""
        return self.ready_s[:, None] + self.closure.distances_m[np.ix_(self.starts, beat.walk)] / self.speed_mps

    def joins_s(self, slots: Slots) -> Floats:
        """When (K, K) s each robot can meet each slot first."""
        reach_s = [self.reach_s(beat) for beat in slots.beats]
        return np.column_stack(
            [
                met_s(slots.beats[index], phase_m, reach_s[index], self.speed_mps).min(axis=1)
                for index, phase_m in zip(slots.beat.tolist(), slots.phase_m.tolist(), strict=True)
            ]
        )

    def way(self, robot: int, place: int) -> tuple[list[int], Floats]:
        """The shortest way of ``robot`` to ``place``, and when (n,) s it is at each vertex of it."""
        start = self.starts[robot]
        way = self.closure.way(start, place)
        return way, self.ready_s[robot] + self.closure.distances_m[start, way] / self.speed_mps

    def deployment(self, robot: int, slots: Slots, slot: int) -> Deployment:
        """The way of ``robot`` to ``slot``."""
        index = int(slots.beat[slot])
        beat = slots.beats[index]
        reach_s = self.ready_s[robot] + self.closure.distances_m[self.starts[robot], list(beat.walk)] / self.speed_mps
        meets_s = met_s(beat, float(slots.phase_m[slot]), reach_s, self.speed_mps)
        at = int(np.argmin(meets_s))
        way, came_s = self.way(robot, beat.walk[at])
        joins_s = max(float(meets_s[at]), float(came_s[-1]))
        return Deployment(robot=robot, beat=index, approach=tuple(way), approach_s=came_s, joins_s=joins_s, joins_at=at)


def met_s(beat: Beat, phase_m: float, reach_s: Floats, speed_mps: float) -> Floats:
    """When (..., n) s the slot that is ``phase_m`` along the beat at time 0 is met at each of the n vertices of its walk, by one
    who gets there at ``reach_s`` (..., n) s."""
    if beat.length_m == 0.0:
        return reach_s
    first_s = passes_s(beat, phase_m, speed_mps)
    round_s = beat.length_m / speed_mps
    late_s = np.maximum(0.0, reach_s - first_s - _SAME_S)
    met: Floats = first_s + np.ceil(late_s / round_s) * round_s
    return met


def passes_s(beat: Beat, phase_m: float, speed_mps: float) -> Floats:
    """When (n,) s the slot that is ``phase_m`` along the beat at time 0 first passes each vertex of its walk."""
    if beat.length_m == 0.0:
        return np.zeros(1)
    first: Floats = ((beat.offsets_m[:-1] - phase_m) % beat.length_m) / speed_mps
    return first
