# SPDX-License-Identifier: Apache-2.0
"""Weekly schedules, through midnight and through both daylight-saving nights."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import BadValue
from patrol.schedule import DAYS, WeeklySchedule, WeeklyWindow

BERLIN = "Europe/Berlin"


def ns(text: str) -> int:
    """Nanoseconds of an ISO time in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def schedule(days: str, start: str, end: str, zone: str = BERLIN) -> WeeklySchedule:
    window = WeeklyWindow(days=tuple(days.split()), start=time.fromisoformat(start), end=time.fromisoformat(end))
    return WeeklySchedule(time_zone=zone, windows=(window,))


def test_start_counts_and_end_does_not() -> None:
    office = schedule("mon", "08:00", "17:00")
    monday = "2026-06-15T"
    assert not office.is_active(ns(f"{monday}05:59:59"))
    assert office.is_active(ns(f"{monday}06:00:00"))
    assert office.is_active(ns(f"{monday}14:59:59"))
    assert not office.is_active(ns(f"{monday}15:00:00"))


def test_night_belongs_to_the_day_it_begins() -> None:
    night = schedule("fri", "22:00", "05:00", "UTC")
    assert night.is_active(ns("2026-06-19T23:00:00"))
    assert night.is_active(ns("2026-06-20T04:59:59"))
    assert not night.is_active(ns("2026-06-20T05:00:00"))
    assert not night.is_active(ns("2026-06-19T04:00:00"))
    assert not night.is_active(ns("2026-06-20T23:00:00"))


def test_equal_ends_are_a_whole_day() -> None:
    day = schedule("sun", "06:00", "06:00", "UTC")
    assert day.is_active(ns("2026-06-21T06:00:00"))
    assert day.is_active(ns("2026-06-22T05:59:59"))
    assert not day.is_active(ns("2026-06-22T06:00:00"))


def test_clocks_go_forward() -> None:
    """Night of 28 to 29 March 2026: 02:00 becomes 03:00, so 01:30 to 03:30 lasts one hour."""
    window = schedule("sun", "01:30", "03:30")
    assert not window.is_active(ns("2026-03-29T00:29:59"))
    assert window.is_active(ns("2026-03-29T00:30:00"))
    assert window.is_active(ns("2026-03-29T01:29:59"))
    assert not window.is_active(ns("2026-03-29T01:30:00"))


def test_clocks_go_back() -> None:
    """Night of 24 to 25 October 2026: 03:00 becomes 02:00, so 01:30 to 03:30 lasts three hours."""
    window = schedule("sun", "01:30", "03:30")
    assert not window.is_active(ns("2026-10-24T23:29:59"))
    assert window.is_active(ns("2026-10-24T23:30:00"))
    assert window.is_active(ns("2026-10-25T00:30:00"))
    assert window.is_active(ns("2026-10-25T01:30:00"))
    assert window.is_active(ns("2026-10-25T02:29:59"))
    assert not window.is_active(ns("2026-10-25T02:30:00"))


def test_hour_that_comes_twice_is_active_twice() -> None:
    window = schedule("sun", "02:00", "02:30")
    assert window.is_active(ns("2026-10-25T00:15:00"))
    assert not window.is_active(ns("2026-10-25T00:45:00"))
    assert window.is_active(ns("2026-10-25T01:15:00"))


@pytest.mark.parametrize("evening", ["2026-03-28", "2026-10-24"])
def test_saving_nights_are_guarded_from_dusk_to_dawn(evening: str) -> None:
    night = schedule("sat", "22:00", "05:00")
    zone = ZoneInfo(BERLIN)
    begins = datetime.fromisoformat(f"{evening}T22:00:00").replace(tzinfo=zone)
    ends = (datetime.fromisoformat(f"{evening}T05:00:00") + timedelta(days=1)).replace(tzinfo=zone)
    minutes = range(round(begins.timestamp()), round(ends.timestamp()), 600)
    assert all(night.is_active(second * 10**9) for second in minutes)
    assert not night.is_active(round(begins.timestamp() - 1) * 10**9)
    assert not night.is_active(round(ends.timestamp()) * 10**9)
    assert len(minutes) == (36 if evening == "2026-03-28" else 48)


@given(
    now_s=st.integers(1_600_000_000, 2_000_000_000),
    days=st.sets(st.sampled_from(DAYS), min_size=1),
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
    zone=st.sampled_from([BERLIN, "UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_a_window_and_its_complement_fill_the_week(now_s: int, days: set[str], start: int, end: int, zone: str) -> None:
    """Each day is cut in two by its start and end; a window and the rest of its days never overlap and never leave a gap."""
    first, last = (time(minute // 60, minute % 60) for minute in sorted((start, end)))
    if first == last:
        return
    inside = WeeklyWindow(days=tuple(days), start=first, end=last)
    outside = WeeklyWindow(days=DAYS, start=last, end=first)
    others = tuple(day for day in DAYS if day not in days)
    missing = (WeeklyWindow(days=others, start=first, end=last),) if others else ()
    active = WeeklySchedule(time_zone=zone, windows=(inside,)).is_active(now_s * 10**9)
    rest = WeeklySchedule(time_zone=zone, windows=(outside, *missing)).is_active(now_s * 10**9)
    assert active != rest


def test_refuses_windows_without_a_day_or_with_a_wrong_one() -> None:
    with pytest.raises(BadValue, match="names no day"):
        WeeklyWindow(days=(), start=time(1), end=time(2))
    with pytest.raises(BadValue, match="'monday' is not one of"):
        WeeklyWindow(days=("monday",), start=time(1), end=time(2))
