# SPDX-License-Identifier: Apache-2.0
"""Whatever drives the robot to one goal: the navigator of this room, or a stack that is installed beside it."""

from __future__ import annotations

from typing import Protocol

from mission.lookout import View
from mission.navigator import Drive, Goal
from patrol.checks import Floats
from patrol.geometry import Twist2


class Driver(Protocol):
    """Asked 20 times a second. ``drive`` with the same goal until it arrives or fails; every other verb gives up the goal or
    keeps it, as each says. Twists are wishes: facts, geofence and stop path stay above them."""

    @property
    def planned_length_m(self) -> float | None:
        """Length of the first plan to the present goal; None while there is none."""

    @property
    def path_m(self) -> Floats:
        """What is left of the plan, (N, 2) m in map; empty without one."""

    def drive(self, goal: Goal, view: View) -> Drive:
        """One step towards ``goal``. After ``failed`` the next call begins anew."""

    def turn_on_spot(self, view: View, turn_radps: float) -> Twist2:
        """Look around without leaving the spot."""

    def back_off(self, view: View) -> Twist2:
        """Creep straight back as far as that is free; gives up the goal."""

    def slow_down(self, dt_s: float) -> Twist2:
        """Slow down and keep the goal."""

    def halt(self) -> Twist2:
        """Stand at once; gives up the goal."""

    def rest(self, dt_s: float) -> Twist2:
        """Slow down to a stand; gives up the goal."""


def slowed(twist: Twist2, limit_mps: float) -> Twist2:
    """The twist on its own arc, ``limit_mps`` at most."""
    if abs(twist.forward_mps) <= limit_mps:
        return twist
    share = limit_mps / abs(twist.forward_mps)
    return Twist2(twist.forward_mps * share, twist.left_mps * share, twist.turn_radps * share)
