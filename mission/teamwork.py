# SPDX-License-Identifier: Apache-2.0
"""A robot's mission as part of a team's: what the team assigns takes the place of the stops that are open.

Until the team has spoken the robot waits; when it does not speak at all, the robot goes round by itself. The outcomes so far are
never touched, so whatever the team changes its mind about, every stop that was visited counts once.
"""

from __future__ import annotations

from dataclasses import replace

from mission.ledger import Ledger
from patrol.assignment import Assignment
from patrol.clock import nanoseconds, seconds
from patrol.operations import Route

WAITS_S = 30.0
FRESH_S = 10.0


class Teamwork:
    """``begun`` when a mission begins, ``followed`` every step. A robot that is not ``in_team`` goes round by itself."""

    def __init__(self, *, in_team: bool) -> None:
        self._in_team = in_team

    def begun(self, ledger: Ledger, now_ns: int) -> Ledger:
        """The ledger of a mission that has just begun: the first stop waits for the team's word, for ``WAITS_S`` at most."""
        if not self._in_team or ledger.mission.is_drawn:
            return ledger
        first, *rest = ledger.mission.route.waypoints
        held = replace(first, not_before_ns=now_ns + nanoseconds(WAITS_S))
        route = Route(route_id=ledger.mission.route.route_id, waypoints=(held, *rest))
        return replace(ledger, mission=replace(ledger.mission, route=route))

    def followed(self, ledger: Ledger | None, assignment: Assignment | None, now_ns: int) -> Ledger | None:
        """The ledger with the stops of the assignment open; as it was where there is none, or an old one."""
        given = self._valid(ledger, assignment)
        if (
            ledger is None
            or given is None
            or seconds(now_ns - given.stamp_ns) > FRESH_S
            or given.stamp_ns < ledger.leg_started_ns
        ):
            return ledger
        if not given.is_over:
            return ledger.assigned(given.stops)
        return ledger.assigned(()) if ledger.outcomes else ledger.pre_empted(given.because, now_ns)

    def because(self, ledger: Ledger | None, assignment: Assignment | None) -> str:
        """What the robot does for its team, as a clause; empty where it goes round by itself."""
        given = self._valid(ledger, assignment)
        return "" if given is None else given.because

    def _valid(self, ledger: Ledger | None, assignment: Assignment | None) -> Assignment | None:
        if not self._in_team or ledger is None or ledger.is_done or assignment is None:
            return None
        return assignment if assignment.mission_id == ledger.mission.mission_id else None
