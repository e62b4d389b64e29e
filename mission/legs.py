# SPDX-License-Identifier: Apache-2.0
"""One leg at a time: drive to the waypoint, look around there, and settle it before its deadline whatever happens."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydantic import Field

from mission.driver import Driver
from mission.lookout import View
from mission.navigator import Goal
from patrol.config import Config
from patrol.geometry import Twist2
from patrol.operations import OutcomeKind, RouteWaypoint


class LegConfig(Config):
    """``allowance_s`` is added to every deadline; ``unplanned_s`` bounds a leg that never got a plan; a dwell
    that is too short for a whole turn at ``look_around_radps`` is spent standing."""

    reach_m: float = Field(default=0.7, gt=0)
    allowance_s: float = Field(default=30.0, ge=0)
    unplanned_s: float = Field(default=60.0, gt=0)
    look_around_radps: float = Field(default=1.0, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegStep:
    """One step of a leg: ``settled`` is None while it goes on."""

    twist: Twist2
    why: str
    settled: OutcomeKind | None = None
    because: str = ""


class LegRunner:
    """Runs one leg; ``begin`` before each."""

    def __init__(self, config: LegConfig, navigator: Driver) -> None:
        self._config = config
        self._navigator = navigator
        self.begin()

    def begin(self) -> None:
        """Start the clock of a new leg."""
        self._active_s = 0.0
        self._longest_s = 0.0
        self._dwelt_s: float | None = None

    def step(self, waypoint: RouteWaypoint, view: View, *, speed_mps: float, deadline_factor: float) -> LegStep:
        """One step towards ``waypoint``; only time spent in here counts against the deadline."""
        self._active_s += view.dt_s
        if self._dwelt_s is not None:
            return self._dwell(waypoint, view)
        deadline_s = self._deadline_s(speed_mps, deadline_factor)
        name = f"waypoint {waypoint.waypoint_id}"
        goal = Goal(name=name, pose=waypoint.pose, reach_m=self._config.reach_m, speed_mps=speed_mps)
        drive = self._navigator.drive(goal, view)
        if drive.arrival == "arrived":
            self._dwelt_s = 0.0
            return self._dwell(waypoint, view)
        if drive.arrival == "failed":
            return LegStep(twist=drive.twist, why=drive.why, settled="missed", because=drive.why)
        if self._active_s > deadline_s:
            because = f"not reached within {deadline_s:.0f} s ({drive.why})"
            return LegStep(twist=drive.twist, why=drive.why, settled="missed", because=because)
        return LegStep(twist=drive.twist, why=drive.why)

    def _dwell(self, waypoint: RouteWaypoint, view: View) -> LegStep:
        dwelt_s = (self._dwelt_s or 0.0) + view.dt_s
        self._dwelt_s = dwelt_s
        if dwelt_s >= waypoint.dwell_s:
            why = f"Reached waypoint {waypoint.waypoint_id}"
            return LegStep(twist=self._navigator.slow_down(view.dt_s), why=why, settled="reached")
        why = f"Looking around at waypoint {waypoint.waypoint_id}"
        rate = 2.0 * math.pi / waypoint.dwell_s
        if rate > self._config.look_around_radps:
            return LegStep(twist=self._navigator.slow_down(view.dt_s), why=why)
        return LegStep(twist=self._navigator.turn_on_spot(view, rate), why=why)

    def _deadline_s(self, speed_mps: float, factor: float) -> float:
        """The deadline of this leg; a shorter plan made later on the way does not bring it forward."""
        length_m = self._navigator.planned_length_m
        if length_m is not None:
            self._longest_s = max(self._longest_s, factor * length_m / speed_mps + self._config.allowance_s)
        return self._longest_s or self._config.unplanned_s
