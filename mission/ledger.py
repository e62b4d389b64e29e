# SPDX-License-Identifier: Apache-2.0
"""The ledger of a mission: what became of each waypoint of each lap.

The outcomes are kept in order and the next open waypoint is simply their number, so that none can be left out or counted
twice; after a restart that number is the breakpoint.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from patrol.checks import require_in
from patrol.errors import BadValue
from patrol.operations import Mission, OutcomeKind, Route, RouteWaypoint, WaypointOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """``outcomes`` of the waypoints visited so far; ``reported`` of them have been handed out. Laps and legs count from 0."""

    mission: Mission
    leg_started_ns: int
    outcomes: tuple[WaypointOutcome, ...] = ()
    reported: int = 0

    def __post_init__(self) -> None:
        if len(self.outcomes) > self.total or self.reported > len(self.outcomes):
            raise BadValue(f"outcomes: {len(self.outcomes)} of {self.total} waypoints, {self.reported} reported")

    @property
    def legs(self) -> int:
        return len(self.mission.route.waypoints)

    @property
    def total(self) -> int:
        return self.legs * self.mission.laps

    @property
    def is_done(self) -> bool:
        return len(self.outcomes) == self.total

    @property
    def lap(self) -> int:
        return min(len(self.outcomes), self.total - 1) // self.legs

    @property
    def leg(self) -> int:
        return min(len(self.outcomes), self.total - 1) % self.legs

    @property
    def waypoint(self) -> RouteWaypoint:
        """The open waypoint; the last one once all are done."""
        return self.mission.route.waypoints[self.leg]

    def settled(self, outcome: OutcomeKind, because: str, now_ns: int) -> Ledger:
        """The open waypoint ends as ``outcome``. Raises BadValue when none is open."""
        require_in("is_done", self.is_done, (False,))
        entry = self._entry(len(self.outcomes), outcome, because, now_ns)
        return replace(self, outcomes=(*self.outcomes, entry), leg_started_ns=now_ns)

    def pre_empted(self, because: str, now_ns: int) -> Ledger:
        """Every waypoint that is still open ends as pre-empted."""
        rest = (self._entry(index, "pre-empted", because, now_ns) for index in range(len(self.outcomes), self.total))
        return replace(self, outcomes=(*self.outcomes, *rest), leg_started_ns=now_ns)

    def assigned(self, stops: tuple[RouteWaypoint, ...]) -> Ledger:
        """The same outcomes with ``stops`` open after them, in place of what was open; itself when they are open already."""
        done, waypoints = len(self.outcomes), self.mission.route.waypoints
        if self.mission.laps == 1 and waypoints[done:] == stops:
            return self
        visited = (waypoints[index % self.legs] for index in range(done))
        route = Route(route_id=self.mission.route.route_id, waypoints=(*visited, *stops))
        return replace(self, mission=replace(self.mission, laps=1, route=route))

    def _entry(self, index: int, outcome: OutcomeKind, because: str, now_ns: int) -> WaypointOutcome:
        lap, leg = divmod(index, self.legs)
        return WaypointOutcome(
            lap=lap,
            leg=leg,
            waypoint_id=self.mission.route.waypoints[leg].waypoint_id,
            outcome=outcome,
            because=because,
            started_ns=min(self.leg_started_ns, now_ns),
            ended_ns=now_ns,
        )

    def taken(self) -> tuple[tuple[WaypointOutcome, ...], Ledger]:
        """The outcomes not handed out yet, and the ledger that knows they now are."""
        return self.outcomes[self.reported :], replace(self, reported=len(self.outcomes))
