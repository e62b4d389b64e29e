# SPDX-License-Identifier: Apache-2.0
"""Random patrols for ``benchmarks.scenario_hours``: who is about, where they may be, and who climbs in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from patrol.clock import nanoseconds
from patrol.site import Purpose, Site
from sim.casting_call import SITES, WORLDS
from sim.scenario import ActorKind, ActorSpec, Scenario, StartPose, Stop, Trigger
from sim.weather import Sky

_TRIES = 400
_CLEAR_OF_WALLS_M, _OUTSIDE_M = 0.8, 4.0
_ROUND_M = 80.0
_AT_HOME = (Purpose.WORK, Purpose.PUBLIC, Purpose.PARKING)
_FORBIDDEN = (Purpose.RESTRICTED, Purpose.STERILE)
_RESIDENTS: tuple[tuple[ActorKind, int, tuple[Purpose, ...]], ...] = (
    ("staff", 3, _AT_HOME),
    ("guard", 1, _AT_HOME),
    ("inmate", 4, (Purpose.YARD,)),
)
STARTS = {
    "day": datetime(2026, 6, 16, 9, tzinfo=UTC),
    "night": datetime(2026, 11, 17, 23, 30, tzinfo=UTC),
}


class Casting:
    """Draws scenarios for one site from a seed."""

    def __init__(self, name: str, site: Site, rng: np.random.Generator) -> None:
        self._name, self._site, self._rng = name, site, rng
        self._walls = unary_union([building.outline for building in site.buildings]).buffer(_CLEAR_OF_WALLS_M)

    def draw(self, *, weather: Sky, light: str, intruders: int) -> Scenario:
        """One scenario; the robot starts at one of its waypoints, and who climbs in does so where it comes within minutes."""
        start = STARTS[light]
        forbidden = self._zones(_FORBIDDEN, start)
        actors = [*self._residents(start, forbidden), *self._nature()]
        at = self._site.waypoints[int(self._rng.integers(len(self._site.waypoints)))].pose
        nearby = forbidden.intersection(Point(at.x_m, at.y_m).buffer(_ROUND_M))
        actors += [actor for number in range(intruders) if (actor := self._intruder(number, nearby)) is not None]
        return Scenario(
            name=f"{self._name}_{light}_{weather.value}",
            world=WORLDS / f"{self._name}.sdf",
            site=SITES / f"{self._name}.geojson",
            start=start,
            weather=weather,
            robot=StartPose(x_m=at.x_m, y_m=at.y_m, yaw_deg=float(np.degrees(at.yaw_rad))),
            actors=tuple(actors),
        )

    def _zones(self, purposes: tuple[Purpose, ...], start: datetime) -> BaseGeometry:
        """The ground of all zones of these purposes that hold at the start."""
        now_ns = nanoseconds(start.timestamp())
        held = [zone.outline for zone in self._site.zones if zone.purpose in purposes and zone.is_active(now_ns)]
        return unary_union(held) if held else Polygon()

    def _residents(self, start: datetime, forbidden: BaseGeometry) -> list[ActorSpec]:
        """Staff and guards where they work, inmates in their yard while it is theirs; all keep away from forbidden ground."""
        actors = []
        for kind, count, purposes in _RESIDENTS:
            home = self._zones(purposes, start).difference(forbidden.buffer(2.0)).difference(self._walls)
            for number in range(int(self._rng.integers(0, count + 1))):
                stops = self._stroll(home)
                if stops:
                    actors.append(self._actor(kind, number, stops, loop=True))
        return actors

    def _stroll(self, home: BaseGeometry) -> tuple[Stop, ...]:
        """A walk to and fro within ``home``; empty where there is no room."""
        if home.is_empty:
            return ()
        for _ in range(_TRIES):
            first, second = self._inside(home), self._inside(home)
            if first is None or second is None:
                return ()
            if first.distance(second) > 4.0 and home.contains(LineString([first, second])):
                pause_s = float(self._rng.uniform(0.0, 8.0))
                speed = float(self._rng.uniform(0.8, 1.5))
                return tuple(Stop(x_m=at.x, y_m=at.y, speed_mps=speed, pause_s=pause_s) for at in (first, second))
        return ()

    def _nature(self) -> list[ActorSpec]:
        """Foxes that cross the site, and trees that sway outside the fence."""
        rng, actors = self._rng, list[ActorSpec]()
        ground = self._site.perimeter.difference(self._walls)
        for number in range(int(rng.integers(0, 3))):
            places = [self._inside(ground) for _ in range(4)]
            stops = tuple(
                Stop(x_m=at.x, y_m=at.y, speed_mps=float(rng.uniform(1.5, 3.5)), pause_s=float(rng.uniform(0.0, 8.0)))
                for at in places
                if at is not None
            )
            actors.append(self._actor("fox", number, stops, loop=True))
        for number in range(int(rng.integers(0, 3))):
            at, out = self._at_fence(float(rng.uniform()))
            actors.append(self._actor("tree", number, (Stop(x_m=float(at[0] + 3.0 * out[0]), y_m=float(at[1] + 3.0 * out[1])),)))
        return actors

    def _intruder(self, number: int, forbidden: BaseGeometry) -> ActorSpec | None:
        """Somebody who climbs the fence near forbidden ground when the robot comes, and goes about there; None where no way in
        is free of walls."""
        rng = self._rng
        ground = forbidden.intersection(self._site.perimeter).difference(self._walls)
        for _ in range(_TRIES):
            goal = self._inside(ground.buffer(-1.0))
            if goal is None:
                return None
            fence = self._site.perimeter.exterior
            at, out = self._at_fence(float(fence.project(goal) / fence.length))
            way_in = LineString([at, (goal.x, goal.y)])
            further = self._inside(ground.buffer(-1.0))
            if way_in.length > 25.0 or way_in.intersects(self._walls) or further is None:
                continue
            if LineString([goal, further]).intersects(self._walls) or goal.distance(further) > 25.0:
                continue
            return self._climber(number, at, out, (goal, further), robot_within_m=float(rng.uniform(22.0, 36.0)))
        return None

    def _climber(
        self, number: int, at: tuple[float, float], out: tuple[float, float], goals: tuple[Point, Point], *, robot_within_m: float
    ) -> ActorSpec:
        rng = self._rng
        outside, before, after = ((at[0] + step * out[0], at[1] + step * out[1]) for step in (_OUTSIDE_M, 0.35, -0.35))
        speed = float(rng.uniform(0.9, 1.8))
        stops = (
            Stop(x_m=outside[0], y_m=outside[1]),
            Stop(x_m=before[0], y_m=before[1], speed_mps=1.4),
            Stop(x_m=after[0], y_m=after[1], speed_mps=0.1, climb_m=2.0, pause_s=float(rng.uniform(0.5, 3.0))),
            Stop(x_m=goals[0].x, y_m=goals[0].y, speed_mps=speed, pause_s=float(rng.uniform(4.0, 12.0))),
            Stop(x_m=goals[1].x, y_m=goals[1].y, speed_mps=speed, pause_s=600.0),
        )
        trigger = Trigger(after_s=float(rng.uniform(5.0, 90.0)), robot_within_m=robot_within_m)
        return self._actor("intruder", number, stops, start=trigger)

    def _actor(
        self, kind: ActorKind, number: int, stops: tuple[Stop, ...], *, loop: bool = False, start: Trigger | None = None
    ) -> ActorSpec:
        return ActorSpec(
            name=f"{kind}_{number}",
            kind=kind,
            appearance_seed=int(self._rng.integers(1 << 30)),
            route=stops,
            loop=loop,
            start=start or Trigger(),
        )

    def _at_fence(self, share: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """A place on the perimeter, and the direction that leads out of the site there."""
        ring = self._site.perimeter.exterior
        here, ahead = ring.interpolate(share, normalized=True), ring.interpolate((share + 1e-4) % 1.0, normalized=True)
        along = np.array([ahead.x - here.x, ahead.y - here.y])
        normal = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
        if self._site.perimeter.contains(Point(here.x + 0.3 * normal[0], here.y + 0.3 * normal[1])):
            normal = -normal
        return (here.x, here.y), (float(normal[0]), float(normal[1]))

    def _inside(self, ground: BaseGeometry) -> Point | None:
        """A random point of ``ground``; None where there is no ground."""
        if ground.is_empty:
            return None
        x0_m, y0_m, x1_m, y1_m = ground.bounds
        for _ in range(_TRIES):
            x_m, y_m = self._rng.uniform((x0_m, y0_m), (x1_m, y1_m)).tolist()
            if shapely.contains_xy(ground, x_m, y_m):
                return Point(x_m, y_m)
        return None


def write_scenario(scenario: Scenario, path: Path) -> Path:
    """The scenario as a file; JSON is YAML."""
    path.write_text(scenario.model_dump_json(indent=1), "utf-8")
    return path
