# SPDX-License-Identifier: Apache-2.0
"""Lifts on the way to another floor: go to one, call it, enter it when it is there and empty, ride, leave it where it was
asked to go. Everything has a deadline, and what goes wrong has a name.

Nothing is assumed about a lift that says nothing: only its own fresh word that its cabin stands here, open and for this robot,
lets the robot in or out; and it leaves only on the floor that it sees itself to be on. What to do next follows from where the
robot is and what the lift says, so a process that was restarted in a cabin goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from pydantic import Field
from shapely.geometry import Point

from mission.cabin import Cabin, cabins_of
from mission.driver import Driver
from mission.lookout import View
from mission.navigator import Goal
from patrol.clock import nanoseconds, seconds
from patrol.config import Config
from patrol.geometry import Pose2, Twist2
from patrol.lifts import LiftRequest, LiftState, LiftWish
from patrol.site import Site

_ENTERING = ("enter", "ride", "leave")
_PUSHED_M = 1.0
"""Farther from where it waits a robot goes back there."""


class LiftConfig(Config):
    """``session``: as whom the robot asks. A lift is called ``ask_ahead_m`` before it, again every ``again_s``; a word older than
    ``stale_s`` does not count. Of what the scan hits, ``hits`` inside the cabin make it occupied. Within ``in_doorway_m`` of its
    doors the robot drives on. One that failed is not tried again for ``forgives_s`` where another or none leads on."""

    session: str = Field(default="rover", min_length=1)
    ask_ahead_m: float = Field(default=10.0, gt=0)
    again_s: float = Field(default=1.0, gt=0)
    stale_s: float = Field(default=3.0, gt=0)
    reach_m: float = Field(default=0.4, gt=0)
    hits: int = Field(default=3, ge=1)
    in_doorway_m: float = Field(default=0.7, ge=0)
    clear_m: float = Field(default=1.0, gt=0)
    approach_factor: float = Field(default=3.0, ge=1)
    allowance_s: float = Field(default=60.0, gt=0)
    cabin_mps: float = Field(default=0.4, gt=0)
    forgives_s: float = Field(default=300.0, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftStep:
    """One step on the way to another floor: the clause ``why``, and in ``gave_up`` the reason once no lift leads on."""

    twist: Twist2
    why: str
    gave_up: str = ""


class LiftRider:
    """Call ``step`` 20 times a second while the robot has somewhere to go, ``leave`` when it does something else, and hand on
    what ``taken`` says to the lifts."""

    def __init__(self, config: LiftConfig, site: Site, navigator: Driver) -> None:
        self._config, self._navigator = config, navigator
        self._cabins = cabins_of(site)
        self._asks: list[LiftRequest] = []
        self._asked_ns: dict[str, int] = {}
        self._failed: dict[str, tuple[int, str]] = {}
        self._session: Cabin | None = None
        self._cabin: Cabin | None = None
        self._phase = ""
        self._phase_s = self._total_s = self._within_s = 0.0

    def step(self, goal: tuple[int, Pose2], view: View, states: Mapping[str, LiftState], *, limit_mps: float) -> LiftStep | None:
        """What leads to the floor of ``goal``; None while the robot is there and clear of lifts."""
        floor, towards = goal
        inside = next((cabin for cabin in self._cabins if cabin.holds(view.pose, view.floor)), None)
        if inside is None and floor == view.floor:
            self._end_behind(view)
            return None
        cabin = inside or self._chosen(floor, towards, view)
        if cabin is None:
            return self._give_up(self._why_none(floor, view), view)
        self._enter_phase(cabin, self._phase or "call")
        self._phase_s += view.dt_s
        self._total_s += view.dt_s
        if inside is None:
            return self._from_outside(cabin, view, states, limit_mps=limit_mps)
        return self._from_inside(cabin, floor, view, states)

    def leave(self, view: View | None) -> None:
        """The robot does something else; a lift that it is not in is free again."""
        if view is not None and not any(cabin.holds(view.pose, view.floor) for cabin in self._cabins):
            self._end_behind(view)

    @property
    def is_riding(self) -> bool:
        """Whether the robot is on its way in, inside, or on its way out."""
        return self._phase in _ENTERING

    def taken(self) -> tuple[LiftRequest, ...]:
        """What to tell the lifts since this was asked last."""
        asks, self._asks = tuple(self._asks), []
        return asks

    def _from_outside(self, cabin: Cabin, view: View, states: Mapping[str, LiftState], *, limit_mps: float) -> LiftStep:
        """Go to the landing, call, wait, and drive in."""
        config, name = self._config, cabin.name
        away_m = view.pose.distance_to(cabin.landing)
        if away_m <= config.ask_ahead_m:
            self._ask(cabin, view.floor, view)
        if self._phase == "leave" or (self._phase == "wait" and away_m > _PUSHED_M):
            self._enter_phase(cabin, "call")
        if self._phase == "call" and away_m > config.reach_m:
            return self._approach(cabin, view, limit_mps=limit_mps)
        hinders = self._hinders(cabin, view.floor, view, states)
        if not hinders or (self._phase == "enter" and cabin.doorway.distance(_at(view)) <= config.in_doorway_m):
            self._enter_phase(cabin, "enter")
            return self._drive_in(cabin, view)
        self._enter_phase(cabin, "wait")
        if self._phase_s > cabin.lift.wait_s or self._total_s > self._longest_s(cabin):
            return self._failure(cabin, f"{name} could not be entered within {cabin.lift.wait_s:g} s; {hinders}", view)
        return LiftStep(twist=self._navigator.slow_down(view.dt_s), why=f"Waiting for {name}: {hinders}")

    def _from_inside(self, cabin: Cabin, floor: int, view: View, states: Mapping[str, LiftState]) -> LiftStep:
        """Stop in the middle, ride, and drive out where the doors open on the right floor."""
        away_m = view.pose.distance_to(cabin.middle)
        if self._phase == "enter" and away_m > self._config.reach_m:
            self._ask(cabin, view.floor, view)
            return self._drive_in(cabin, view)
        wanted = view.floor if cabin.lift.lift_id in self._failed else floor
        self._ask(cabin, wanted, view)
        hinders = self._hinders(cabin, wanted, view, states, looks=False)
        if not hinders and view.floor != wanted:
            hinders = f"it says that this is floor {wanted}, and the robot sees floor {view.floor}"
        if not hinders or (self._phase == "leave" and cabin.doorway.distance(_at(view)) <= self._config.in_doorway_m):
            return self._drive_out(cabin, view)
        self._enter_phase(cabin, "ride")
        if self._phase_s > cabin.lift.ride_s or self._total_s > self._longest_s(cabin):
            because = f"{cabin.name} did not bring the robot to floor {wanted} within {cabin.lift.ride_s:g} s; {hinders}"
            return self._failure(cabin, because, view)
        return LiftStep(twist=self._navigator.rest(view.dt_s), why=f"In {cabin.name} to floor {wanted}: {hinders}")

    def _approach(self, cabin: Cabin, view: View, *, limit_mps: float) -> LiftStep:
        goal = Goal(name=cabin.name, pose=cabin.landing, reach_m=self._config.reach_m, speed_mps=limit_mps)
        drive = self._navigator.drive(goal, view)
        length_m = self._navigator.planned_length_m or 0.0
        self._within_s = max(self._within_s, self._config.allowance_s + self._config.approach_factor * length_m / limit_mps)
        if drive.arrival == "failed":
            return self._failure(cabin, drive.why, view)
        if self._phase_s > self._within_s:
            return self._failure(cabin, f"{cabin.name} was not reached within {self._within_s:.0f} s", view)
        return LiftStep(twist=drive.twist, why=drive.why)

    def _drive_in(self, cabin: Cabin, view: View) -> LiftStep:
        return self._within_allowance(cabin, f"the middle of {cabin.name}", cabin.middle, view)

    def _drive_out(self, cabin: Cabin, view: View) -> LiftStep:
        self._enter_phase(cabin, "leave")
        return self._within_allowance(cabin, f"the landing of {cabin.name}", cabin.landing, view)

    def _within_allowance(self, cabin: Cabin, name: str, pose: Pose2, view: View) -> LiftStep:
        goal = Goal(name=name, pose=pose, reach_m=0.5 * self._config.reach_m, speed_mps=self._config.cabin_mps)
        drive = self._navigator.drive(goal, view)
        if drive.arrival == "arrived":
            self._enter_phase(cabin, "ride" if self._phase == "enter" else "call")
        if drive.arrival == "failed" or self._phase_s > self._config.allowance_s:
            return self._failure(cabin, f"{name} was not reached ({drive.why})", view)
        return LiftStep(twist=drive.twist, why=drive.why)

    def _hinders(self, cabin: Cabin, level: int, view: View, states: Mapping[str, LiftState], *, looks: bool = True) -> str:
        """Why the doors of ``cabin`` can not be driven through on ``level``, as a clause; empty when they can."""
        state = states.get(cabin.lift.lift_id)
        if state is None or abs(seconds(view.now_ns - state.stamp_ns)) > self._config.stale_s:
            return "it says nothing"
        if state.motion == "fault":
            return f"it is stuck, floor {state.level} was the last"
        if state.doors == "fault":
            return "its doors are out of order"
        if state.session != self._config.session:
            return f"it serves {state.session or 'nobody'}"
        if state.motion == "moving" or state.doors == "moving":
            return f"it is on its way, at floor {state.level}"
        if state.level != level:
            return f"it stands at floor {state.level} with its doors {state.doors}"
        if state.doors != "open":
            return "its doors are closed"
        hits = int(shapely.contains_xy(cabin.room, view.points_map_m).sum()) if looks and len(view.points_map_m) else 0
        return "somebody or something is in it" if hits >= self._config.hits else ""

    def _chosen(self, floor: int, towards: Pose2, view: View) -> Cabin | None:
        """The lift in hand, or else the one that is least out of the way, of those that lead there and did not fail of late."""
        forgiven_ns = view.now_ns - nanoseconds(self._config.forgives_s)
        self._failed = {name: failed for name, failed in self._failed.items() if failed[0] > forgiven_ns}
        sound = (cabin for cabin in self._cabins if cabin.lift.lift_id not in self._failed)
        leads = [cabin for cabin in sound if {floor, view.floor} <= set(cabin.lift.levels)]
        if self._cabin in leads:
            return self._cabin
        around = [cabin.landing.distance_to(view.pose) + cabin.landing.distance_to(towards) for cabin in leads]
        return leads[int(np.argmin(around))] if leads else None

    def _why_none(self, floor: int, view: View) -> str:
        reasons = [because for _, because in self._failed.values()]
        return reasons[-1] if reasons else f"no lift leads from floor {view.floor} to floor {floor}"

    def _failure(self, cabin: Cabin, because: str, view: View) -> LiftStep:
        """This lift failed: another one is tried where there is one and the robot is not inside this."""
        self._failed[cabin.lift.lift_id] = (view.now_ns, because)
        if cabin.holds(view.pose, view.floor):
            return self._give_up(because, view)
        self._end(cabin, view)
        self._restart()
        return LiftStep(twist=self._navigator.rest(view.dt_s), why=because)

    def _give_up(self, because: str, view: View) -> LiftStep:
        self._restart()
        return LiftStep(twist=self._navigator.rest(view.dt_s), why=because, gave_up=because)

    def _restart(self) -> None:
        self._cabin, self._phase = None, ""
        self._phase_s = self._total_s = self._within_s = 0.0

    def _enter_phase(self, cabin: Cabin, phase: str) -> None:
        if cabin is not self._cabin:
            self._total_s = self._within_s = 0.0
        if cabin is not self._cabin or phase != self._phase:
            self._cabin, self._phase, self._phase_s = cabin, phase, 0.0

    def _longest_s(self, cabin: Cabin) -> float:
        """However often the robot went in and out: a ride takes no longer."""
        return cabin.lift.wait_s + cabin.lift.ride_s + self._within_s + 3.0 * self._config.allowance_s

    def _ask(self, cabin: Cabin, level: int, view: View) -> None:
        last_ns = self._asked_ns.get(cabin.lift.lift_id)
        self._session = cabin
        if last_ns is None or not 0 <= view.now_ns - last_ns < nanoseconds(self._config.again_s):
            self._asked_ns[cabin.lift.lift_id] = view.now_ns
            self._say(cabin, "come", level, view)

    def _end_behind(self, view: View) -> None:
        """The ride is over: the lift is free once the robot is clear of its doors."""
        cabin = self._session
        self._restart()
        if cabin is None:
            return
        if cabin.lift.outline.distance(_at(view)) > self._config.clear_m:
            self._end(cabin, view)
        else:
            self._ask(cabin, view.floor, view)

    def _end(self, cabin: Cabin, view: View) -> None:
        self._session = None
        self._asked_ns.pop(cabin.lift.lift_id, None)
        self._say(cabin, "end", view.floor, view)

    def _say(self, cabin: Cabin, wish: LiftWish, level: int, view: View) -> None:
        name, session = cabin.lift.lift_id, self._config.session
        self._asks.append(LiftRequest(stamp_ns=view.now_ns, lift_id=name, session=session, wish=wish, level=level))


def _at(view: View) -> Point:
    return Point(view.pose.x_m, view.pose.y_m)
