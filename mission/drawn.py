# SPDX-License-Identifier: Apache-2.0
"""Drives unpredictable missions: the route of the ledger is drawn, and what is left of it is drawn again from the times that the
robot really took, so that the guard of the walk knows how long each place has gone unseen and not how long it was planned to.

Draws are numbered and come from a secret that never leaves the robot, mixed with the id of the command that began the patrol. The
same ledger therefore gives the same route after a restart.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mission.games.draw import SecretDraw
from mission.games.play import DrawnPatrol, PlayState
from mission.ledger import Ledger
from patrol.clock import seconds
from patrol.geometry import Pose2
from patrol.operations import Route, RouteWaypoint

_DRAWN = "drawn "


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRoute:
    """A walk and the stop at each of its places."""

    patrol: DrawnPatrol
    stops: tuple[RouteWaypoint, ...]


class Drawing:
    """Draws the routes of the missions in ``routes``. Without a ``secret`` (32 bytes or more) none of them can be driven."""

    def __init__(self, routes: Mapping[str, DrawnRoute], secret: bytes | None) -> None:
        self._routes, self._secret = routes, secret

    def why_not(self, mission_id: str) -> str:
        """Why this mission can not be drawn; empty when it can, or need not be."""
        if mission_id in self._routes and self._secret is None:
            return "the robot has no secret to draw this mission from"
        return ""

    def begun(self, ledger: Ledger, command_id: str, pose: Pose2 | None) -> Ledger:
        """The ledger with a route drawn from the place nearest to ``pose`` on: as many visits as the mission's laps have stops.
        Any other mission stays as it is."""
        route = self._routes.get(ledger.mission.mission_id)
        if route is None or self._secret is None:
            return ledger
        mission = ledger.mission
        visits = mission.laps * len(mission.route.waypoints)
        first = route.patrol.begin(_nearest(route, pose))
        name = f"{_DRAWN}{command_id}"
        stops = (route.stops[first.place], *self._tail(route, first, name, visits - 1))
        return replace(ledger, mission=replace(mission, laps=1, route=Route(route_id=name, waypoints=stops)))

    def continued(self, ledger: Ledger) -> Ledger:
        """The ledger with the rest of its route drawn anew from when the visits so far really took place."""
        name = ledger.mission.route.route_id
        route = self._routes.get(ledger.mission.mission_id)
        if route is None or not name.startswith(_DRAWN) or ledger.is_done or not ledger.outcomes:
            return ledger
        done = len(ledger.outcomes)
        kept = ledger.mission.route.waypoints[:done]
        now = self._replayed(route, ledger, name)
        stops = (*kept, *self._tail(route, now, name, ledger.legs - done))
        return replace(ledger, mission=replace(ledger.mission, route=Route(route_id=name, waypoints=stops)))

    def _replayed(self, route: DrawnRoute, ledger: Ledger, name: str) -> PlayState:
        """Where the walk is after the outcomes so far, each taken at its own time. A place that was missed was not seen."""
        draw, targets = self._draw(name), route.patrol.game.targets
        first, *rest = ledger.outcomes
        tick_s = route.patrol.game.tick_s
        state = route.patrol.begin(_place_of(route, first.waypoint_id))
        for outcome in rest:
            after = route.patrol.next_node(state, draw).after
            arrival = math.ceil(seconds(outcome.ended_ns - first.ended_ns) / tick_s)
            seen = outcome.outcome == "reached"
            since = tuple(
                arrival if seen and target.place == after.place else before
                for target, before in zip(targets, state.since, strict=True)
            )
            state = replace(after, now=max(arrival, state.now), since=since)
        return state

    def _tail(self, route: DrawnRoute, state: PlayState, name: str, count: int) -> Iterator[RouteWaypoint]:
        draw = self._draw(name)
        for _ in range(count):
            state = route.patrol.next_node(state, draw).after
            yield route.stops[state.place]

    def _draw(self, name: str) -> SecretDraw:
        return SecretDraw(hmac.new(self._secret or b"", name.encode(), hashlib.sha256).digest())


def _nearest(route: DrawnRoute, pose: Pose2 | None) -> int:
    """The place of the walk nearest to ``pose``; the first one where the robot does not know where it is."""
    places = sorted(set(route.patrol.walk.graph.place.tolist()))
    if pose is None:
        return int(places[0])
    return int(min(places, key=lambda place: (route.stops[place].pose.distance_to(pose), place)))


def _place_of(route: DrawnRoute, waypoint_id: str) -> int:
    return next(place for place, stop in enumerate(route.stops) if stop.waypoint_id == waypoint_id)
