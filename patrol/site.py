# SPDX-License-Identifier: Apache-2.0
"""A site in its local ENU frame (``map``): what the site file says, validated. ``patrol.site_file`` reads it.

Polygons are ``shapely`` polygons in metres; the map's origin is the site's datum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from shapely.geometry import LineString, MultiLineString, Point, Polygon

from patrol.geometry import Pose2
from patrol.schedule import WeeklySchedule


class Purpose(StrEnum):
    """What a zone is for; rules refer to it."""

    RESTRICTED = "restricted"
    STERILE = "sterile"
    PUBLIC = "public"
    WORK = "work"
    YARD = "yard"
    PARKING = "parking"
    CORRIDOR = "corridor"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Datum:
    """Origin of the map frame in WGS84."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """An opening in the perimeter: its line across the opening; open to traffic while ``open_hours`` is active."""

    gate_id: str
    name: str
    line: LineString
    open_hours: WeeklySchedule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    building_id: str
    name: str
    outline: Polygon
    height_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A named polygon with a purpose; ``schedule`` None means always."""

    zone_id: str
    name: str
    purpose: Purpose
    outline: Polygon
    floor: int = 0
    schedule: WeeklySchedule | None = None

    def is_active(self, now_ns: int) -> bool:
        """Whether the zone's rules hold at ``now_ns``."""
        return self.schedule is None or self.schedule.is_active(now_ns)

    def contains(self, x_m: float, y_m: float) -> bool:
        return bool(self.outline.contains(Point(x_m, y_m)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A fence or wall inside the perimeter: a line that nobody can drive over."""

    fence_id: str
    name: str
    line: LineString


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """An opening that is closed until it is asked to open: its line across the opening, and how long a robot waits for it."""

    door_id: str
    name: str
    line: LineString
    wait_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepOut:
    """Where the robot must never drive."""

    keep_out_id: str
    name: str
    outline: Polygon


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowArea:
    """Where the robot drives at ``limit_mps`` at most."""

    slow_id: str
    name: str
    outline: Polygon
    limit_mps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyArea:
    """A volume that no picture may show: the outline from the ground up to ``height_m``."""

    privacy_id: str
    name: str
    outline: Polygon
    height_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dock:
    dock_id: str
    name: str
    pose: Pose2


@dataclass(frozen=True, slots=True, kw_only=True)
class Waypoint:
    """A place the patrol must visit; ``order`` sorts them, ``dwell_s`` is how long the robot looks around there."""

    waypoint_id: str
    name: str
    pose: Pose2
    order: int
    dwell_s: float = 0.0
    floor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCamera:
    camera_id: str
    name: str
    pose: Pose2
    height_m: float
    hfov_rad: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    floor_id: str
    name: str
    level: int
    outline: Polygon


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """Where a robot changes floors, by lift or ramp: the outline is the same on all ``levels``. A lift whose doors face
    ``doors_face_rad`` in map, the way that robots leave it, is called and ridden; a ramp has none. A robot waits for it for
    ``wait_s`` and rides for ``ride_s`` at the longest; ``usual_s`` is what plans count for a ride, the waiting included."""

    lift_id: str
    name: str
    outline: Polygon
    levels: tuple[int, ...]
    doors_face_rad: float | None = None
    wait_s: float = 120.0
    ride_s: float = 120.0
    usual_s: float = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything the site file says, in metres in ``map`` (x east, y north of the datum)."""

    site_id: str
    name: str
    time_zone: str
    datum: Datum
    perimeter: Polygon
    gates: tuple[Gate, ...] = ()
    buildings: tuple[Building, ...] = ()
    zones: tuple[Zone, ...] = ()
    fences: tuple[Fence, ...] = ()
    doors: tuple[Door, ...] = ()
    keep_outs: tuple[KeepOut, ...] = ()
    slow_areas: tuple[SlowArea, ...] = ()
    privacy_areas: tuple[PrivacyArea, ...] = ()
    docks: tuple[Dock, ...] = ()
    waypoints: tuple[Waypoint, ...] = ()
    cameras: tuple[FixedCamera, ...] = ()
    floors: tuple[Floor, ...] = field(default=())
    lifts: tuple[Lift, ...] = ()

    def fence_lines(self) -> MultiLineString:
        """The perimeter and all fences within."""
        return MultiLineString([self.perimeter.exterior.coords, *(fence.line.coords for fence in self.fences)])
