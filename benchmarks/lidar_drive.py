# SPDX-License-Identifier: Apache-2.0
"""A rover's patrol in the embedded simulator, for the lidar benchmark: where it goes, what it measures, where it really was."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2, Twist2
from patrol.sensors import Imu, Odometry, PointCloud
from sim.scenario import Scenario, StartPose, read_scenario
from sim.score import read_truth
from sim.simulator import Simulator

ROOT = Path(__file__).resolve().parents[1]
_SPEED_MPS, _SLOW_MPS, _NEAR_M, _STEP_S = 1.3, 0.6, 0.8, 0.05

Place = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A patrol: the ``scenario``, where it begins, the way there, the way round again and again, and a box (west, south, east,
    north) inside which it goes slowly."""

    scenario: str
    start: StartPose
    way: tuple[Place, ...]
    again: tuple[Place, ...]
    slow: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


ROUNDS = {
    "prison": Round(
        scenario="prison_yard",
        start=StartPose(x_m=26.0, y_m=-40.0, yaw_deg=0.0),
        way=(
            *((26, -36), (31, -38), (33, -41), (33, -44), (36, -47), (66.5, -47), (67, -46), (67, 46), (66, 47), (-66, 47)),
            *((-67, 46), (-67, -46), (-66, -47), (30, -47), (33, -44), (33, -38)),
        ),
        again=(
            *((30, -15), (24, 5.5), (0, 5.5), (-53, 5.5), (-56, 8), (-56, 18), (-53, 21), (-30, 21), (-6, 21), (0, 18)),
            *((2, 8), (8, 5.5), (24, 5.5), (30, -15), (33, -38)),
        ),
        slow=(-52.0, 19.0, -8.0, 23.0),
    ),
    "depot": Round(
        scenario="depot_quiet",
        start=StartPose(x_m=24.0, y_m=-36.6, yaw_deg=0.0),
        way=(),
        again=(
            *((54.5, -35.0), (56.6, -1.0), (54.5, 35.0), (32.0, 36.6), (-4.0, 36.6), (-30.0, 36.6), (-54.5, 35.0)),
            *((-56.6, 2.0), (-54.5, -35.0), (-8.0, -36.6), (24.0, -36.6)),
        ),
    ),
    "border": Round(
        scenario="border_fog",
        start=StartPose(x_m=6.5, y_m=-9.0, yaw_deg=45.0),
        way=((20.0, 0.0),),
        again=((110.0, 1.2), (203.5, 4.5), (210.0, 0.0), (200.0, -1.2), (160.0, -1.2), (30.0, -1.2), (20.0, 0.0)),
    ),
}
"""Through the strip between wall and fence, the open inner gate, the forecourt, past the yard and along the corridor of a cell
block; round the fence of a depot; along a border road in fog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One measurement, complete at ``complete_ns``."""

    complete_ns: int
    measurement: PointCloud | Imu | Odometry


class Drive:
    """The rover on its way, steered by where it was last told to be and by its wheels since. People step aside for it; who
    climbs a fence in the scenario is left out, since such a person ends up standing in its way for good."""

    def __init__(self, chosen: Round, truth_log: Path, *, seed: int, metres: float) -> None:
        scenario = _peaceful(chosen)
        sensors = frozenset({"points", "imu", "odom"})
        self._simulator = Simulator.open(scenario, seed=seed, sensors=sensors, truth_path=truth_log)
        self._round, self._truth_log = chosen, truth_log
        self.start = Pose2(chosen.start.x_m, chosen.start.y_m, math.radians(chosen.start.yaw_deg))
        self._metres, self.path_m = metres, 0.0
        self._told, self._odometry_then, self._odometry = self.start, IDENTITY2, IDENTITY2

    def tell(self, map_from_base: Pose2) -> None:
        """Where the base is now."""
        self._told, self._odometry_then = map_from_base, self._odometry

    def heard(self) -> Iterator[Heard]:
        """Measurements in the order in which they are complete, until the way is driven or three times its time is over."""
        way, here = list(self._round.way or self._round.again), self.start
        ends_ns = self._simulator.now_ns + round(3e9 * self._metres / _SPEED_MPS)
        while self.path_m < self._metres and self._simulator.now_ns < ends_ns:
            step = self._simulator.advance_s(_STEP_S)
            known = [one for one in step if isinstance(one, PointCloud | Imu | Odometry)]
            found = [Heard(complete_ns=_complete_ns(one), measurement=one) for one in known]
            yield from sorted(found, key=lambda one: one.complete_ns)
            self._odometry = next((one.odom_from_base for one in reversed(known) if isinstance(one, Odometry)), self._odometry)
            before, here = here, self._told @ (self._odometry_then.inverse() @ self._odometry)
            self.path_m += here.distance_to(before)
            while math.hypot(way[0][0] - here.x_m, way[0][1] - here.y_m) < _NEAR_M:
                del way[0]
                way = way or list(self._round.again)
            self._simulator.command(self._towards(way[0], here))
        self._simulator.close()

    def true_places(self, stamps_ns: list[int]) -> Floats:
        """x, y (N, 2) m, where it really was; once the way is driven."""
        track = read_truth(self._truth_log)
        places = [(pose.x_m, pose.y_m) for pose in track.poses]
        return np.column_stack([np.interp(stamps_ns, track.stamps_ns, line) for line in zip(*places, strict=True)])

    def _towards(self, goal: Place, here: Pose2) -> Twist2:
        bearing = math.remainder(math.atan2(goal[1] - here.y_m, goal[0] - here.x_m) - here.yaw_rad, 2.0 * math.pi)
        west, south, east, north = self._round.slow
        limit = _SLOW_MPS if west < here.x_m < east and south < here.y_m < north else _SPEED_MPS
        forward = limit * max(0.0, math.cos(bearing)) ** 2 if abs(bearing) < 1.2 else 0.0
        return Twist2(forward_mps=forward, turn_radps=float(np.clip(1.5 * bearing, -1.0, 1.0)))


def _peaceful(chosen: Round) -> Scenario:
    scenario = read_scenario(ROOT / "sim" / "scenarios" / f"{chosen.scenario}.yaml")
    actors = tuple(actor for actor in scenario.actors if not any(stop.climb_m for stop in actor.route))
    return scenario.model_copy(update={"actors": actors, "robot": chosen.start})


def _complete_ns(measurement: PointCloud | Imu | Odometry) -> int:
    if not isinstance(measurement, PointCloud):
        return measurement.stamp_ns
    return measurement.stamp_ns + round(float(measurement.time_s.max(initial=0.0)) * 1e9)
