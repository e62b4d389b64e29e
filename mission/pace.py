# SPDX-License-Identifier: Apache-2.0
"""How long the robot takes from stop to stop: the way that its own planner would drive, slow areas, turns and standing starts.

A promise about idleness is only as good as these times, so they come from the planner, the costmap and the body that drive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from mission.body import Body
from mission.cabin import cabins_of
from mission.costmap import CostField, Costmap, CostmapConfig
from mission.geofence import Geofence, GeofenceConfig
from mission.planner import NoPlan, Planner, PlannerConfig
from patrol.checks import Floats
from patrol.config import Config
from patrol.errors import PatrolError
from patrol.geometry import Pose2
from patrol.operations import Mission, RouteWaypoint
from patrol.site import Site


class WayMissing(PatrolError):
    """No way leads from one stop to the next."""


class PaceConfig(Config):
    """``hindrance``: how much longer ways take than on empty ground, for people, corners and what stands about;
    ``turn_radps``: how fast it turns on the spot before it sets off."""

    hindrance: float = Field(default=1.05, ge=1.0, le=3.0)
    turn_radps: float = Field(default=0.8, gt=0)
    body: Body = Body()
    costmap: CostmapConfig = CostmapConfig()
    planner: PlannerConfig = PlannerConfig()
    geofence: GeofenceConfig = GeofenceConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way between two stops: how long it takes rolling and from stand to stand (without turning), and its headings in rad at
    both ends."""

    length_m: float
    drive_s: float
    begins_rad: float
    ends_rad: float


class Pace:
    """Plans ways on a site as its file describes it. Each takes about as long as one plan of the navigator."""

    def __init__(self, site: Site, config: PaceConfig | None = None) -> None:
        self._config = config or PaceConfig()
        fence = Geofence(self._config.geofence, self._config.body, site)
        self._costmap = Costmap(self._config.costmap, site, fence_margin_m=fence.planned_m)
        self._lifts = cabins_of(site)
        self._fields: dict[int, CostField] = {}
        self._planner = Planner(self._config.planner)

    def leg(self, start: RouteWaypoint, end: RouteWaypoint, speed_mps: float) -> Way:
        """The way from stop to stop, by the quickest lift where they are on different floors. Raises WayMissing."""
        if start.floor == end.floor:
            return self.way(start.pose, end.pose, speed_mps, floor=start.floor)
        lifts = [cabin for cabin in self._lifts if {start.floor, end.floor} <= set(cabin.lift.levels)]
        if not lifts:
            raise WayMissing(f"no lift leads from floor {start.floor} to floor {end.floor}, where {end.waypoint_id} is")
        ways = []
        for cabin in lifts:
            there = self.way(start.pose, cabin.landing, speed_mps, floor=start.floor)
            on = self.way(cabin.landing, end.pose, speed_mps, floor=end.floor)
            ways.append(
                Way(
                    length_m=there.length_m + on.length_m,
                    drive_s=there.drive_s + cabin.lift.usual_s + on.drive_s,
                    begins_rad=there.begins_rad,
                    ends_rad=on.ends_rad,
                )
            )
        return min(ways, key=lambda way: way.drive_s)

    def way(self, start: Pose2, end: Pose2, speed_mps: float, *, floor: int = 0) -> Way:
        """The way from ``start`` to ``end`` on ``floor`` at ``speed_mps`` at most. Raises WayMissing where there is none."""
        if floor not in self._fields:
            self._costmap.set_floor(floor)
            self._fields[floor] = self._costmap.field(0)
        found = self._planner.plan(self._fields[floor], start, end)
        if isinstance(found, NoPlan):
            raise WayMissing(
                f"from x {start.x_m:.1f} m, y {start.y_m:.1f} m to x {end.x_m:.1f} m, y {end.y_m:.1f} m: {found.because}"
            )
        path = found.path_m
        first, last = path[min(3, len(path) - 1)] - path[0], path[-1] - path[max(-4, -len(path))]
        body, config = self._config.body, self._config
        top_mps = min(speed_mps, body.speed_max_mps)
        standing_s = 0.5 * top_mps / body.accel_mps2 + 0.5 * top_mps / body.decel_mps2
        return Way(
            length_m=found.length_m,
            drive_s=config.hindrance * self._rolling_s(path, top_mps) + standing_s,
            begins_rad=math.atan2(first[1], first[0]),
            ends_rad=math.atan2(last[1], last[0]),
        )

    def turn_s(self, angle_rad: float) -> float:
        """How long a turn on the spot by ``angle_rad`` takes."""
        away = abs(math.remainder(angle_rad, 2.0 * math.pi))
        return away / self._config.turn_radps

    def lap_s(self, mission: Mission) -> float:
        """How long one lap of ``mission`` takes, from its last stop back to its last stop. Raises WayMissing."""
        stops = mission.route.waypoints
        if len(stops) == 1:
            return stops[0].dwell_s
        ways = [self.leg(stops[index - 1], stop, mission.speed_mps) for index, stop in enumerate(stops)]
        turns_s = sum(self.turn_s(way.begins_rad - ways[index - 1].ends_rad) for index, way in enumerate(ways))
        return sum(way.drive_s for way in ways) + turns_s + sum(stop.dwell_s for stop in stops)

    def _rolling_s(self, path_m: Floats, speed_mps: float) -> float:
        """Time along a path (N, 2) m, slow areas included."""
        steps_m = np.hypot(*np.diff(path_m, axis=0).T)
        limits = np.array([self._costmap.speed_limit_at(Pose2(float(x), float(y), 0.0)) for x, y in path_m[1:]])
        return float((steps_m / np.minimum(limits, speed_mps)).sum())
