# SPDX-License-Identifier: Apache-2.0
"""Rain, fog and darkness, and what they do to a lidar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.air import Sky, is_night
from patrol.checks import Floats32
from patrol.site import Datum

__all__ = ["Sky", "Weather", "lidar_effects", "weather_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What the air is like. ``visibility_m`` is the meteorological optical range (5 % contrast left), ``air_k`` the air's
    temperature."""

    sky: Sky = Sky.CLEAR
    night: bool = False
    visibility_m: float = 20_000.0
    air_k: float = 288.15

    @property
    def veils(self) -> bool:
        """Whether darkness, fog or rain lie over what a camera sees."""
        return self.night or self.sky is not Sky.CLEAR

    @property
    def extinction_per_m(self) -> float:
        """Koschmieder's law: -ln 0.05 over the visibility."""
        return 3.0 / self.visibility_m


def weather_at(sky: Sky, datum: Datum, stamp_ns: int) -> Weather:
    """The weather ``sky`` at a place and time; the sun's height decides whether it is night."""
    night = is_night(datum.latitude_deg, datum.longitude_deg, stamp_ns)
    visibility_m = {Sky.CLEAR: 20_000.0, Sky.RAIN: 900.0, Sky.FOG: 45.0}[sky]
    air_k = {Sky.CLEAR: 291.0, Sky.RAIN: 285.0, Sky.FOG: 280.0}[sky] - (6.0 if night else 0.0)
    return Weather(sky=sky, night=night, visibility_m=visibility_m, air_k=air_k)


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
