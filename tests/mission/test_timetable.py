# SPDX-License-Identifier: Apache-2.0
"""A calendar that the robot follows: patrols begin once each, holds and weather stop them, and what did not begin is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mission.calendar.plan import Calendar, CalendarFile, make_calendar
from mission.calendar.weather import Weather
from mission.duties import read_duties
from mission.executive import Executive, ExecutiveConfig
from mission.facts.fact import Fact
from mission.inputs import ExecutiveInputs
from mission.route import perimeter_route
from mission.store import MemoryStore
from mission.timetable import Timetable
from patrol.clock import NS_PER_S
from patrol.errors import BadInput
from patrol.geometry import IDENTITY2
from patrol.operations import Mission, Mode
from tests.mission.places import room, room_stops

SITE = room(waypoints=room_stops())
MINUTE_NS = 60 * NS_PER_S
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def at(clock: str) -> int:
    """Nanoseconds of a time on Monday, 15 June 2026."""
    hour, minute = map(int, clock.split(":"))
    return round(datetime(2026, 6, 15, hour, minute, tzinfo=UTC).timestamp()) * NS_PER_S


def calendar(**more: object) -> Calendar:
    entries = [
        {"entry_id": "night", "mission": "m", "days": DAYS, "start": "22:00", "late_s": 600},
        {"entry_id": "late", "mission": "m", "days": DAYS, "start": "23:00", "late_s": 600},
    ]
    return make_calendar(CalendarFile.model_validate({"entries": entries, **more}), "UTC")


COUNT = {"name": "evening count", "windows": [{"days": DAYS, "start": "21:55", "end": "22:05"}], "stops": True}
QUIET = {"windows": [{"days": DAYS, "start": "22:00", "end": "06:00"}], "limit_mps": 0.4}


class Night:
    """An executive that is stepped through a night, a second at a time where something may happen."""

    def __init__(self, plan: Calendar, store: MemoryStore | None = None) -> None:
        mission = Mission(mission_id="m", name="M", route=perimeter_route(SITE), docks_after=False)
        self.store = store or MemoryStore()
        self.executive = Executive(ExecutiveConfig(), SITE, [mission], base_from_lidar=IDENTITY2, store=self.store, calendar=plan)
        self.begun: list[str] = []
        self.facts: tuple[str, ...] = ()

    def step(self, now_ns: int, weather: Weather | None = None) -> Mode:
        before = self.executive.situation.ledger
        decision = self.executive.step(ExecutiveInputs(now_ns=now_ns, weather=weather))
        after = self.executive.situation.ledger
        if after is not before and after is not None and before is None:
            self.begun.append(after.mission.mission_id)
        self.facts = decision.facts
        return self.executive.situation.mode


def test_a_patrol_begins_at_its_minute_and_only_once() -> None:
    night = Night(calendar())
    assert night.step(at("21:59")) is Mode.IDLE
    assert night.step(at("22:00") - NS_PER_S) is Mode.IDLE
    night.step(at("22:00"))
    assert night.begun == ["m"]
    assert night.executive.situation.note != ""
    again = Night(calendar(), night.store)
    for second in range(2, 60):
        again.step(at("22:00") + second * NS_PER_S)
    assert again.begun == []


def test_a_clock_that_goes_back_begins_nothing_twice() -> None:
    table = Timetable(calendar(), None)
    assert table.due(at("21:59"), busy_because="") == ()
    assert [one.key for one in table.due(at("22:00"), busy_because="")] == ["night@2026-06-15"]
    assert table.due(at("21:50"), busy_because="") == ()
    assert table.due(at("22:01"), busy_because="") == ()


def test_what_was_due_while_the_robot_was_off_is_told_as_missed() -> None:
    store = MemoryStore()
    Night(calendar(), store).step(at("21:00"))
    state = Timetable(calendar(), None)
    state.due(at("21:00"), busy_because="")
    late = Timetable(calendar(), state.state)
    assert late.due(at("22:30"), busy_because="") == ()
    assert [fact.fact for fact in late.facts(at("22:30"))] == [Fact.PATROL_MISSED]
    assert "night@2026-06-15" in next(iter(late.facts(at("22:30")))).detail
    assert list(late.facts(at("22:30") + 61 * MINUTE_NS)) == []


def test_a_count_holds_the_beginning_back_and_stops_what_is_under_way() -> None:
    table = Timetable(calendar(holds=[COUNT]), None)
    table.due(at("21:50"), busy_because="")
    assert table.due(at("22:00"), busy_because="") == ()
    assert [fact.fact for fact in table.facts(at("22:00"))] == [Fact.SITE_STOPS]
    assert next(iter(table.facts(at("22:00")))).detail == "evening count"
    assert [one.entry_id for one in table.due(at("22:06"), busy_because="")] == ["night"]
    assert list(table.facts(at("22:06"))) == []


def test_a_running_patrol_stands_through_a_count_and_goes_on_by_itself() -> None:
    lunch = {"name": "shift change", "windows": [{"days": DAYS, "start": "22:10", "end": "22:11"}], "stops": True}
    night = Night(calendar(holds=[lunch]))
    night.step(at("21:59"))
    night.step(at("22:00"))
    for second in range(1, 4):
        night.step(at("22:10") + second * NS_PER_S)
    assert night.executive.situation.mode is Mode.HELD
    assert any("shift change" in fact for fact in night.facts)


def test_a_busy_robot_lets_a_patrol_wait_and_then_misses_it() -> None:
    table = Timetable(calendar(), None)
    table.due(at("21:59"), busy_because="")
    assert table.due(at("22:05"), busy_because="the robot is patrolling") == ()
    assert table.due(at("22:11"), busy_because="the robot is patrolling") == ()
    assert "the robot is patrolling" in next(iter(table.facts(at("22:11")))).detail


def test_weather_holds_until_it_has_been_fair_for_a_while() -> None:
    table = Timetable(calendar(weather={"wind_mps": 10.0, "clear_s": 120.0}), None)
    assert "no recent weather report" in next(iter(table.facts(at("21:00")))).detail
    table.hear(Weather(stamp_ns=at("21:55"), wind_mps=15.0, rain_mmph=0.0, air_c=12.0))
    table.due(at("21:56"), busy_because="")
    assert table.due(at("22:00"), busy_because="") == ()
    assert next(iter(table.facts(at("22:00")))).fact is Fact.WEATHER_BAD
    for minute in range(1, 5):
        table.hear(Weather(stamp_ns=at("22:00") + minute * MINUTE_NS, wind_mps=4.0, rain_mmph=0.0, air_c=12.0))
    assert [one.entry_id for one in table.due(at("22:04"), busy_because="")] == ["night"]
    assert list(table.facts(at("22:04"))) == []


def test_quiet_hours_slow_the_robot() -> None:
    table = Timetable(calendar(quiet=QUIET), None)
    assert table.limit_mps(at("21:59")) == float("inf")
    assert table.limit_mps(at("22:00")) == 0.4
    assert Timetable(None, None).limit_mps(at("22:00")) == float("inf")
    assert list(Timetable(None, None).facts(at("22:00"))) == []


MISSION = "name: Night\nlaps: 1\ncalendar: week.calendar.yaml\n"
WEEK = "entries:\n  - {entry_id: night, mission: night, days: [mon], start: '22:00'}\n"


def test_a_mission_names_its_calendar(tmp_path: Path) -> None:
    (tmp_path / "night.yaml").write_text(MISSION, "utf-8")
    (tmp_path / "week.calendar.yaml").write_text(WEEK, "utf-8")
    duties = read_duties(tmp_path, SITE)
    assert [mission.mission_id for mission in duties.missions] == ["night"]
    assert duties.calendar is not None
    assert [one.key for one in duties.calendar.occurrences(at("00:00"), at("23:59"))] == ["night@2026-06-15"]


def test_two_calendars_for_one_robot_are_refused(tmp_path: Path) -> None:
    for name in ("night", "day"):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\ncalendar: {name}.calendar.yaml\n", "utf-8")
        (tmp_path / f"{name}.calendar.yaml").write_text(WEEK, "utf-8")
    with pytest.raises(BadInput, match=r"day\.calendar\.yaml, night\.calendar\.yaml"):
        read_duties(tmp_path, SITE)


def test_a_calendar_that_names_no_mission_of_the_robot_is_refused(tmp_path: Path) -> None:
    (tmp_path / "night.yaml").write_text(MISSION, "utf-8")
    (tmp_path / "week.calendar.yaml").write_text(WEEK.replace("mission: night", "mission: moon"), "utf-8")
    with pytest.raises(BadInput, match="moon"):
        read_duties(tmp_path, SITE)
