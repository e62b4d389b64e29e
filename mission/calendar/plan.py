# SPDX-License-Identifier: Apache-2.0
"""The calendar of a site: which patrols begin when, and when the site wants them held, slowed or silent. Read from YAML.

Times are those on the wall in the site's IANA time zone. A patrol whose minute is skipped when clocks go forward begins with the
first minute after the gap; one whose minute comes twice when they go back begins with the first of the two. So each entry
begins exactly once on each of its days.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from patrol.clock import NS_PER_S
from patrol.config import Config, read_yaml, validate_config
from patrol.errors import BadInput, Fault
from patrol.schedule import DAYS, WeeklySchedule
from patrol.site_rules import ClockTime, Window, weekly_schedule

EntryId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Entry(Config):
    """A patrol that begins at ``start`` on each of ``days``. Held back, it may begin up to ``late_s`` later; then it counts as
    missed. ``except_on``: dates (2026-12-25) on which it does not take place."""

    entry_id: EntryId
    mission: Annotated[str, Field(min_length=1, max_length=64)]
    days: Annotated[tuple[str, ...], Field(min_length=1, max_length=7)]
    start: ClockTime
    late_s: Annotated[float, Field(ge=0.0, le=86_400.0)] = 900.0
    except_on: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _known_days(self) -> Entry:
        unknown = [day for day in self.days if day not in DAYS]
        if unknown or len(set(self.days)) != len(self.days):
            raise ValueError(f"days must be of {', '.join(DAYS)}, each once")
        return self


class Hold(Config):
    """A time of the week when no patrol begins (and, where ``stops`` is set, a running one is held): counts, meals, shifts."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    windows: Annotated[tuple[Window, ...], Field(min_length=1, max_length=100)]
    stops: bool = False


class QuietHours(Config):
    """A time of the week when robots go no faster than ``limit_mps``, make no sound, and drones stay down."""

    windows: Annotated[tuple[Window, ...], Field(min_length=1, max_length=100)]
    limit_mps: Annotated[float, Field(gt=0.0, le=10.0)] = 0.6
    drones: bool = False


class WeatherLimits(Config):
    """Beyond these a patrol is held until the weather has been within them for ``clear_s``; no report for ``stale_s`` counts as
    bad weather."""

    wind_mps: Annotated[float, Field(gt=0.0, le=100.0)] = 12.0
    rain_mmph: Annotated[float, Field(gt=0.0, le=500.0)] = 10.0
    coldest_c: Annotated[float, Field(ge=-90.0, le=60.0)] = -15.0
    hottest_c: Annotated[float, Field(ge=-90.0, le=90.0)] = 45.0
    clear_s: Annotated[float, Field(ge=0.0, le=86_400.0)] = 600.0
    stale_s: Annotated[float, Field(gt=0.0, le=86_400.0)] = 1800.0


class CalendarFile(Config):
    """What a calendar file may say."""

    entries: Annotated[tuple[Entry, ...], Field(max_length=1000)]
    holds: Annotated[tuple[Hold, ...], Field(max_length=100)] = ()
    quiet: QuietHours | None = None
    weather: WeatherLimits | None = None

    @model_validator(mode="after")
    def _ids_once(self) -> CalendarFile:
        ids = [entry.entry_id for entry in self.entries]
        if len(set(ids)) != len(ids):
            raise ValueError("entries: an entry_id stands twice")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One patrol that is due: ``key`` is unique for ever (entry and local date). It begins from ``due_ns`` to ``latest_ns``."""

    key: str
    entry_id: str
    mission: str
    due_ns: int
    latest_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A calendar read for a site's time zone."""

    time_zone: str
    file: CalendarFile
    holds: tuple[tuple[Hold, WeeklySchedule], ...]
    quiet: WeeklySchedule | None

    def occurrences(self, from_ns: int, until_ns: int) -> tuple[Occurrence, ...]:
        """Every patrol due from ``from_ns`` up to but not at ``until_ns``, in order of time and then of the file."""
        zone = ZoneInfo(self.time_zone)
        first = _local_date(from_ns, zone) - timedelta(days=2)
        last = _local_date(until_ns, zone) + timedelta(days=2)
        found = []
        for ahead in range((last - first).days + 1):
            day = first + timedelta(days=ahead)
            for entry in self.file.entries:
                if DAYS[day.weekday()] in entry.days and day not in entry.except_on:
                    due_ns = instant_ns(datetime.combine(day, time.fromisoformat(entry.start)), zone)
                    if from_ns <= due_ns < until_ns:
                        found.append(_occurrence(entry, day, due_ns))
        return tuple(sorted(found, key=lambda each: each.due_ns))

    def held_because(self, now_ns: int) -> str:
        """Why no patrol may begin now; empty when one may."""
        names = [hold.name for hold, schedule in self.holds if schedule.is_active(now_ns)]
        return f"the site holds patrols: {', '.join(names)}" if names else ""

    def stopped_because(self, now_ns: int) -> str:
        """Why a running patrol must stand; empty when it may go on."""
        names = [hold.name for hold, schedule in self.holds if hold.stops and schedule.is_active(now_ns)]
        return f"the site stops patrols: {', '.join(names)}" if names else ""

    def speed_limit_mps(self, now_ns: int) -> float:
        """The limit of quiet hours; infinite outside them."""
        quiet = self.file.quiet
        return quiet.limit_mps if quiet is not None and self.quiet is not None and self.quiet.is_active(now_ns) else math.inf

    def drones_may_fly(self, now_ns: int) -> bool:
        """Whether quiet hours leave drones in the air."""
        quiet = self.file.quiet
        return quiet is None or quiet.drones or self.quiet is None or not self.quiet.is_active(now_ns)


def read_calendar(path: Path, *, time_zone: str, missions: frozenset[str]) -> Calendar:
    """Read a calendar for a site's time zone. Raises BadInput naming every fault, an unknown mission among them."""
    file = validate_config(CalendarFile, read_yaml(path), source=path)
    faults = [
        Fault(field=f"entries.{index}.mission", value=entry.mission, because="is no mission of this site")
        for index, entry in enumerate(file.entries)
        if entry.mission not in missions
    ]
    if faults:
        raise BadInput(path, faults)
    return make_calendar(file, time_zone)


def make_calendar(file: CalendarFile, time_zone: str) -> Calendar:
    """A calendar from what its file says."""
    holds = []
    for hold in file.holds:
        schedule = weekly_schedule(hold.windows, time_zone)
        if schedule is not None:
            holds.append((hold, schedule))
    quiet = weekly_schedule(file.quiet.windows, time_zone) if file.quiet is not None else None
    return Calendar(time_zone=time_zone, file=file, holds=tuple(holds), quiet=quiet)


def instant_ns(wall: datetime, zone: ZoneInfo) -> int:
    """The moment (UTC nanoseconds) at which the clocks of ``zone`` show ``wall``.

    The first of two when it comes twice; when it is skipped, the first moment after the gap (PEP 495).
    """
    early = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if early <= late:
        return round(early.timestamp()) * NS_PER_S
    return _end_of_gap_s(round(late.timestamp()), round(early.timestamp()), zone) * NS_PER_S


def _end_of_gap_s(before_s: int, after_s: int, zone: ZoneInfo) -> int:
    """The second at which the offset changes, between one before and one after it."""
    old = datetime.fromtimestamp(before_s, zone).utcoffset()
    while after_s - before_s > 1:
        middle = (before_s + after_s) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == old:
            before_s = middle
        else:
            after_s = middle
    return after_s


def _occurrence(entry: Entry, day: date, due_ns: int) -> Occurrence:
    latest_ns = due_ns + round(entry.late_s * NS_PER_S)
    return Occurrence(
        key=f"{entry.entry_id}@{day.isoformat()}",
        entry_id=entry.entry_id,
        mission=entry.mission,
        due_ns=due_ns,
        latest_ns=latest_ns,
    )


def _local_date(now_ns: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(now_ns // NS_PER_S, zone).date()
