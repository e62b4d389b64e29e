# SPDX-License-Identifier: Apache-2.0
"""Drives through Nav2: each goal of the mission becomes a goal of its action ``NavigateToPose``, and the twist that its
controller asks for becomes the wish of this room.

Nav2's twists pass through here and not to the wheels, so that facts, quiet hours, zones, doors, the geofence and the stop path
stay in force, and a robot that is told to hold stands at once, whatever Nav2 is doing. Written against the interface that Nav2
documents (Macenski, Martín, White, Ginés Clavero, "The Marathon 2", IROS 2020); no code of it is needed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from pydantic import Field

from mission.driver import slowed
from mission.lookout import View
from mission.navigator import Arrival, Drive, Goal, Navigator
from patrol.checks import Floats
from patrol.clock import seconds
from patrol.config import Config
from patrol.geometry import STOPPED, Pose2, Twist2

GoalState = Literal["accepted", "rejected", "running", "succeeded", "aborted", "canceled", "no server"]


class Nav2Config(Config):
    """A goal is sent at most ``attempts`` times, ``again_s`` after the last one failed. Nav2 must say something within
    ``answer_s`` of a goal and every ``silent_s`` after; its twist counts for ``twist_s``."""

    attempts: int = Field(default=3, ge=1)
    again_s: float = Field(default=1.0, ge=0)
    answer_s: float = Field(default=3.0, gt=0)
    silent_s: float = Field(default=3.0, gt=0)
    twist_s: float = Field(default=0.3, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalNews:
    """What Nav2 says of goal ``number``: its state, how far it has to go, and in words why it failed."""

    number: int
    state: GoalState
    left_m: float | None = None
    because: str = ""


class GoalPort(Protocol):
    """The action client. News of goals come back through ``Nav2Navigator.hear``."""

    def send(self, number: int, pose: Pose2) -> None:
        """Ask Nav2 to drive to ``pose`` in map; an earlier goal is given up."""

    def cancel(self) -> None:
        """Give up the goal in hand, if there is one."""


class Nav2Navigator:
    """Nav2 as a driver. What Nav2 has no action for (standing, turning on the spot, creeping back) the room's own navigator
    does."""

    def __init__(self, config: Nav2Config, port: GoalPort, own: Navigator) -> None:
        self._config, self._port, self._own = config, port, own
        self._number, self._goal = 0, Goal(name="", pose=Pose2(0.0, 0.0, 0.0), reach_m=0.0, speed_mps=0.0)
        self._is_open = False
        self._news: GoalNews | None = None
        self._quiet_s, self._rest_s = 0.0, 0.0
        self._attempt = 0
        self._twist = STOPPED
        self._twist_ns: int | None = None
        self._path_m: Floats = np.zeros((0, 2))
        self._first_length_m: float | None = None

    @property
    def planned_length_m(self) -> float | None:
        return self._first_length_m

    @property
    def path_m(self) -> Floats:
        return self._path_m if self._is_open else np.zeros((0, 2))

    def hear(self, news: GoalNews) -> None:
        """Take what Nav2 says; of an older goal it does not count."""
        if news.number != self._number or not self._is_open:
            return
        self._news, self._quiet_s = news, 0.0
        if self._first_length_m is None and news.left_m is not None and news.left_m > 0.0:
            self._first_length_m = news.left_m

    def hear_twist(self, twist: Twist2, stamp_ns: int) -> None:
        """Take the twist that Nav2's controller asks for."""
        self._twist, self._twist_ns = twist, stamp_ns

    def hear_plan(self, path_m: Floats) -> None:
        """Take the path (N, 2) m in map that Nav2's planner made."""
        self._path_m = path_m

    def drive(self, goal: Goal, view: View) -> Drive:
        if not self._is_open or goal.pose != self._goal.pose:
            self._begin(goal)
        if view.pose.distance_to(goal.pose) <= goal.reach_m:
            return self._end("arrived", f"At {goal.name}", view)
        self._quiet_s += view.dt_s
        if self._rest_s > 0.0:
            return self._rested(goal, view)
        failed = self._failed()
        if failed:
            return self._again(goal, failed, view)
        twist = slowed(self._fresh_twist(view.now_ns), goal.speed_mps)
        return Drive(twist=twist, arrival="driving", why=f"Driving to {goal.name} with Nav2{self._doing()}")

    def turn_on_spot(self, view: View, turn_radps: float) -> Twist2:
        self._give_up()
        return self._own.turn_on_spot(view, turn_radps)

    def back_off(self, view: View) -> Twist2:
        self._give_up()
        return self._own.back_off(view)

    def slow_down(self, dt_s: float) -> Twist2:
        return self._own.slow_down(dt_s)

    def halt(self) -> Twist2:
        self._give_up()
        return self._own.halt()

    def rest(self, dt_s: float) -> Twist2:
        self._give_up()
        return self._own.rest(dt_s)

    def _begin(self, goal: Goal) -> None:
        self._goal, self._attempt, self._first_length_m = goal, 0, None
        self._path_m = np.zeros((0, 2))
        self._send()

    def _send(self) -> None:
        self._attempt += 1
        self._number += 1
        self._rest_s = 0.0
        self._is_open, self._news, self._quiet_s = True, None, 0.0
        self._port.send(self._number, self._goal.pose)

    def _failed(self) -> str:
        """Why the goal in hand has failed; empty while it has not. Where Nav2 thinks that it has arrived but the robot is not
        within reach, that is a failure too."""
        news = self._news
        if news is None:
            return f"Nav2 did not answer within {self._config.answer_s:g} s" if self._quiet_s > self._config.answer_s else ""
        words = {
            "rejected": "Nav2 refused the goal",
            "aborted": "Nav2 gave up",
            "canceled": "somebody else took Nav2's goal away",
            "no server": "Nav2 is not there",
            "succeeded": "Nav2 stopped short of it",
        }
        if news.state in words:
            return f"{words[news.state]}{f': {news.because}' if news.because else ''}"
        return f"Nav2 has been silent for {self._config.silent_s:g} s" if self._quiet_s > self._config.silent_s else ""

    def _again(self, goal: Goal, because: str, view: View) -> Drive:
        if self._attempt >= self._config.attempts:
            return self._end("failed", f"{because} ({goal.name}, {self._attempt} attempts)", view)
        self._port.cancel()
        self._rest_s = max(self._config.again_s, view.dt_s)
        return Drive(twist=self._own.slow_down(view.dt_s), arrival="driving", why=f"{because}; trying {goal.name} again")

    def _rested(self, goal: Goal, view: View) -> Drive:
        """A pause before the goal is sent again."""
        self._rest_s -= view.dt_s
        if self._rest_s <= 0.0:
            self._send()
        return Drive(twist=self._own.slow_down(view.dt_s), arrival="driving", why=f"Trying {goal.name} again with Nav2")

    def _end(self, arrival: Arrival, why: str, view: View) -> Drive:
        self._give_up()
        return Drive(twist=self._own.slow_down(view.dt_s), arrival=arrival, why=why)

    def _give_up(self) -> None:
        if self._is_open:
            self._is_open = False
            self._port.cancel()

    def _fresh_twist(self, now_ns: int) -> Twist2:
        """Nav2's twist while its goal runs and the twist is new; else a stand."""
        is_running = self._news is not None and self._news.state in ("accepted", "running")
        if not is_running or self._twist_ns is None or abs(seconds(now_ns - self._twist_ns)) > self._config.twist_s:
            return STOPPED
        return self._twist

    def _doing(self) -> str:
        return "" if self._news is not None else "; waiting for it to answer"
