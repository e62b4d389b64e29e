# SPDX-License-Identifier: Apache-2.0
"""The mission drives through Nav2's action: a stand-in of its server, in this process, that plans straight lines."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest

from mission.executive import Executive, ExecutiveConfig
from mission.nav2 import GoalNews, GoalState, Nav2Config, Nav2Navigator
from mission.navigator import Navigator
from mission.route import perimeter_route
from patrol.geometry import IDENTITY2, STOPPED, Pose2, Twist2
from patrol.operations import CommandKind, Mission, Mode
from tests.mission.kinematic import Drill, FlatWorld
from tests.mission.places import room, waypoint

SITE = room(waypoints=(waypoint("A", 20.0, 3.5, 1), waypoint("B", 20.0, 12.5, 2), waypoint("C", 4.0, 12.5, 3)))
Habit = Literal["good", "refuses", "aborts", "silent", "mute", "stops short", "away"]


class StandIn:
    """Takes goals as ``NavigateToPose`` does, and drives straight at them."""

    def __init__(self, habit: Habit = "good") -> None:
        self.habit = habit
        self.goals: list[Pose2] = []
        self.cancelled = 0
        self._number, self._goal = 0, IDENTITY2
        self._navigator: Nav2Navigator | None = None
        self._said = False

    def driver(self, own: Navigator) -> Nav2Navigator:
        self._navigator = Nav2Navigator(Nav2Config(), self, own)
        return self._navigator

    def send(self, number: int, pose: Pose2) -> None:
        self.goals.append(pose)
        self._number, self._goal, self._said = number, pose, False
        answers: dict[Habit, GoalState] = {"refuses": "rejected", "away": "no server", "aborts": "aborted"}
        if self.habit != "mute":
            self._tell(answers.get(self.habit, "accepted"), because="no valid path" if self.habit == "aborts" else "")
        if self.habit in answers:
            self._number = 0

    def cancel(self) -> None:
        self.cancelled += 1
        self._number = 0

    def work(self, pose: Pose2, now_ns: int) -> None:
        """One step of its own loop: feedback, and the twist of its controller."""
        if self._navigator is None or not self._number or self.habit in ("mute", "silent"):
            return
        x_m, y_m = pose.inverse().apply([(self._goal.x_m, self._goal.y_m)])[0]
        left_m, bearing = math.hypot(x_m, y_m), math.atan2(y_m, x_m)
        if self.habit == "stops short" and left_m < 5.0:
            self._tell("succeeded")
            return
        self._navigator.hear_plan(np.array([(pose.x_m, pose.y_m), (self._goal.x_m, self._goal.y_m)]))
        self._tell("running", left_m=float(left_m))
        speed = 2.0 if abs(bearing) < 0.3 else 0.0
        self._navigator.hear_twist(Twist2(speed, 0.0, max(-1.0, min(1.0, 2.0 * bearing))), now_ns)

    def _tell(self, state: GoalState, *, left_m: float | None = None, because: str = "") -> None:
        if self._navigator is not None:
            self._navigator.hear(GoalNews(number=self._number, state=state, left_m=left_m, because=because))


class Run:
    """The drill with the stand-in working beside it."""

    def __init__(self, habit: Habit = "good") -> None:
        self.server = StandIn(habit)
        self.world = FlatWorld(SITE, start=SITE.docks[0].pose, seed=0)
        mission = Mission(mission_id="m", name="M", route=perimeter_route(SITE), speed_mps=1.0, docks_after=False)
        executive = Executive(ExecutiveConfig(), SITE, [mission], base_from_lidar=IDENTITY2, drive_with=self.server.driver)
        self.drill = Drill(self.world, executive)
        self.fastest_mps = 0.0
        self.drill.order(CommandKind.START, "m")

    def until(self, count: int, limit_s: float = 120.0) -> None:
        for _ in range(round(limit_s / 0.05)):
            self.step()
            if len(self.drill.outcomes) >= count:
                return

    def step(self) -> None:
        self.server.work(self.world.pose, self.world.now_ns)
        self.drill.step()
        self.fastest_mps = max(self.fastest_mps, self.world.twist.forward_mps)


def test_the_mission_drives_each_leg_through_the_action() -> None:
    run = Run()
    run.until(3)
    assert [(one.waypoint_id, one.outcome) for one in run.drill.outcomes] == [(name, "reached") for name in "ABC"]
    assert [goal.x_m for goal in run.server.goals] == [20.0, 20.0, 4.0]
    assert 0.9 < run.fastest_mps < 1.05, "Nav2 asked for 2 m/s, the mission allows 1"
    assert run.drill.decision is not None
    assert run.drill.decision.mission_done


def test_a_hold_stands_at_once_and_sends_the_goal_again_afterwards() -> None:
    run = Run()
    for _ in range(80):
        run.step()
    assert run.world.twist.forward_mps > 0.5
    run.drill.order(CommandKind.PAUSE)
    for _ in range(60):
        run.step()
    assert run.world.twist == STOPPED
    assert run.server.cancelled >= 1
    run.drill.order(CommandKind.RESUME)
    run.step()
    assert len(run.server.goals) == 2
    assert run.server.goals[0] == run.server.goals[1]


@pytest.mark.parametrize(
    ("habit", "because"),
    [
        ("refuses", "Nav2 refused the goal (waypoint A, 3 attempts)"),
        ("aborts", "Nav2 gave up: no valid path (waypoint A, 3 attempts)"),
        ("away", "Nav2 is not there (waypoint A, 3 attempts)"),
        ("mute", "Nav2 did not answer within 3 s (waypoint A, 3 attempts)"),
        ("silent", "Nav2 has been silent for 3 s (waypoint A, 3 attempts)"),
        ("stops short", "Nav2 stopped short of it (waypoint A, 3 attempts)"),
    ],
)
def test_what_nav2_can_not_do_costs_the_waypoint_with_the_reason(habit: Habit, because: str) -> None:
    run = Run(habit)
    run.until(1)
    assert [(one.outcome, one.because) for one in run.drill.outcomes[:1]] == [("missed", because)]
    assert len(run.server.goals) == 3


def test_a_twist_that_is_old_or_belongs_to_no_goal_does_not_drive() -> None:
    run = Run()
    for _ in range(60):
        run.step()
    run.server.habit = "silent"
    for _ in range(12):
        run.step()
    assert run.drill.decision is not None
    assert run.drill.decision.twist == STOPPED
    assert run.drill.executive.situation.mode is Mode.PATROLLING


def test_news_of_an_older_goal_do_not_count() -> None:
    run = Run()
    run.step()
    navigator = run.server._navigator
    assert navigator is not None
    navigator.hear(GoalNews(number=99, state="aborted"))
    run.step()
    assert len(run.server.goals) == 1
