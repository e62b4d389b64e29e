# SPDX-License-Identifier: Apache-2.0
"""The sky over a site: what falls from it, and whether the sun is up."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum

from patrol.clock import NS_PER_S

_NIGHT_BELOW_RAD = math.radians(-3.0)


class Sky(StrEnum):
    """The weather as far as sensors care."""

    CLEAR = "clear"
    RAIN = "rain"
    FOG = "fog"


def is_night(latitude_deg: float, longitude_deg: float, stamp_ns: int) -> bool:
    """Whether the sun stands more than 3 degrees below the horizon."""
    return sun_elevation_rad(latitude_deg, longitude_deg, stamp_ns) < _NIGHT_BELOW_RAD


def sun_elevation_rad(latitude_deg: float, longitude_deg: float, stamp_ns: int) -> float:
    """Height of the sun above the horizon, to about half a degree (low-precision formula of the Astronomical Almanac)."""
    when = datetime.fromtimestamp(stamp_ns / NS_PER_S, UTC)
    days = (when - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400.0
    anomaly = math.radians(357.528 + 0.9856003 * days)
    longitude = math.radians(280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2.0 * anomaly))
    tilt = math.radians(23.439)
    declination = math.asin(math.sin(tilt) * math.sin(longitude))
    ascension = math.atan2(math.cos(tilt) * math.sin(longitude), math.cos(longitude))
    sidereal = math.radians((280.46062 + 360.98564737 * days + longitude_deg) % 360.0)
    latitude = math.radians(latitude_deg)
    hour_angle = sidereal - ascension
    return math.asin(
        math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(hour_angle)
    )
