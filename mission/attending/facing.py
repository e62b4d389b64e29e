# SPDX-License-Identifier: Apache-2.0
"""Drive to a place, turn towards something there, and look at it for a while."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mission.attending.config import LookConfig
from mission.driver import Driver
from mission.lookout import View
from mission.navigator import Goal
from patrol.checks import Floats
from patrol.geometry import Pose2, Twist2, wrap_angle

_GAIN_PER_S = 1.5
_SLOWEST_RADPS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class LookStep:
    """One step: ``done`` once the look is over, ``failed`` when the place could not be reached."""

    twist: Twist2
    why: str
    done: bool = False
    failed: bool = False


class LookFrom:
    """One look at ``target_m`` (2,) m in map from ``place``."""

    def __init__(self, config: LookConfig, driver: Driver, place: Pose2, target_m: Floats, *, name: str, look_s: float) -> None:
        self._config, self._driver, self._name, self._look_s = config, driver, name, look_s
        self.place, self.target_m = place, target_m
        self._state: Literal["driving", "looking"] = "driving"
        self._drove_s = self._turned_s = self._looked_s = 0.0

    @property
    def place_m(self) -> Floats:
        """Where to look from, (2,) m in map."""
        return np.array((self.place.x_m, self.place.y_m))

    @property
    def is_looking(self) -> bool:
        """Whether the robot stands there and faces the target."""
        return self._looked_s > 0.0

    def step(self, view: View) -> LookStep:
        """One step of driving, turning or looking."""
        return self._drive(view) if self._state == "driving" else self._look(view)

    def _drive(self, view: View) -> LookStep:
        config = self._config
        self._drove_s += view.dt_s
        goal = Goal(
            name=f"a place to look at {self._name} from", pose=self.place, reach_m=config.reach_goal_m, speed_mps=config.speed_mps
        )
        drive = self._driver.drive(goal, view)
        if drive.arrival == "arrived":
            self._state = "looking"
        too_long = self._drove_s > config.drive_most_s
        return LookStep(twist=drive.twist, why=drive.why, failed=drive.arrival == "failed" or too_long)

    def _look(self, view: View) -> LookStep:
        """Turn until the target is ahead, then stand; a turn that something blocks is given up after a while."""
        config = self._config
        off_rad = bearing_off_rad(view.pose, self.target_m)
        why = f"Looking at {self._name}"
        if abs(off_rad) > config.faces_within_rad and not self.is_looking:
            self._turned_s += view.dt_s
            rate = min(max(_GAIN_PER_S * abs(off_rad), _SLOWEST_RADPS), config.turn_radps)
            failed = self._turned_s > 4.0 * math.pi / config.turn_radps
            return LookStep(twist=self._driver.turn_on_spot(view, math.copysign(rate, off_rad)), why=why, failed=failed)
        self._looked_s += view.dt_s
        return LookStep(twist=self._driver.slow_down(view.dt_s), why=why, done=self._looked_s >= self._look_s)


def bearing_off_rad(pose: Pose2, target_m: Floats) -> float:
    """How far to turn left to face a place (2,) m in map."""
    return wrap_angle(math.atan2(target_m[1] - pose.y_m, target_m[0] - pose.x_m) - pose.yaw_rad)
