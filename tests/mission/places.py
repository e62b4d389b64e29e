# SPDX-License-Identifier: Apache-2.0
"""Small sites for the tests of the mission room."""

from __future__ import annotations

import math

from shapely.geometry import Polygon, box

from patrol.geometry import Pose2
from patrol.site import Building, Datum, Dock, KeepOut, Site, SlowArea, Waypoint

DATUM = Datum(latitude_deg=52.0, longitude_deg=13.0)


def rectangle(low_x_m: float, low_y_m: float, high_x_m: float, high_y_m: float) -> Polygon:
    return box(low_x_m, low_y_m, high_x_m, high_y_m)


def depot(*, waypoints: tuple[Waypoint, ...] = ()) -> Site:
    """A fenced yard of 120 x 80 m with two halls, parked vehicles, a slow area, a keep-out and a dock in the south."""
    return Site(
        site_id="yard",
        name="Yard",
        time_zone="Europe/Berlin",
        datum=DATUM,
        perimeter=rectangle(-60, -40, 60, 40),
        buildings=(
            Building(building_id="hall", name="Hall", outline=rectangle(-35, -10, -5, 15), height_m=8.0),
            Building(building_id="office", name="Office", outline=rectangle(15, -20, 40, -5), height_m=6.0),
        ),
        keep_outs=(KeepOut(keep_out_id="pit", name="Pit", outline=rectangle(20, 15, 30, 22)),),
        slow_areas=(SlowArea(slow_id="gate", name="Gate", outline=rectangle(50, -8, 60, 8), limit_mps=0.5),),
        docks=(Dock(dock_id="dock", name="Dock", pose=Pose2(-20.0, -34.0, 0.0)),),
        waypoints=waypoints,
    )


def room(*, waypoints: tuple[Waypoint, ...] = ()) -> Site:
    """A small yard of 24 x 16 m with one block in the middle; quick to drive around."""
    return Site(
        site_id="room",
        name="Room",
        time_zone="UTC",
        datum=DATUM,
        perimeter=rectangle(0, 0, 24, 16),
        buildings=(Building(building_id="block", name="Block", outline=rectangle(9, 6, 15, 10), height_m=3.0),),
        docks=(Dock(dock_id="dock", name="Dock", pose=Pose2(3.0, 3.0, 0.0)),),
        waypoints=waypoints,
    )


def waypoint(name: str, x_m: float, y_m: float, order: int, dwell_s: float = 0.0) -> Waypoint:
    return Waypoint(waypoint_id=name, name=name, pose=Pose2(x_m, y_m, 0.0), order=order, dwell_s=dwell_s)


def room_stops() -> tuple[Waypoint, ...]:
    return (
        waypoint("A", 20.0, 3.0, 1),
        waypoint("B", 20.0, 13.0, 2),
        waypoint("C", 4.0, 13.0, 3, dwell_s=1.0),
    )


def circle(x_m: float, y_m: float, radius_m: float) -> Polygon:
    return Polygon([(x_m + radius_m * math.cos(0.4 * step), y_m + radius_m * math.sin(0.4 * step)) for step in range(16)])
