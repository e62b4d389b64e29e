# SPDX-License-Identifier: Apache-2.0
"""Weekly schedules in a site's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from patrol.checks import require_in
from patrol.clock import NS_PER_S
from patrol.errors import BadValue

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyWindow:
    """From ``start`` to ``end`` local time on each of ``days``; an ``end`` at or before ``start`` lies on the next day."""

    days: tuple[str, ...]
    start: time
    end: time

    def __post_init__(self) -> None:
        if not self.days:
            raise BadValue("days: names no day")
        for day in self.days:
            require_in("days", day, DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklySchedule:
    """Windows of the week, read in the IANA ``time_zone``. Wall-clock times, so both daylight-saving nights keep them."""

    time_zone: str
    windows: tuple[WeeklyWindow, ...]

    def is_active(self, now_ns: int) -> bool:
        """Whether ``now_ns`` (UTC, nanoseconds since 1970) lies in a window; the start counts, the end does not."""
        local = datetime.fromtimestamp(now_ns / NS_PER_S, UTC).astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None)
        return any(_covers(window, local) for window in self.windows)


def _covers(window: WeeklyWindow, local: datetime) -> bool:
    for days_back in (0, 1):
        day = local.date() - timedelta(days=days_back)
        if DAYS[day.weekday()] not in window.days:
            continue
        begins = datetime.combine(day, window.start)
        ends = datetime.combine(day, window.end)
        if window.end <= window.start:
            ends += timedelta(days=1)
        if begins <= local < ends:
            return True
    return False
