# SPDX-License-Identifier: Apache-2.0
"""The timetable: lets a site's calendar begin patrols, hold and slow them, and tells what it could not begin."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mission.calendar.plan import Calendar, Occurrence
from mission.calendar.roster import RosterState, Ruling
from mission.calendar.roster import step as ruled
from mission.calendar.weather import Weather, WeatherWatch
from mission.facts.fact import Fact, Observed
from patrol.clock import nanoseconds

_READ_EVERY_S = 1.0
_KEPT_FOR_S = 3600.0
_TOLD_FOR_S = 3600.0
_TOLD_MOST = 8


class Timetable:
    """``due`` says what begins now; ``facts`` and ``limit_mps`` what the calendar asks of a patrol under way.

    ``state`` must outlive the process. It changes only when something was ruled on or began to wait, and once an hour.
    """

    def __init__(self, calendar: Calendar | None, state: RosterState | None) -> None:
        self._calendar, self.state = calendar, state
        self._weather = WeatherWatch()
        self._read_ns: int | None = None
        self._missed: list[tuple[int, str]] = []

    def hear(self, weather: Weather) -> None:
        """Take one report of the weather."""
        limits = self._calendar.file.weather if self._calendar is not None else None
        if limits is not None:
            self._weather = self._weather.after(weather, limits)

    def due(self, now_ns: int, *, busy_because: str) -> tuple[Occurrence, ...]:
        """The patrols that begin at ``now_ns``, asked for once a second. ``busy_because``: why the robot can begin none."""
        calendar = self._calendar
        if calendar is None or not self._is_time(now_ns):
            return ()
        before = self.state or RosterState(read_until_ns=now_ns)
        after, rulings = ruled(calendar, before, now_ns, held_because=busy_because or self._bad_weather(now_ns))
        is_old = after.read_until_ns - before.read_until_ns > nanoseconds(_KEPT_FOR_S)
        if self.state is None or rulings or after.waiting != before.waiting or is_old:
            self.state = after
        for ruling in rulings:
            if ruling.outcome == "missed":
                self.missed(ruling, now_ns)
        return tuple(ruling.occurrence for ruling in rulings if ruling.outcome == "begin")

    def missed(self, ruling: Ruling, now_ns: int) -> None:
        """Note that a patrol did not begin; it is told for an hour."""
        occurrence = ruling.occurrence
        self._missed = [*self._missed, (now_ns, f"{occurrence.mission}, {occurrence.key}: {ruling.because}")][-_TOLD_MOST:]

    def facts(self, now_ns: int) -> Iterator[Observed]:
        """What the calendar and the weather ask of a robot that is under way."""
        if self._calendar is None:
            return
        stopped = self._calendar.stopped_because(now_ns)
        if stopped:
            yield Observed(fact=Fact.SITE_STOPS, detail=stopped.partition(": ")[2])
        weather = self._bad_weather(now_ns)
        if weather:
            yield Observed(fact=Fact.WEATHER_BAD, detail=weather)
        self._missed = [one for one in self._missed if now_ns - one[0] <= nanoseconds(_TOLD_FOR_S)]
        if self._missed:
            yield Observed(fact=Fact.PATROL_MISSED, detail="; ".join(words for _, words in self._missed))

    def limit_mps(self, now_ns: int) -> float:
        """The speed that quiet hours leave; infinite outside them."""
        return math.inf if self._calendar is None else self._calendar.speed_limit_mps(now_ns)

    def _bad_weather(self, now_ns: int) -> str:
        limits = self._calendar.file.weather if self._calendar is not None else None
        return "" if limits is None else self._weather.held_because(limits, now_ns)

    def _is_time(self, now_ns: int) -> bool:
        if self._read_ns is not None and 0 <= now_ns - self._read_ns < nanoseconds(_READ_EVERY_S):
            return False
        self._read_ns = now_ns
        return True
