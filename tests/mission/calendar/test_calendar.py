# SPDX-License-Identifier: Apache-2.0
"""Weekly calendars: no patrol doubled or lost, on either daylight-saving night, through holds, restarts and jumping clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.calendar.plan import Calendar, CalendarFile, WeatherLimits, instant_ns, make_calendar, read_calendar
from mission.calendar.roster import RosterState, Ruling, step
from mission.calendar.weather import Weather, WeatherWatch
from patrol.config import validate_config
from patrol.errors import BadInput, BadValue
from patrol.schedule import DAYS
from tests.house.documents import fences
from tests.house.files import ROOT

BERLIN = "Europe/Berlin"
ZONES = [BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago", "Africa/Casablanca", "UTC"]
MINUTE_NS = 60 * 10**9
DAY_NS = 1440 * MINUTE_NS


def ns(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def calendar(start: str, *, zone: str = BERLIN, days: tuple[str, ...] = DAYS, **other: Any) -> Calendar:
    entry = {"entry_id": "round", "mission": "perimeter", "days": days, "start": start, "late_s": other.pop("late_s", 900.0)}
    data = {"entries": [{**entry, "except_on": other.pop("except_on", ())}], **other}
    return make_calendar(validate_config(CalendarFile, data, source="test"), zone)


def test_the_skipped_minute_begins_after_the_gap_and_the_doubled_one_once() -> None:
    night = calendar("02:30")
    spring = night.occurrences(ns("2026-03-28T00:00:00"), ns("2026-03-30T00:00:00"))
    assert [each.due_ns for each in spring] == [ns("2026-03-28T01:30:00"), ns("2026-03-29T01:00:00")]
    autumn = night.occurrences(ns("2026-10-24T12:00:00"), ns("2026-10-26T12:00:00"))
    assert [each.due_ns for each in autumn] == [ns("2026-10-25T00:30:00"), ns("2026-10-26T01:30:00")]
    assert [each.key for each in autumn] == ["round@2026-10-25", "round@2026-10-26"]


def test_a_gap_of_half_an_hour_and_a_date_that_never_was() -> None:
    """Lord Howe moves by 30 minutes; Samoa had no 30 December 2011 at all."""
    howe = ZoneInfo("Australia/Lord_Howe")
    assert instant_ns(datetime.fromisoformat("2026-10-04T02:15"), howe) == ns("2026-10-03T15:30:00")
    samoa = calendar("09:00", zone="Pacific/Apia")
    due = samoa.occurrences(ns("2011-12-28T00:00:00"), ns("2012-01-01T12:00:00"))
    assert len({each.key for each in due}) == len(due) == 5
    assert all(a.due_ns <= b.due_ns for a, b in pairwise(due))


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2024, 1, 1), date(2029, 1, 1)),
    length=st.integers(1, 30),
    start=st.integers(0, 1439),
    days=st.sets(st.sampled_from(DAYS), min_size=1),
)
def test_each_entry_is_due_once_on_each_of_its_days(zone: str, first: date, length: int, start: int, days: set[str]) -> None:
    weekly = calendar(f"{start // 60:02d}:{start % 60:02d}", zone=zone, days=tuple(sorted(days)))
    local = ZoneInfo(zone)
    dates = [first + timedelta(days=ahead) for ahead in range(length)]
    midnights = [instant_ns(datetime.combine(each, datetime.min.time()), local) for each in (dates[0], dates[-1] + timedelta(1))]
    keys = [each.key for each in weekly.occurrences(midnights[0], midnights[1])]
    assert keys == [f"round@{each.isoformat()}" for each in dates if DAYS[each.weekday()] in days]


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    begin_h=st.integers(480_000, 520_000),
    cuts=st.lists(st.integers(0, 14 * 1440), min_size=1, max_size=6),
    start=st.integers(0, 1439),
)
def test_cutting_time_into_pieces_loses_and_doubles_nothing(zone: str, begin_h: int, cuts: list[int], start: int) -> None:
    weekly = calendar(f"{start // 60:02d}:{start % 60:02d}", zone=zone)
    begin = begin_h * 60 * MINUTE_NS
    edges = [begin, *(begin + cut * MINUTE_NS for cut in sorted(cuts)), begin + 15 * DAY_NS]
    pieces = [each for a, b in pairwise(edges) for each in weekly.occurrences(a, b)]
    assert tuple(pieces) == weekly.occurrences(begin, begin + 15 * DAY_NS)


def test_days_off_are_left_out() -> None:
    weekly = calendar("08:00", except_on=["2026-06-16"])
    due = weekly.occurrences(ns("2026-06-15T00:00:00"), ns("2026-06-18T00:00:00"))
    assert [each.key for each in due] == ["round@2026-06-15", "round@2026-06-17"]


HOLDS = [{"name": "evening count", "windows": [{"days": DAYS, "start": "20:00", "end": "20:20"}], "stops": True}]


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    begin_h=st.integers(480_000, 520_000),
    steps=st.lists(st.integers(-180, 400), min_size=5, max_size=60),
    held=st.lists(st.booleans(), min_size=5, max_size=60),
    start=st.integers(0, 1439),
    most=st.integers(1, 2),
)
def test_every_patrol_begins_once_or_is_reported_missed(  # minutes between calls may be negative: the clock jumps back
    zone: str, begin_h: int, steps: list[int], held: list[bool], start: int, most: int
) -> None:
    weekly = calendar(f"{start // 60:02d}:{start % 60:02d}", zone=zone, holds=HOLDS)
    now = latest = begin = begin_h * 60 * MINUTE_NS
    state, rulings = RosterState(read_until_ns=begin), list[Ruling]()
    for minutes, hold in zip(steps, held, strict=False):
        now += minutes * MINUTE_NS
        latest = max(latest, now)
        state, ruled = step(weekly, state, now, held_because="storm" if hold else "", most=most)
        for ruling in ruled:
            assert ruling.outcome == "missed" or ruling.occurrence.due_ns <= now <= ruling.occurrence.latest_ns
            assert ruling.because
        rulings += ruled
    for _ in range(4):
        latest += DAY_NS
        state, ruled = step(weekly, state, latest)
        rulings += ruled
    keys = [ruling.occurrence.key for ruling in rulings] + [each.key for each in state.waiting]
    due = [each.key for each in weekly.occurrences(begin, latest + 1)]
    assert sorted(keys) == sorted(due)


def test_a_hold_delays_a_patrol_until_it_is_too_late() -> None:
    weekly = calendar("20:10", holds=HOLDS, late_s=1200.0)
    state = RosterState(read_until_ns=ns("2026-06-15T12:00:00"))
    state, ruled = step(weekly, state, ns("2026-06-15T18:10:00"))
    assert ruled == ()
    assert weekly.stopped_because(ns("2026-06-15T18:10:00")) == "the site stops patrols: evening count"
    state, (ruling,) = step(weekly, state, ns("2026-06-15T18:20:00"))
    assert (ruling.outcome, ruling.because) == ("begin", "it is due, 600 s late")
    missed = RosterState(read_until_ns=ns("2026-06-15T12:00:00"))
    _, (late,) = step(weekly, missed, ns("2026-06-15T18:31:00"))
    assert (late.outcome, late.because) == ("missed", "it could not begin in time")
    assert weekly.stopped_because(ns("2026-06-15T18:20:00")) == ""


def test_quiet_hours_slow_robots_and_keep_drones_down() -> None:
    windows = [{"days": DAYS, "start": "22:00", "end": "06:00"}]
    weekly = calendar("02:00", quiet={"windows": windows, "limit_mps": 0.5})
    night, day = ns("2026-06-15T23:00:00"), ns("2026-06-15T12:00:00")
    assert weekly.speed_limit_mps(night) == 0.5
    assert weekly.speed_limit_mps(day) == float("inf")
    assert not weekly.drones_may_fly(night)
    assert weekly.drones_may_fly(day)
    assert calendar("02:00").drones_may_fly(night)


def fair(minute: int, **other: float) -> Weather:
    return Weather(stamp_ns=minute * MINUTE_NS, **{"wind_mps": 3.0, "rain_mmph": 0.0, "air_c": 12.0, **other})


def test_bad_weather_holds_at_once_and_lets_go_after_a_while() -> None:
    limits = WeatherLimits(clear_s=600.0, stale_s=900.0)
    watch = WeatherWatch()
    assert watch.held_because(limits, 0) == "there is no recent weather report"
    watch = watch.after(fair(0), limits)
    assert watch.held_because(limits, 9 * MINUTE_NS) == "the weather has been fair for only 540 s"
    assert watch.held_because(limits, 10 * MINUTE_NS) == ""
    watch = watch.after(fair(11, wind_mps=13.0), limits)
    assert watch.held_because(limits, 11 * MINUTE_NS) == "wind of 13.0 m/s is above 12.0 m/s"
    watch = watch.after(fair(12), limits).after(fair(5, rain_mmph=99.0), limits)
    assert watch.held_because(limits, 13 * MINUTE_NS) == "the weather has been fair for only 60 s"
    assert watch.after(fair(40), limits).held_because(limits, 41 * MINUTE_NS).startswith("the weather has been fair for only 60")
    assert watch.held_because(limits, 60 * MINUTE_NS) == "there is no recent weather report"
    assert "rain" in watch.after(fair(14, rain_mmph=20.0), limits).held_because(limits, 14 * MINUTE_NS)
    assert "air" in watch.after(fair(14, air_c=-20.0), limits).held_because(limits, 14 * MINUTE_NS)
    with pytest.raises(BadValue, match="wind_mps"):
        fair(0, wind_mps=float("nan"))


def test_a_calendar_file_is_read_or_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text("entries:\n- {entry_id: night, mission: perimeter, days: [mon], start: '22:30'}\n", "utf-8")
    assert read_calendar(path, time_zone=BERLIN, missions=frozenset({"perimeter"})).file.entries[0].late_s == 900.0
    with pytest.raises(BadInput, match="is no mission of this site"):
        read_calendar(path, time_zone=BERLIN, missions=frozenset())


TWICE = """
entries:
- {entry_id: a, mission: m, days: [mon], start: '22:30'}
- {entry_id: a, mission: m, days: [tue], start: '22:30'}
"""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("entries:\n- {entry_id: a, mission: m, days: [monday], start: '22:30'}\n", "days"),
        ("entries:\n- {entry_id: a, mission: m, days: [mon, mon], start: '22:30'}\n", "each once"),
        ("entries:\n- {entry_id: a, mission: m, days: [mon], start: '25:30'}\n", "start"),
        ("entries:\n- {entry_id: a, mission: m, days: [mon], start: '22:30', why: x}\n", "why"),
        ("entries: []\nweather: {wind: 3}\n", "wind"),
        (TWICE, "stands twice"),
    ],
)
def test_faulty_calendars_are_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "calendar.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput, match=named):
        read_calendar(path, time_zone=BERLIN, missions=frozenset({"m"}))


def test_the_calendar_of_the_page_is_one() -> None:
    (text,) = (text for language, text in fences(ROOT / "docs" / "calendars.md") if language == "yaml")
    read = make_calendar(validate_config(CalendarFile, yaml.safe_load(text), source="page"), BERLIN)
    assert len(read.occurrences(ns("2026-06-15T00:00:00"), ns("2026-06-22T00:00:00"))) == 7
    assert read.stopped_because(ns("2026-06-15T18:10:00"))
