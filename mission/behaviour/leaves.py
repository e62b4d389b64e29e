# SPDX-License-Identifier: Apache-2.0
"""The leaves of the tree. Each ``update`` looks at the turn, leaves a sentence that says why, and never waits."""

from __future__ import annotations

from collections.abc import Callable

from py_trees.behaviour import Behaviour
from py_trees.common import Status

from mission.behaviour.turn import Tools, Turn
from mission.driver import slowed
from mission.ledger import Ledger
from mission.lifts import LiftStep
from mission.lookout import View
from mission.machine import Event
from mission.navigator import Goal
from patrol.clock import seconds
from patrol.errors import BadValue
from patrol.geometry import Pose2, Twist2
from patrol.operations import Mode, OutcomeKind

Now = Callable[[], Turn]
_OUT_REACH_M = 0.3
_HOME_MPS = 1.0
"""How fast it goes to a lift on its way to the dock."""


class Leaf(Behaviour):
    """A leaf that knows the turn in hand."""

    def __init__(self, name: str, now: Now) -> None:
        super().__init__(name)
        self._now = now

    def say(self, status: Status, why: str) -> Status:
        """Give ``status`` with its reason."""
        self.feedback_message = why
        return status


class InMode(Leaf):
    """Succeeds while the robot is in one of the modes."""

    def __init__(self, now: Now, *modes: Mode) -> None:
        super().__init__(f"{' or '.join(modes)}?", now)
        self._modes = modes

    def update(self) -> Status:
        mode = self._now().mode
        return self.say(Status.SUCCESS if mode in self._modes else Status.FAILURE, f"The mode is {mode}.")


class Stand(Leaf):
    """Stands, and says why; ``slowly`` brings a moving robot to rest as it would itself."""

    def __init__(self, name: str, now: Now, tools: Tools, sentence: Callable[[str], str], *, slowly: bool = False) -> None:
        super().__init__(name, now)
        self._tools, self._sentence, self._slowly = tools, sentence, slowly

    def update(self) -> Status:
        turn, navigator = self._now(), self._tools.navigator
        turn.twist = navigator.rest(turn.view.dt_s) if self._slowly and turn.view is not None else navigator.halt()
        return self.say(Status.RUNNING, self._sentence(turn.situation.note))


class KnowsPlace(Leaf):
    """Succeeds while the robot knows where it is."""

    def update(self) -> Status:
        if self._now().view is not None:
            return self.say(Status.SUCCESS, "The position is known.")
        return self.say(Status.FAILURE, "The robot does not know yet where it is.")


class InsideKeepOut(Leaf):
    """Succeeds while the robot stands in a keep-out that it is to leave."""

    def update(self) -> Status:
        names = [zone.zone_id for zone in self._now().inside if zone.when_inside == "leave"]
        if names:
            return self.say(Status.SUCCESS, f"The robot stands in {', '.join(names)}.")
        return self.say(Status.FAILURE, "The robot stands in no keep-out.")


class RouteIsDone(Leaf):
    """Succeeds once no waypoint is open."""

    def update(self) -> Status:
        if self._now().situation.is_open:
            return self.say(Status.FAILURE, "Waypoints are open.")
        return self.say(Status.SUCCESS, "The last waypoint is settled.")


class Work(Leaf):
    """A leaf that works with the tools."""

    def __init__(self, name: str, now: Now, tools: Tools) -> None:
        super().__init__(name, now)
        self._tools = tools

    def _held_up(self, turn: Turn, view: View) -> tuple[str, str]:
        """Why the robot must stand before a door or a narrow passage, and why it gave up, as clauses."""
        path_m = self._tools.navigator.path_m
        door = self._tools.doors.step(path_m, view, turn.doors)
        turn.asks = door.asks
        if door.waits:
            return door.waits, door.gave_up
        passing = self._tools.passing.step(path_m, view, turn.passages)
        return passing.waits, passing.gave_up

    def _ride(self, turn: Turn, goal: tuple[int, Pose2], speed_mps: float) -> LiftStep | None:
        """What brings the robot to the floor of ``goal``; None when it is there."""
        limit_mps = min(speed_mps, turn.limit_mps(self._tools))
        return self._tools.lifts.step(goal, known_view(turn), turn.lifts, limit_mps=limit_mps)

    def _drive(self, turn: Turn, twist: Twist2, why: str) -> Status:
        turn.twist, turn.drives = twist, True
        return self.say(Status.RUNNING, f"{why}.")


class FollowHand(Work):
    """Drives as the hand control says, no faster than the facts allow."""

    def update(self) -> Status:
        turn, hand = self._now(), self._now().hand
        if hand is None:
            turn.twist = self._tools.navigator.halt()
            return self.say(Status.RUNNING, "Waiting for the hand control.")
        self._tools.navigator.halt()
        turn.twist = slowed(hand.twist, turn.limit_mps(self._tools))
        because = f" (slowly: {turn.actions.because})" if turn.actions.slow else ""
        return self.say(Status.RUNNING, f"{turn.situation.note}{because}")


class LeaveKeepOut(Work):
    """Drives out of a new keep-out by the shortest way."""

    def update(self) -> Status:
        turn = self._now()
        view = known_view(turn)
        out = self._tools.zones.way_out(view.pose)
        goal = Goal(name="the way out", pose=out, reach_m=_OUT_REACH_M, speed_mps=self._tools.leave_mps)
        drive = self._tools.navigator.drive(goal, view)
        names = ", ".join(zone.zone_id for zone in turn.inside)
        return self._drive(turn, drive.twist, f"Leaving {names}, which was closed to the robot: {drive.why}")


class DriveLeg(Work):
    """Drives the open leg, through doors that it asks to open and by lifts that it calls; at its end it is settled, and held
    there when the facts ask for that."""

    def update(self) -> Status:
        turn = self._now()
        view, ledger = known_view(turn), turn.situation.ledger
        if ledger is None:
            return self.say(Status.FAILURE, "There is no mission.")
        waits = self._waits(turn, view, ledger)
        if waits is not None:
            return waits
        mission = ledger.mission
        speed_mps = min(mission.speed_mps, turn.limit_mps(self._tools))
        leg = self._tools.legs.step(ledger.waypoint, view, speed_mps=speed_mps, deadline_factor=mission.leg_deadline_factor)
        if leg.settled is not None:
            self._settle(turn, leg.settled, leg.because)
        where = turn.team or f"leg {ledger.leg + 1} of {ledger.legs}, lap {ledger.lap + 1} of {mission.laps}"
        return self._drive(turn, leg.twist, f"{leg.why} ({where})")

    def _waits(self, turn: Turn, view: View, ledger: Ledger) -> Status | None:
        """A door, a lift or the team's slot that comes before the leg; None when there is none."""
        waypoint = ledger.waypoint
        waits, gave_up = self._held_up(turn, view)
        if gave_up:
            self._settle(turn, "missed", gave_up)
        if waits:
            return self._drive(turn, self._tools.navigator.slow_down(view.dt_s), waits)
        ride = self._ride(turn, (waypoint.floor, waypoint.pose), ledger.mission.speed_mps)
        if ride is not None:
            if ride.gave_up:
                self._settle(turn, "missed", ride.gave_up)
            return self._drive(turn, ride.twist, ride.why)
        slot_s = seconds(waypoint.not_before_ns - view.now_ns)
        if slot_s <= 0.0:
            return None
        why = f"Waiting {slot_s:.0f} s for the slot to {waypoint.waypoint_id}"
        return self._drive(turn, self._tools.navigator.rest(view.dt_s), f"{why} ({turn.team or 'the team is planning'})")

    def _settle(self, turn: Turn, outcome: OutcomeKind, because: str) -> None:
        turn.settled = (outcome, because)
        if turn.actions.finish_leg:
            turn.event = (Event.HOLD, turn.actions.because)


class EndMission(Work):
    """Ends a mission whose waypoints are all settled."""

    def update(self) -> Status:
        turn = self._now()
        ledger = turn.situation.ledger
        goes_home = ledger is not None and ledger.mission.docks_after and self._tools.has_dock
        turn.event = (Event.ROUTE_DONE if goes_home else Event.ROUTE_DONE_STAY, "The mission is done.")
        return self._drive(turn, self._tools.navigator.rest(known_view(turn).dt_s), "The last waypoint is settled")


class Dock(Work):
    """Docks, and proves that it charges."""

    def update(self) -> Status:
        turn = self._now()
        if turn.dock is None:
            turn.event = (Event.DOCK_MISSED, "The site has no dock.")
            return self.say(Status.FAILURE, "The site has no dock.")
        waits, gave_up = self._held_up(turn, known_view(turn))
        if gave_up:
            turn.event = (Event.DOCK_MISSED, f"Could not get to the dock: {gave_up}.")
        if waits:
            return self._drive(turn, self._tools.navigator.slow_down(known_view(turn).dt_s), waits)
        ride = self._ride(turn, (0, turn.dock), _HOME_MPS)
        if ride is not None:
            if ride.gave_up:
                turn.event = (Event.DOCK_MISSED, f"Could not get to the dock: {ride.gave_up}.")
            return self._drive(turn, ride.twist, ride.why)
        step = self._tools.docking.step(turn.dock, known_view(turn), limit_mps=turn.limit_mps(self._tools))
        turn.dock_is_blocked = step.is_blocked
        if step.ended:
            turn.event = (Event.DOCK_REACHED if step.ended == "docked" else Event.DOCK_MISSED, step.because)
            return self._drive(turn, step.twist, step.why)
        return self._drive(turn, step.twist, f"{step.why}; {turn.situation.note}".rstrip("."))


def known_view(turn: Turn) -> View:
    """The view; the tree asks for it only behind ``KnowsPlace``."""
    if turn.view is None:
        raise BadValue("view: this behaviour needs a known position")
    return turn.view
