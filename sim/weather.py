# SPDX-License-Identifier: Apache-2.0
"""Rain, fog and darkness, and what they do to a lidar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np

from patrol.checks import Floats32
from patrol.clock import NS_PER_S
from patrol.site import Datum

_NIGHT_BELOW_RAD = math.radians(-3.0)


class Sky(StrEnum):
    CLEAR = "clear"
    RAIN = "rain"
    FOG = "fog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What the air is like. ``visibility_m`` is the meteorological optical range (5 % contrast left), ``air_k`` the air's
    temperature."""

    sky: Sky = Sky.CLEAR
    night: bool = False
    visibility_m: float = 20_000.0
    air_k: float = 288.15

    @property
    def extinction_per_m(self) -> float:
        """Koschmieder's law: -ln 0.05 over the visibility."""
        return 3.0 / self.visibility_m


def weather_at(sky: Sky, datum: Datum, stamp_ns: int) -> Weather:
    """The weather ``sky`` at a place and time; the sun's height decides whether it is night."""
    night = sun_elevation_rad(datum, stamp_ns) < _NIGHT_BELOW_RAD
    visibility_m = {Sky.CLEAR: 20_000.0, Sky.RAIN: 900.0, Sky.FOG: 45.0}[sky]
    air_k = {Sky.CLEAR: 291.0, Sky.RAIN: 285.0, Sky.FOG: 280.0}[sky] - (6.0 if night else 0.0)
    return Weather(sky=sky, night=night, visibility_m=visibility_m, air_k=air_k)


def sun_elevation_rad(datum: Datum, stamp_ns: int) -> float:
    """Height of the sun above the horizon, to about half a degree (low-precision formula of the Astronomical Almanac)."""
    when = datetime.fromtimestamp(stamp_ns / NS_PER_S, UTC)
    days = (when - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400.0
    anomaly = math.radians(357.528 + 0.9856003 * days)
    longitude = math.radians(280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2.0 * anomaly))
    tilt = math.radians(23.439)
    declination = math.asin(math.sin(tilt) * math.sin(longitude))
    ascension = math.atan2(math.cos(tilt) * math.sin(longitude), math.cos(longitude))
    sidereal = math.radians((280.46062 + 360.98564737 * days + datum.longitude_deg) % 360.0)
    latitude = math.radians(datum.latitude_deg)
    hour_angle = sidereal - ascension
    return math.asin(
        math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(hour_angle)
    )


def lidar_effects(ranges_m: Floats32, intensity: Floats32, weather: Weather, rng: np.random.Generator) -> None:
    """Drop-outs and short returns from drops, in place: a beam that is scattered returns from somewhere on its way.

    A return is lost when the two-way transmission leaves too little light; the chance of a short return grows with the
    air's extinction and falls off with distance.
    """
    if weather.sky is Sky.CLEAR:
        return
    reach = np.where(np.isfinite(ranges_m), ranges_m, np.float32(40.0))
    strength = 1.0 if weather.sky is Sky.RAIN else 2.5
    transmission = np.exp(-2.0 * weather.extinction_per_m * 0.5 * reach)
    lost = rng.random(len(ranges_m), dtype=np.float32) > np.clip(transmission * (0.55 + intensity) * 1.8, 0.0, 1.0)
    scattered = rng.random(len(ranges_m), dtype=np.float32) < 0.004 * strength
    at = np.float32(0.6) + rng.exponential(4.0 / strength, len(ranges_m)).astype(np.float32)
    ranges_m[lost] = np.inf
    short = scattered & (at < reach)
    ranges_m[short] = at[short]
    intensity[short] = 0.05
