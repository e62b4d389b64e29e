# SPDX-License-Identifier: Apache-2.0
"""The navigator drives to one goal: plan, follow, replan when the way is blocked, get unstuck, and give up with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from mission.body import Body
from mission.controller import Control, Controller, ControllerConfig
from mission.costmap import FORBIDDEN, Costmap
from mission.lookout import View
from mission.planner import NoPlan, Plan, Planner, PlannerConfig, path_length_m
from patrol.checks import Floats
from patrol.config import Config
from patrol.geometry import STOPPED, Pose2, Twist2


class NavigatorConfig(Config):
    """Patience and distances of driving to one goal."""

    check_every_s: float = Field(default=0.5, gt=0)
    look_ahead_m: float = Field(default=12.0, gt=0)
    off_path_m: float = Field(default=1.5, gt=0)
    progress_m: float = Field(default=0.3, gt=0)
    patience_s: float = Field(default=6.0, gt=0)
    patience_mover_s: float = Field(default=12.0, gt=0)
    no_plan_s: float = Field(default=12.0, gt=0)
    attempts: int = Field(default=4, ge=1)
    back_off_s: float = Field(default=2.0, gt=0)
    turn_s: float = Field(default=2.0, gt=0)
    controller: ControllerConfig = ControllerConfig()
    planner: PlannerConfig = PlannerConfig()


Arrival = Literal["driving", "arrived", "failed"]
_DOING = {
    "following": "Driving to {goal}",
    "turning": "Turning towards {goal}",
    "passing": "Going around an obstacle on the way to {goal}",
    "waiting": "Waiting for the way to {goal} to clear",
    "giving way": "Giving way to somebody on the way to {goal}",
}
_PERSON = {
    "passing": "Going around somebody on the way to {goal}",
    "waiting": "Waiting for somebody to clear the way to {goal}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Where to go: ``name`` for people, how near counts as there, and how fast at most."""

    name: str
    pose: Pose2
    reach_m: float
    speed_mps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """One step's result; ``why`` is a clause without a full stop."""

    twist: Twist2
    arrival: Arrival
    why: str


class Navigator:
    """Call ``drive`` each step with the same goal until it arrives or fails; ``rest`` when it should stand."""

    def __init__(self, config: NavigatorConfig, body: Body, costmap: Costmap) -> None:
        self._config = config
        self._costmap = costmap
        self._planner = Planner(config.planner)
        self._controller = Controller(config.controller, body)
        self._goal: Goal | None = None
        self.plan: Plan | None = None
        self._forget()

    @property
    def planned_length_m(self) -> float | None:
        """Length of the first plan to the present goal; None while there is none."""
        return self._first_length_m

    @property
    def path_m(self) -> Floats:
        """What is left of the plan, (N, 2) m in map; empty without one."""
        return self.plan.path_m[self._at :] if self.plan is not None else np.zeros((0, 2))

    def drive(self, goal: Goal, view: View) -> Drive:
        """One step towards ``goal``. After ``failed`` the next call begins anew."""
        if self._goal is None or goal.pose != self._goal.pose:
            self._goal = goal
            self._forget()
        self._controller.feel(view.twist)
        if view.pose.distance_to(goal.pose) <= goal.reach_m:
            return self._end("arrived", f"At {goal.name}", view)
        self._watch_plan(goal, view)
        if self.plan is None:
            return self._without_plan(goal, view)
        if self.plan.gap_m > 0.0 and path_length_m(self.path_m) < 0.4:
            return self._before_taken_goal(goal, self.plan.gap_m, view)
        if self._unstick_s > 0.0:
            return self._unstick(goal, view)
        control = self._follow(goal, view)
        self._watch_progress(view, control)
        if self._attempt > self._config.attempts:
            return self._end("failed", f"the way to {goal.name} is blocked", view)
        sentence = (_PERSON if control.for_mover else _DOING).get(control.doing, _DOING[control.doing])
        return Drive(twist=control.twist, arrival="driving", why=sentence.format(goal=goal.name))

    def turn_on_spot(self, view: View, turn_radps: float) -> Twist2:
        """Look around without leaving the spot."""
        return self._controller.back_off(view.around, view.dt_s, turn_radps=turn_radps).twist

    def back_off(self, view: View) -> Twist2:
        """Creep straight back as far as that is free; the plan is made anew afterwards."""
        self._goal = None
        self.plan = None
        return self._controller.back_off(view.around, view.dt_s).twist

    def slow_down(self, dt_s: float) -> Twist2:
        """Slow down without giving up the plan."""
        return self._controller.stop(dt_s)

    def halt(self) -> Twist2:
        """Stand at once; the plan is made anew afterwards."""
        self._goal = None
        self.plan = None
        self._controller.restart()
        return STOPPED

    def rest(self, dt_s: float) -> Twist2:
        """Slow down to a stand; the plan is made anew afterwards."""
        self._goal = None
        self.plan = None
        twist = self._controller.stop(dt_s)
        if twist == STOPPED:
            self._controller.restart()
        return twist

    def _forget(self) -> None:
        self.plan = None
        self._first_length_m: float | None = None
        self._at = 0
        self._since_check_s = self._config.check_every_s
        self._blocked_checks = 0
        self._no_plan_s = 0.0
        self._no_plan_because = ""
        self._attempt = 0
        self._unstick_s = 0.0
        self._best_to_go_m = np.inf
        self._idle_s = 0.0

    def _end(self, arrival: Arrival, why: str, view: View) -> Drive:
        self._goal = None
        return Drive(twist=self._controller.stop(view.dt_s), arrival=arrival, why=why)

    def _watch_plan(self, goal: Goal, view: View) -> None:
        """Twice a second: is the plan still free and still near? Plan anew when there is none or it is not."""
        self._since_check_s += view.dt_s
        if self._since_check_s < self._config.check_every_s:
            return
        self._since_check_s = 0.0
        field = self._costmap.field(view.now_ns)
        if self.plan is not None:
            self._advance(view.pose)
            ahead = self.path_m[: int(self._config.look_ahead_m / self._config.planner.step_m)]
            blocked = bool((field.weight_at(ahead[3:]) >= FORBIDDEN).any())
            self._blocked_checks = self._blocked_checks + 1 if blocked else 0
            off_m = float(np.hypot(*(ahead[0] - (view.pose.x_m, view.pose.y_m))))
            goal_is_taken = self.plan.gap_m > 0.0 and view.pose.distance_to(goal.pose) < self._config.look_ahead_m
            if self._blocked_checks < 2 and off_m <= self._config.off_path_m and not goal_is_taken:
                return
        self._adopt(self._planner.plan(field, view.pose, goal.pose))

    def _adopt(self, found: Plan | NoPlan) -> None:
        if isinstance(found, NoPlan):
            self.plan = None
            self._no_plan_because = found.because
            return
        self.plan = found
        self._at, self._blocked_checks = 0, 0
        self._no_plan_s = self._no_plan_s if found.gap_m > 0.0 else 0.0
        self._best_to_go_m = min(self._best_to_go_m, found.length_m) if self._first_length_m is None else found.length_m
        self._first_length_m = self._first_length_m or found.length_m

    def _without_plan(self, goal: Goal, view: View) -> Drive:
        self._no_plan_s += view.dt_s
        if self._no_plan_s > self._config.no_plan_s:
            return self._end("failed", f"{self._no_plan_because} ({goal.name})", view)
        twist = self._controller.stop(view.dt_s)
        return Drive(twist=twist, arrival="driving", why=f"Looking for a way to {goal.name}: {self._no_plan_because}")

    def _before_taken_goal(self, goal: Goal, gap_m: float, view: View) -> Drive:
        """As near as it gets: wait whether what stands on the goal goes away."""
        self._no_plan_s += view.dt_s
        if self._no_plan_s > self._config.no_plan_s:
            return self._end("failed", f"something stands on {goal.name}; came within {gap_m:.1f} m", view)
        twist = self._controller.stop(view.dt_s)
        return Drive(twist=twist, arrival="driving", why=f"Waiting whether what stands on {goal.name} goes away")

    def _follow(self, goal: Goal, view: View) -> Control:
        self._advance(view.pose)
        ahead = self.path_m[: int(5.0 / self._config.planner.step_m)]
        path_base = view.pose.inverse().apply(ahead)
        limit = min(goal.speed_mps, self._costmap.speed_limit_at(view.pose))
        return self._controller.follow(path_base, view.around, speed_limit_mps=limit, dt_s=view.dt_s)

    def _advance(self, pose: Pose2) -> None:
        """Move the index of the path point nearest to the robot, forwards only and within reach."""
        if self.plan is None:
            return
        near = self.plan.path_m[self._at : self._at + 15]
        self._at += int(np.hypot(*(near - (pose.x_m, pose.y_m)).T).argmin())
        self._at = min(self._at, len(self.plan.path_m) - 2)

    def _watch_progress(self, view: View, control: Control) -> None:
        """Count an attempt whenever the way to go did not shrink for too long; then plan anew, and later back off too."""
        to_go = path_length_m(self.path_m)
        if to_go < self._best_to_go_m - self._config.progress_m:
            self._best_to_go_m, self._idle_s = to_go, 0.0
            return
        self._idle_s += view.dt_s
        patience = self._config.patience_mover_s if control.for_mover else self._config.patience_s
        if self._idle_s < patience:
            return
        self._attempt += 1
        self._idle_s, self._best_to_go_m = 0.0, np.inf
        self._blocked_checks = 2
        self._since_check_s = self._config.check_every_s
        self._unstick_s = self._config.back_off_s + self._config.turn_s if self._attempt > 1 else 0.0

    def _unstick(self, goal: Goal, view: View) -> Drive:
        """Back off, then turn; the side changes with every attempt."""
        turn = 0.6 if self._attempt % 2 else -0.6
        turning = self._unstick_s <= self._config.turn_s
        control = self._controller.back_off(view.around, view.dt_s, turn_radps=turn if turning else 0.0)
        self._unstick_s -= view.dt_s
        if self._unstick_s <= 0.0:
            self._controller.restart()
            self.plan = None
        return Drive(twist=control.twist, arrival="driving", why=f"Stuck on the way to {goal.name}; backing off to try again")
