# SPDX-License-Identifier: Apache-2.0
"""What a site file may hold: the kinds of feature, the geometry each must have, and the properties each may have.

Angles in files are compass headings in degrees (0 north, 90 east), as people draw them on maps.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from patrol.config import Config
from patrol.schedule import DAYS, WeeklySchedule, WeeklyWindow
from patrol.site import Purpose

GeometryType = Literal["Polygon", "LineString", "Point"]
Heading = Annotated[float, Field(strict=True, ge=-360.0, le=360.0)]
Height = Annotated[float, Field(strict=True, gt=0.0, le=500.0)]
Level = Annotated[int, Field(strict=True, ge=-20, le=200)]
_CLOCK_TIME = re.compile(r"[0-9]{2}:[0-9]{2}")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("is no IANA time zone such as Europe/Berlin") from error
    return name


def _clock_time(text: str) -> str:
    if not _CLOCK_TIME.fullmatch(text):
        raise ValueError("is no local time such as 22:30")
    time.fromisoformat(text)
    return text


def is_plain(text: str) -> bool:
    """Whether every character is one that people can read: no control characters, and no half of a surrogate pair."""
    return not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)


def _plain(text: str) -> str:
    if not is_plain(text):
        raise ValueError("holds a control character")
    return text


Name = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
ClockTime = Annotated[str, AfterValidator(_clock_time)]


class Window(Config):
    """One window of a weekly schedule; an ``end`` at or before ``start`` lies on the next day."""

    days: Annotated[
        tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], Field(min_length=1, max_length=len(DAYS))
    ]
    start: ClockTime
    end: ClockTime


Schedule = Annotated[tuple[Window, ...], Field(min_length=1, max_length=100)]


def weekly_schedule(windows: tuple[Window, ...] | None, time_zone: str) -> WeeklySchedule | None:
    """The schedule as the rest of the stack reads it."""
    if windows is None:
        return None
    read = tuple(
        WeeklyWindow(days=window.days, start=time.fromisoformat(window.start), end=time.fromisoformat(window.end))
        for window in windows
    )
    return WeeklySchedule(time_zone=time_zone, windows=read)


class SiteHeader(Config):
    """The top-level member ``site``; ``datum`` is longitude, latitude in degrees and height in m above the ellipsoid."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    name: Name
    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
    datum: tuple[
        Annotated[float, Field(strict=True, ge=-180.0, le=180.0)],
        Annotated[float, Field(strict=True, gt=-89.9, lt=89.9)],
        Annotated[float, Field(strict=True, ge=-500.0, le=9000.0)],
    ]


class Properties(Config):
    """What every feature may carry."""

    kind: str
    name: Name = ""


class GateProperties(Properties):
    open_hours: Schedule | None = None


class DoorProperties(Properties):
    wait_s: Annotated[float, Field(strict=True, gt=0.0, le=3600.0)] = 60.0


class BuildingProperties(Properties):
    height_m: Height


class ZoneProperties(Properties):
    purpose: Purpose
    floor: Level = 0
    schedule: Schedule | None = None


class SlowProperties(Properties):
    limit_mps: Annotated[float, Field(strict=True, gt=0.0, le=10.0)]


class PrivacyProperties(Properties):
    height_m: Height


class DockProperties(Properties):
    heading_deg: Heading


class WaypointProperties(Properties):
    """Without ``heading_deg`` the robot faces the waypoint that follows."""

    order: Annotated[int, Field(strict=True, ge=0, le=100_000)]
    heading_deg: Heading | None = None
    dwell_s: Annotated[float, Field(strict=True, ge=0.0, le=3600.0)] = 0.0
    floor: Level = 0


class CameraProperties(Properties):
    heading_deg: Heading
    height_m: Height
    hfov_deg: Annotated[float, Field(strict=True, gt=0.0, lt=180.0)]


class FloorProperties(Properties):
    level: Level


class LiftProperties(Properties):
    """Without ``doors_face_deg`` it is a ramp."""

    levels: Annotated[tuple[Level, ...], Field(min_length=2)]
    doors_face_deg: Heading | None = None
    wait_s: Annotated[float, Field(strict=True, gt=0.0, le=3600.0)] = 120.0
    ride_s: Annotated[float, Field(strict=True, gt=0.0, le=3600.0)] = 120.0
    usual_s: Annotated[float, Field(strict=True, gt=0.0, le=3600.0)] = 45.0


RULES: dict[str, tuple[GeometryType, type[Properties]]] = {
    "perimeter": ("Polygon", Properties),
    "gate": ("LineString", GateProperties),
    "fence": ("LineString", Properties),
    "door": ("LineString", DoorProperties),
    "building": ("Polygon", BuildingProperties),
    "zone": ("Polygon", ZoneProperties),
    "keep_out": ("Polygon", Properties),
    "slow": ("Polygon", SlowProperties),
    "privacy": ("Polygon", PrivacyProperties),
    "dock": ("Point", DockProperties),
    "waypoint": ("Point", WaypointProperties),
    "camera": ("Point", CameraProperties),
    "floor": ("Polygon", FloorProperties),
    "lift": ("Polygon", LiftProperties),
}
