# SPDX-License-Identifier: Apache-2.0
"""The team of a site's robots as its files describe it: the same for everybody who reads the same files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mission.pace import Pace
from mission.planning.deadline import Deadline, MonotonicClock
from mission.planning.site_graph import SiteGraph, stops_graph
from mission.team.allocate import Allocator
from mission.team.dispatch import Dispatcher
from mission.team.mate import MateConfig
from mission.team.member import Means, MemberConfig
from mission.team.unit import Kind, TeamGround, Unit
from patrol.errors import BadValue
from patrol.operations import Mission, RouteWaypoint
from patrol.site import Site

RESERVE = 0.1
"""Share of the speed that plans leave unused, so that who is late can catch up."""
LIVE = MemberConfig(lost_after_s=15.0, patience_s=3.0, lead_s=1.0)
"""Robots that talk four times a second: fifteen seconds of silence are sixty words, of which nine in ten may be lost."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Roster:
    """The stops of the mission, each once, the ways between them, and what every member of the team has."""

    stops: tuple[RouteWaypoint, ...]
    made: SiteGraph
    means: Means


def roster_of(
    site: Site, mission: Mission, unit_ids: Sequence[str], clock: MonotonicClock, *, config: MemberConfig = LIVE
) -> Roster:
    """The team of ``unit_ids``, all alike, that shares ``mission`` on ``site``; they go as fast as a whole lap takes, turns and
    looking around included. Raises BadValue for a drawn mission and for other floors, WayMissing and PlaceUnreachable."""
    if mission.is_drawn:
        raise BadValue(f"mission {mission.mission_id}: its stops are drawn by one robot; a team shares a round")
    stops = tuple({stop.waypoint_id: stop for stop in mission.route.waypoints}.values())
    if any(stop.floor for stop in stops):
        raise BadValue(f"mission {mission.mission_id}: has stops on other floors; a team shares the ground floor")
    made = stops_graph(site, stops)
    ground = TeamGround(graph=made.graph)
    allocator = Allocator(ground)
    closures = {kind: allocator.closure(kind) for kind in Kind}
    lap = (*range(1, len(stops)), 0)
    lap_m = sum(float(closures[Kind.GROUND].distances_m[here, there]) for here, there in enumerate(lap))
    lap_s = Pace(site).lap_s(replace(mission, route=replace(mission.route, waypoints=stops)))
    speed_mps = (1.0 - RESERVE) * lap_m / lap_s if lap_m > 0.0 else mission.speed_mps
    return Roster(
        stops=stops,
        made=made,
        means=Means(
            units={name: Unit(unit_id=name, speed_mps=speed_mps) for name in unit_ids},
            places=made.graph.count,
            allocator=allocator,
            dispatcher=Dispatcher(ground, closures, handle_s=MateConfig().handle_s),
            deadline=lambda seconds: Deadline.after(seconds, clock),
            config=config,
        ),
    )
