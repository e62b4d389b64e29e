# SPDX-License-Identifier: Apache-2.0
"""A team plan: beats, who walks which, how each robot gets there, and the visits that follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mission.planning.graph import Ints, PatrolGraph
from mission.planning.metrics import Stream, VisitLog, idle_spells, merged_log
from patrol.checks import Floats
from patrol.errors import BadValue

MOST_VISITS = 20_000_000
"""More are not listed: they would fill the memory."""


class RoundsTooUnlike(BadValue):
    """Some rounds are so short beside others that their visits can not be listed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beat:
    """A closed walk along edges, its first vertex not repeated; ``offsets_m`` (n + 1,) m of its vertices along it, the last
    its length; ``robots`` walk it in this direction, equally spaced."""

    walk: tuple[int, ...]
    offsets_m: Floats
    robots: int

    @property
    def length_m(self) -> float:
        return float(self.offsets_m[-1])

    @property
    def spacing_m(self) -> float:
        """How far the robots are apart; no vertex of the walk goes unseen for longer than a robot takes for this."""
        return self.length_m / self.robots

    def reversed(self) -> Beat:
        """The same walk the other way round."""
        walk = (self.walk[0], *self.walk[:0:-1])
        return Beat(walk=walk, offsets_m=self.length_m - self.offsets_m[::-1], robots=self.robots)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deployment:
    """What one robot does: from ``start`` along ``approach`` (n,) to arrive there at ``approach_s`` (n,) s; at ``joins_s`` it
    goes on from vertex ``joins_at`` of its beat's walk and round for ever."""

    robot: int
    beat: int
    approach: tuple[int, ...]
    approach_s: Floats
    joins_s: float
    joins_at: int

    @property
    def start(self) -> int:
        """The vertex that the robot starts from."""
        return self.approach[0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Begin:
    """How a plan begins, from time 0 until it has settled: each spell (n,) s that a place of ``places`` (n,) goes unseen, and the
    mean idleness over time and places."""

    places: Ints
    spells_s: Floats
    mean_s: float

    @property
    def score(self) -> tuple[float, float]:
        """The longest and the mean that a place goes unseen, in s."""
        return round(float(self.spells_s.max()), 6), self.mean_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TeamPlan:
    """A plan for every robot of a team, all at ``speed_mps``."""

    graph: PatrolGraph
    speed_mps: float
    beats: tuple[Beat, ...]
    deployments: tuple[Deployment, ...]

    @property
    def guarantee_s(self) -> float:
        """The worst idleness that the beats keep once every robot has joined its own."""
        return max(beat.spacing_m for beat in self.beats) / self.speed_mps

    @property
    def settled_s(self) -> float:
        """From when on the guarantee holds: every robot has joined, and every vertex was passed by one that had."""
        return max(one.joins_s for one in self.deployments) + self.guarantee_s

    @property
    def longest_round_s(self) -> float:
        return max(beat.length_m for beat in self.beats) / self.speed_mps

    def log(self, horizon_s: float) -> VisitLog:
        """The visits from time 0 to ``horizon_s`` when every robot keeps to the plan."""
        return merged_log(horizon_s, self.graph.count, self.streams(horizon_s))

    @property
    def visits_per_s(self) -> float:
        """Visits a second by all robots, once they have joined their beats."""
        moving = (beat for beat in self.beats if beat.length_m > 0.0)
        return sum(beat.robots * len(beat.walk) / beat.length_m for beat in moving) * self.speed_mps

    def streams(self, horizon_s: float) -> list[Stream]:
        """The visits of each robot until ``horizon_s``. Raises RoundsTooUnlike when they are too many."""
        if horizon_s * self.visits_per_s > MOST_VISITS:
            shortest_m, longest_m = float(self.graph.lengths_m.min()), float(self.graph.lengths_m.max())
            raise RoundsTooUnlike(
                f"{self.graph.name}: has ways from {shortest_m:g} m to {longest_m:g} m, so unlike that some places would be "
                f"visited {horizon_s * self.visits_per_s:.0f} times before others are seen twice; more than {MOST_VISITS} visits "
                f"are not listed"
            )
        return [visits(self.beats[one.beat], one, self.speed_mps, horizon_s) for one in self.deployments]

    def begin(self, ages_s: Floats | None = None) -> Begin:
        """How the plan begins for the places of its beats; ``ages_s`` (N,) is how long each place has gone unseen at time 0
        already, by default not at all."""
        horizon_s = self.settled_s + self.guarantee_s + 1.0
        patrolled = np.unique(np.concatenate([beat.walk for beat in self.beats]))
        places, begun, ended = idle_spells(horizon_s, self.graph.count, self.streams(horizon_s), ages_s)
        spells_s = (ended - begun)[kept := np.isin(places, patrolled)]
        mean_s = float((spells_s**2).sum()) / (2.0 * horizon_s * patrolled.size)
        return Begin(places=places[kept], spells_s=spells_s, mean_s=mean_s)


def visits(beat: Beat, deployment: Deployment, speed_mps: float, horizon_s: float) -> Stream:
    """The visits of one robot, the wait before it joins included."""
    left_s = np.maximum(deployment.approach_s, np.append(deployment.approach_s[:-1], deployment.joins_s))
    approach = np.array(deployment.approach, dtype=np.int64)
    if beat.length_m == 0.0:
        left_s[-1] = horizon_s
        return Stream(places=approach, came_s=deployment.approach_s, left_s=np.maximum(left_s, deployment.approach_s))
    ahead_m = (beat.offsets_m[:-1] - beat.offsets_m[deployment.joins_at]) % beat.length_m
    rounds = np.arange(max(0.0, horizon_s - deployment.joins_s) * speed_mps // beat.length_m + 1.0)
    came_s = (deployment.joins_s + (rounds[:, None] * beat.length_m + ahead_m) / speed_mps).ravel()
    places = np.tile(np.array(beat.walk, dtype=np.int64), rounds.size)
    return Stream(
        places=np.concatenate((approach, places)),
        came_s=np.concatenate((deployment.approach_s, came_s)),
        left_s=np.concatenate((left_s, came_s)),
    )
