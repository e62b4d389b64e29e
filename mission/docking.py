# SPDX-License-Identifier: Apache-2.0
"""Docking: drive to the dock, and believe that it charges only once the current has risen.

Standing at the right place is no proof: a bent contact, a dead socket or a wrong position look just the same. The proof is a
charging current that was not there on the way. Without it the robot backs off and tries again, and then says so.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from mission.dock_marker import DockMarkerConfig, dock_seen
from mission.driver import Driver
from mission.lookout import View
from mission.navigator import Goal
from patrol.clock import nanoseconds, seconds
from patrol.config import Config
from patrol.geometry import Pose2, Twist2
from patrol.sensors import Battery

_MOVED_M = 0.08


class DockingConfig(Config):
    """``charging_a`` is the least current into the battery that counts as charging, ``rise_a`` how far it must have risen
    above the lowest of the last ``before_s``, in ``reports`` reports on end and within ``prove_s`` of arriving. ``marker`` is the
    plate that the dock is found by; None: the map's word counts."""

    reach_m: float = Field(default=0.35, gt=0)
    gap_m: float = Field(default=1.0, gt=0)
    speed_mps: float = Field(default=0.8, gt=0)
    within_s: float = Field(default=600.0, gt=0)
    charging_a: float = Field(default=0.3, gt=0)
    rise_a: float = Field(default=0.5, gt=0)
    reports: int = Field(default=2, ge=1)
    before_s: float = Field(default=20.0, gt=0)
    prove_s: float = Field(default=8.0, gt=0)
    back_off_s: float = Field(default=4.0, gt=0)
    attempts: int = Field(default=3, ge=1)
    marker: DockMarkerConfig | None = DockMarkerConfig()


Proof = Literal["waiting", "charging", "not charging", "no battery reports"]


class ChargeProof:
    """Follows the current: ``hear`` every battery report, ``arrive`` at the dock, then ask."""

    def __init__(self, config: DockingConfig) -> None:
        self._config = config
        self._before: deque[Battery] = deque(maxlen=256)
        self._arrived_ns: int | None = None
        self._lowest_a = 0.0
        self._risen = 0
        self._heard = False

    def hear(self, battery: Battery) -> None:
        """Take one report; one that is no newer than the last is left out."""
        if self._before and battery.stamp_ns <= self._before[-1].stamp_ns:
            return
        self._before.append(battery)
        if self._arrived_ns is None or battery.stamp_ns <= self._arrived_ns:
            return
        self._heard = True
        config = self._config
        rises = battery.current_a >= max(config.charging_a, self._lowest_a + config.rise_a)
        self._risen = self._risen + 1 if rises else 0

    def arrive(self, now_ns: int) -> None:
        """The robot stands at the dock from now on."""
        since_ns = now_ns - nanoseconds(self._config.before_s)
        self._arrived_ns, self._risen, self._heard = now_ns, 0, False
        self._lowest_a = min((one.current_a for one in self._before if one.stamp_ns >= since_ns), default=0.0)

    def leave(self) -> None:
        """It has left the dock again."""
        self._arrived_ns = None

    def verdict(self, now_ns: int) -> Proof:
        """Whether it charges, as far as that is known at ``now_ns``."""
        if self._arrived_ns is None:
            return "waiting"
        if self._risen >= self._config.reports:
            return "charging"
        if seconds(now_ns - self._arrived_ns) <= self._config.prove_s:
            return "waiting"
        return "not charging" if self._heard else "no battery reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class DockStep:
    """One step: the twist, the clause that says why, whether something stands on the dock, and how it ended: empty while it
    goes on, else with the sentence ``because``."""

    twist: Twist2
    why: str
    is_blocked: bool = False
    ended: Literal["", "docked", "missed"] = ""
    because: str = ""


class Docking:
    """Call ``begin`` before each docking, then ``step`` 20 times a second until it has ended."""

    def __init__(self, config: DockingConfig, navigator: Driver) -> None:
        self._config, self._navigator = config, navigator
        self._proof = ChargeProof(config)
        self.begin()

    def begin(self) -> None:
        """Start anew."""
        self._proof.leave()
        self._active_s = 0.0
        self._back_off_s = 0.0
        self._attempt = 1
        self._stands = False
        self._marked: Pose2 | None = None

    def hear(self, battery: Battery) -> None:
        """Take a battery report, also while not docking: the current before is part of the proof."""
        self._proof.hear(battery)

    def step(self, dock: Pose2, view: View, *, limit_mps: float = math.inf) -> DockStep:
        """One step towards ``dock``: where its marker shows it, or else where the map has it."""
        self._active_s += view.dt_s
        if self._stands:
            return self._prove(view)
        if self._back_off_s > 0.0:
            self._back_off_s -= view.dt_s
            return DockStep(twist=self._navigator.back_off(view), why=f"Backing off to dock again ({self._tries})")
        config = self._config
        dock, name = self._found(dock, view)
        goal = Goal(name=name, pose=dock, reach_m=config.reach_m, speed_mps=min(config.speed_mps, limit_mps))
        drive = self._navigator.drive(goal, view)
        near = view.pose.distance_to(dock) <= config.gap_m
        if drive.arrival == "arrived" or (drive.arrival == "failed" and near):
            self._stands = True
            self._proof.arrive(view.now_ns)
            return self._prove(view)
        if drive.arrival == "failed" or self._active_s > config.within_s:
            return DockStep(twist=drive.twist, why=drive.why, ended="missed", because=f"Could not get to the dock: {drive.why}.")
        return DockStep(twist=drive.twist, why=drive.why, is_blocked="stands on the dock" in drive.why)

    @property
    def _tries(self) -> str:
        return f"attempt {self._attempt} of {self._config.attempts}"

    def _found(self, dock: Pose2, view: View) -> tuple[Pose2, str]:
        """Where the dock is, and what to call it. The goal moves only when the marker shows it somewhere else: a goal that
        moved with every scan would be a new one each time."""
        marker = self._config.marker
        if marker is None or view.pose.distance_to(dock) > marker.near_m:
            self._marked = None
            return dock, "the dock"
        seen = dock_seen(view.points_map_m, dock, marker)
        if seen is not None and (self._marked is None or self._marked.distance_to(seen) > _MOVED_M):
            self._marked = seen
        return (dock, "the dock") if self._marked is None else (self._marked, "the dock, found by its marker")

    def _prove(self, view: View) -> DockStep:
        twist = self._navigator.rest(view.dt_s)
        match self._proof.verdict(view.now_ns):
            case "waiting":
                return DockStep(twist=twist, why=f"Standing at the dock, waiting for the current to rise ({self._tries})")
            case "charging":
                return DockStep(twist=twist, why="Charging", ended="docked", because="At the dock.")
            case "no battery reports":
                because = "At the dock. No battery reports, so charging is not proven."
                return DockStep(twist=twist, why="At the dock", ended="docked", because=because)
            case "not charging":
                return self._try_again(twist)

    def _try_again(self, twist: Twist2) -> DockStep:
        if self._attempt >= self._config.attempts:
            because = f"At the dock, but no charging current came in {self._attempt} attempts."
            return DockStep(twist=twist, why="Not charging", ended="missed", because=because)
        self._attempt += 1
        self._stands = False
        self._back_off_s = self._config.back_off_s
        self._proof.leave()
        return DockStep(twist=twist, why=f"No charging current; docking again ({self._tries})")
