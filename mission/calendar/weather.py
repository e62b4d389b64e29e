# SPDX-License-Identifier: Apache-2.0
"""Weather holds: bad weather holds patrols at once, and lets go only after it has been fair for a while."""

from __future__ import annotations

from dataclasses import dataclass

from mission.calendar.plan import WeatherLimits
from patrol.checks import require_finite
from patrol.clock import NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """One report of a station."""

    stamp_ns: int
    wind_mps: float
    rain_mmph: float
    air_c: float

    def __post_init__(self) -> None:
        for name in ("wind_mps", "rain_mmph", "air_c"):
            require_finite(name, getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class WeatherWatch:
    """What is known: the last report, and since when every report has been fair (None: the last one was not)."""

    last: Weather | None = None
    fair_since_ns: int | None = None

    def after(self, weather: Weather, limits: WeatherLimits) -> WeatherWatch:
        """With one more report; one that is older than the last changes nothing."""
        if self.last is not None and weather.stamp_ns <= self.last.stamp_ns:
            return self
        if _because(weather, limits):
            return WeatherWatch(last=weather)
        gap_ns = round(limits.stale_s * NS_PER_S)
        broken = self.last is None or weather.stamp_ns - self.last.stamp_ns > gap_ns
        since = weather.stamp_ns if broken or self.fair_since_ns is None else self.fair_since_ns
        return WeatherWatch(last=weather, fair_since_ns=since)

    def held_because(self, limits: WeatherLimits, now_ns: int) -> str:
        """Why the weather holds patrols at ``now_ns``; empty when it does not."""
        if self.last is None or now_ns - self.last.stamp_ns > round(limits.stale_s * NS_PER_S):
            return "there is no recent weather report"
        if self.fair_since_ns is None:
            return _because(self.last, limits)
        fair_s = (now_ns - self.fair_since_ns) / NS_PER_S
        return f"the weather has been fair for only {max(fair_s, 0.0):.0f} s" if fair_s < limits.clear_s else ""


def _because(weather: Weather, limits: WeatherLimits) -> str:
    if weather.wind_mps > limits.wind_mps:
        return f"wind of {weather.wind_mps:.1f} m/s is above {limits.wind_mps:.1f} m/s"
    if weather.rain_mmph > limits.rain_mmph:
        return f"rain of {weather.rain_mmph:.1f} mm/h is above {limits.rain_mmph:.1f} mm/h"
    if not limits.coldest_c <= weather.air_c <= limits.hottest_c:
        return f"air of {weather.air_c:.1f} °C is not between {limits.coldest_c:.1f} and {limits.hottest_c:.1f} °C"
    return ""
