# SPDX-License-Identifier: Apache-2.0
"""Two floors and a lift between them, for tests: each floor has walls of its own, the cabin carries the robot, and its doors
stand in the world until they are open. What the robot takes its floor to be follows what it sees once the doors have opened."""

from __future__ import annotations

import math
from dataclasses import replace

from shapely.geometry import LineString, Point, Polygon, box

from mission.executive import Executive, ExecutiveConfig
from mission.geofence import GeofenceConfig
from mission.route import perimeter_route
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from patrol.lifts import LiftRequest
from patrol.operations import CommandKind, Mission
from patrol.site import Floor, Lift, Site, Waypoint
from sim.lifts import SimulatedLifts
from tests.mission.kinematic import Drill, FlatWorld
from tests.mission.places import rectangle, room, waypoint

WALL_M = 0.1
LIFT = Lift(
    lift_id="lift",
    name="Lift",
    outline=box(20.0, 3.5, 22.2, 5.5),
    levels=(0, 1),
    doors_face_rad=math.pi,
    wait_s=25.0,
    ride_s=25.0,
)
STOPS = (waypoint("LOW", 13.0, 2.5, 1), replace(waypoint("HIGH", 12.0, 6.5, 2), floor=1), waypoint("HOME", 13.0, 4.0, 3))


def storeys(*, lifts: tuple[Lift, ...] = (LIFT,), stops: tuple[Waypoint, ...] = STOPS) -> Site:
    """A yard of 24 x 9 m with a floor above it."""
    upper = Floor(floor_id="upper", name="Upper", level=1, outline=rectangle(0, 0, 24, 9))
    return replace(room(waypoints=stops), perimeter=rectangle(0, 0, 24, 9), buildings=(), floors=(upper,), lifts=lifts, docks=())


def shaft(lift: Lift) -> tuple[list[Polygon], Polygon]:
    """The three walls of a cabin whose doors are in the west, and its doors."""
    low_x, low_y, high_x, high_y = lift.outline.bounds
    walls = [
        box(low_x, low_y - WALL_M, high_x, low_y),
        box(low_x, high_y, high_x, high_y + WALL_M),
        box(high_x, low_y - WALL_M, high_x + WALL_M, high_y + WALL_M),
    ]
    return walls, LineString([(low_x, low_y), (low_x, high_y)]).buffer(0.05)


class Storeys(FlatWorld):
    """``level`` is the floor that the robot really is on, None between two; ``seen`` the one that it takes itself to be on."""

    def __init__(self, site: Site, lifts: SimulatedLifts, *, start: Pose2) -> None:
        super().__init__(site, start=start, seed=0)
        self.lifts, self.level, self.seen = lifts, 0.0, 0
        self.things: list[Polygon] = []
        self.rides = 0

    def rebuild(self) -> None:
        """Put the walls of the floor that the robot is on around it, and carry it where its cabin goes."""
        at = Point(self.pose.x_m, self.pose.y_m)
        walls: list[Polygon] = [box(9.0, 0.0, 9.2, 5.0)] if self.level == 1 else [box(14.0, 5.0, 14.2, 9.0)]
        for lift in self.site.lifts:
            if lift.outline.contains(at):
                height = round(self.lifts.height(lift.lift_id), 3)
                self.rides += int(height != self.level and height in (0.0, 1.0))
                self.level = height
            sides, doors = shaft(lift)
            is_open = self.level in (0.0, 1.0) and self.lifts.is_open_at(lift.lift_id, int(self.level))
            walls += [*sides, *([] if is_open else [doors])]
            if is_open:
                self.seen = int(self.level)
        self.extra = [*walls, *self.things]

    def estimate(self, *, doubt: str = "") -> PoseEstimate:
        return replace(super().estimate(doubt=doubt), floor=self.seen)


class Ride:
    """A patrol over both floors with simulated lifts."""

    def __init__(self, lifts: SimulatedLifts, *, site: Site | None = None, start: Pose2 | None = None) -> None:
        place = site or storeys()
        self.world, self.lifts = Storeys(place, lifts, start=start or Pose2(11.0, 3.0, 0.0)), lifts
        mission = Mission(mission_id="m", name="M", route=perimeter_route(place), docks_after=False)
        config = ExecutiveConfig(geofence=GeofenceConfig(error_m=0.3))
        self.run = Drill(self.world, Executive(config, place, [mission], base_from_lidar=IDENTITY2))
        self.asked: list[LiftRequest] = []
        self.why: list[str] = []
        self.run.order(CommandKind.START, "m")

    def step(self) -> None:
        self.run.more["lifts"] = {state.lift_id: state for state in self.lifts.states(self.world.now_ns)}
        self.world.rebuild()
        decision = self.run.step()
        self.why.append(decision.state.why)
        for request in decision.lifts:
            self.asked.append(request)
            self.lifts.ask(request)

    def until_settled(self, count: int, limit_s: float) -> list[tuple[str, str]]:
        """Step until so many stops are settled; what became of them."""
        for _ in range(round(limit_s / 0.05)):
            self.step()
            if len(self.run.outcomes) >= count:
                return [(one.waypoint_id, one.outcome) for one in self.run.outcomes]
        raise AssertionError(f"{len(self.run.outcomes)} outcomes: {self.why[-1]}")
