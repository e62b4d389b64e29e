# SPDX-License-Identifier: Apache-2.0
"""Each kind of rule on made-up tracks: it fires when it must, and says truly what would have kept it silent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString

from patrol.air import Sky
from patrol.clock import nanoseconds
from patrol.config import validate_config
from patrol.percepts import Alert, Box, Label, Track
from patrol.schedule import WeeklySchedule, WeeklyWindow
from patrol.site import Gate, Purpose, Site
from perception.flying.tracks import AIRBORNE
from perception.rulebook.book import changed, default_book, read_book
from perception.rulebook.config import CrossingRule, PresenceRule, RuleBook
from perception.rulebook.ground_plan import GroundPlan
from perception.rulebook.memory import Memory
from perception.rulebook.presence import Presence
from perception.rulebook.scene import Observation, Scene
from perception.rulebook.silence import changes, is_silent
from perception.rulebook.watch import Watch
from tests.house.files import ROOT
from tests.perception.build import STEP_NS, site, square, track, zone

NOON_NS = nanoseconds(datetime(2026, 6, 16, 12, tzinfo=UTC).timestamp())
GATE = Gate(gate_id="main-gate", name="Main gate", line=LineString([(100.0, -3.0), (100.0, 3.0)]))
YARD = replace(site(zone("yard", square(0.0, 0.0, 60.0), Purpose.YARD)), gates=(GATE,))


def book(*rules: dict[str, Any], **more: Any) -> RuleBook:
    """Only these rules."""
    data = {"inherit": False, "rules": list(rules), **more}
    return validate_config(RuleBook, changed({"rules": []}, data, Path("test")), source="test")


def only(name: str) -> RuleBook:
    """One rule of the default ones."""
    return RuleBook(rules=tuple(rule.model_copy(update={"enabled": True}) for rule in default_book().rules if rule.name == name))


def walker(
    way: Callable[[float], tuple[float, float]],
    *,
    track_id: int = 1,
    std_m: float | Callable[[float], float] = 0.1,
    **more: Any,
) -> Callable[[int], Track]:
    """A track whose place is a function of the seconds since the start, seen ten times a second."""

    def at(number: int) -> Track:
        stamp_ns, known_m = NOON_NS + number * STEP_NS, std_m if isinstance(std_m, float) else std_m(0.1 * number)
        seen = track(*way(0.1 * number), stamp_ns, track_id=track_id, std_m=known_m, hits=number + 1)
        return replace(seen, first_seen_ns=NOON_NS, **more)

    return at


def standing(x_m: float, y_m: float, track_id: int) -> Callable[[int], Track]:
    return walker(lambda _: (x_m, y_m), track_id=track_id)


def alerts_of(watch: Watch, who: Iterable[Callable[[int], Track]], seconds: float, *, sky: Sky | None = None) -> list[Alert]:
    people = tuple(who)
    found: list[Alert] = []
    for number in range(round(10 * seconds)):
        tracks = tuple(one(number) for one in people)
        found += watch.evaluate(Scene(stamp_ns=NOON_NS + number * STEP_NS, tracks=tracks, sky=sky))
    return found


def rules_told(where: Site, rules: RuleBook, who: Iterable[Callable[[int], Track]], seconds: float) -> list[str]:
    return [alert.reason.rule for alert in alerts_of(Watch(where, rules), who, seconds)]


def test_the_default_rules_cover_what_a_site_asks_for() -> None:
    rules = {rule.name: rule for rule in default_book().rules}
    assert {rule.kind for rule in rules.values()} == {"presence", "crossing", "tailgating", "crowd", "unattended", "sound"}
    assert {label for rule in rules.values() for label in rule.labels} >= set(Label) - {Label.ANIMAL, Label.BIRD}
    assert len(rules) == 16


def test_a_fence_is_climbed_where_there_is_no_gate() -> None:
    rules = only("fence climbed")
    assert rules_told(YARD, rules, [walker(lambda t: (104.0 - t, 40.0))], 9.0) == ["fence climbed"]
    assert rules_told(YARD, rules, [walker(lambda t: (104.0 - t, 1.0))], 9.0) == [], "through the gate"
    assert rules_told(YARD, rules, [walker(lambda t: (101.0 + 0.05 * np.sin(9.0 * t), 40.0))], 9.0) == [], "beside the fence"
    unsure = walker(lambda t: (102.0 - 0.3 * t, 40.0), std_m=2.5)
    assert rules_told(YARD, rules, [unsure], 9.0) == [], "a place known to 2.5 m says nothing of a fence"


def test_who_wavers_on_the_fence_has_not_climbed_it_and_who_comes_back_is_one_incident() -> None:
    rules = only("fence climbed")
    assert rules_told(YARD, rules, [walker(lambda t: (100.0 + 0.15 * np.sin(7.0 * t), 40.0))], 9.0) == []
    assert rules_told(YARD, rules, [walker(lambda t: (100.0 + 3.0 * np.cos(0.7 * t), 40.0))], 20.0) == ["fence climbed"]


def ways_told(places: Iterable[tuple[float, float]]) -> list[str]:
    """What "fence climbed" says of a track that is so far inside of the fence (m, std m), ten times a second."""
    watch, said = Watch(YARD, only("fence climbed")), []
    for number, (inside_m, std_m) in enumerate(places):
        stamp_ns = NOON_NS + number * STEP_NS
        one = replace(track(100.0 - inside_m, 40.0, stamp_ns, std_m=std_m, hits=number + 1), first_seen_ns=NOON_NS)
        alerts = watch.evaluate(Scene(stamp_ns=stamp_ns, tracks=(one,)))
        said += [re.sub(r"^A person has gone over the perimeter(.*), at .*$", r"\1", alert.reason.sentence) for alert in alerts]
    return said


NO_WAY = ", which way can not be told"


def test_the_way_over_a_fence_is_told_of_who_was_clear_of_it_on_both_sides() -> None:
    over = [(0.1 * number - 3.0, 0.15) for number in range(70)]
    assert ways_told(over) == [" inwards"]
    assert ways_told((-inside_m, std_m) for inside_m, std_m in over) == [" outwards"]


def test_who_is_first_seen_on_the_fence_is_told_without_a_way() -> None:
    """Their place was known badly, or they were never more than a hand's breadth outside, before they came in."""
    far_off = [(-3.0, 3.0)] * 20 + [(-0.15, 0.1)] * 20
    assert ways_told([*far_off, *((0.05 * number, 0.1) for number in range(60))]) == [NO_WAY]
    assert ways_told([(-0.2, 0.1)] * 3 + [(0.5, 0.1)] * 30) == [NO_WAY]


def test_who_stays_on_the_fence_is_told_without_a_way_after_a_while() -> None:
    up = [(0.1 * number - 3.0, 0.1) for number in range(29)]
    assert ways_told(up + [(0.2, 0.1)] * 15) == []
    assert ways_told(up + [(0.2, 0.1)] * 30) == [NO_WAY]


def test_a_place_that_goes_back_to_the_fence_for_a_moment_is_no_way_out() -> None:
    """As when a lidar's returns from the fence behind somebody are taken for theirs."""
    inside = [(0.1 * number, 0.3) for number in range(20, 40)]
    assert ways_told([*inside, *[(-0.15, 0.1)] * 10, *((0.1 * number, 0.1) for number in range(30, 80))]) == []
    assert ways_told([*inside, *[(-0.2, 0.1)] * 40]) == [NO_WAY], "yet who stays there has gone over it, as far as can be told"


@pytest.mark.parametrize(("beyond", "told"), [(6, ["fence climbed"]), (2, [])])
def test_who_is_lost_from_sight_on_the_way_over_is_told(beyond: int, told: list[str]) -> None:
    """Seen clear of the fence outside, then just inside of it in ``beyond`` pictures, and never again."""
    places = [0.1 * number - 3.0 for number in range(29)] + [0.2] * beyond
    watch, found = Watch(YARD, only("fence climbed")), []
    for number in range(len(places) + 15):
        inside_m, stamp_ns = places[min(number, len(places) - 1)], NOON_NS + number * STEP_NS
        one = replace(track(100.0 - inside_m, 40.0, stamp_ns, std_m=0.1, hits=20), first_seen_ns=NOON_NS)
        if number >= len(places):
            one = replace(one, state="coasting", last_seen_ns=NOON_NS + (len(places) - 1) * STEP_NS)
        found += [alert.reason.rule for alert in watch.evaluate(Scene(stamp_ns=stamp_ns, tracks=(one,)))]
    assert found == told


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.5), st.floats(0.3, 2.0), st.sampled_from([-1.0, 1.0]))
def test_the_opposite_way_is_never_told(seed: int, std_m: float, speed: float, way: float) -> None:
    """Somebody goes over the fence once, at any pace, with a stop on it; the place is as wrong as it says, and for long."""
    random = np.random.default_rng(seed)
    stop_s = random.uniform(0.0, 3.0)
    times_s = np.arange(0.0, 8.0 / speed + stop_s, 0.1)
    true_m = np.clip(times_s - 4.0 / speed, None, 0.0) * speed + np.clip(times_s - 4.0 / speed - stop_s, 0.0, None) * speed
    error = np.clip(np.convolve(random.normal(0.0, 1.0, len(times_s) + 9), np.full(10, 10**-0.5), "valid"), -2.5, 2.5)
    told = ways_told(zip((way * (true_m + std_m * error)).tolist(), [std_m] * len(times_s), strict=True))
    assert set(told) <= {" inwards" if way > 0.0 else " outwards", NO_WAY}


def test_a_rule_about_one_way_is_told_where_the_way_is_not_known() -> None:
    rule = next(rule for rule in only("fence climbed").rules if isinstance(rule, CrossingRule))
    for direction, over in (("in", True), ("out", False)):
        rules = RuleBook(rules=(rule.model_copy(update={"direction": direction}),))
        clear = walker(lambda t: (103.0 - t, 40.0))
        assert rules_told(YARD, rules, [clear], 8.0) == (["fence climbed"] if over else [])
        on_it = walker(lambda t: (100.2 if t < 0.3 else 99.5, 40.0))
        assert rules_told(YARD, rules, [on_it], 3.0) == ["fence climbed"]


@pytest.mark.parametrize(("direction", "start_m", "speed", "told"), [
    ("left", -4.0, 1.0, 1), ("left", 4.0, -1.0, 0), ("right", 4.0, -1.0, 1), ("any", -4.0, 1.0, 1), ("right", -4.0, 1.0, 0),
])  # fmt: skip
def test_a_line_is_crossed_in_its_direction(direction: str, start_m: float, speed: float, told: int) -> None:
    rule = {
        "name": "line",
        "kind": "crossing",
        "labels": ["person"],
        "over": "line",
        "line": [[-5.0, 20.0], [5.0, 20.0]],
        "direction": direction,
        "limits": {"beyond_probability": {"at_least": 0.9}},
    }
    assert len(rules_told(YARD, book(rule), [walker(lambda t: (0.0, 20.0 + start_m + speed * t))], 8.0)) == told
    beside = walker(lambda t: (7.0, 20.0 + start_m + speed * t))
    assert rules_told(YARD, book(rule), [beside], 8.0) == [], "past the line's end"


def test_a_gate_counts_as_closed_outside_its_hours() -> None:
    night = WeeklySchedule(time_zone="UTC", windows=(WeeklyWindow(days=("tue",), start=_at(11), end=_at(13)),))
    rules, through = only("gate passed while closed"), walker(lambda t: (104.0 - t, 0.5))
    opened = replace(YARD, gates=(replace(GATE, open_hours=night),))
    shut = replace(YARD, gates=(replace(GATE, open_hours=replace(night, windows=(replace(night.windows[0], days=("wed",)),))),))
    assert rules_told(opened, rules, [through], 9.0) == []
    assert rules_told(shut, rules, [through], 9.0) == ["gate passed while closed"]


def _at(hour: int) -> Any:
    return datetime(2026, 1, 1, hour, tzinfo=UTC).time()


@pytest.mark.parametrize(("behind_s", "told"), [(2.0, 1), (3.5, 1), (6.0, 0)])
def test_the_second_of_two_through_a_gate_is_told(behind_s: float, told: int) -> None:
    first = walker(lambda t: (104.0 - t, 0.5))
    second = walker(lambda t: (104.0 + behind_s - t, -0.5), track_id=2)
    found = alerts_of(Watch(YARD, only("tailgating")), [first, second], 14.0)
    assert [alert.track_id for alert in found] == [2] * told
    if found:
        assert "after track 1" in found[0].reason.sentence
        against = walker(lambda t: (96.0 + t, -0.5), track_id=2)
        assert rules_told(YARD, only("tailgating"), [first, against], 14.0) == [], "one in, one out"


@pytest.mark.parametrize(("speed", "told"), [(1.5, []), (4.0, ["running"])])
def test_running_is_told_by_the_way_made_and_not_by_a_jump(speed: float, told: list[str]) -> None:
    assert rules_told(YARD, only("running"), [walker(lambda t: (5.0 + speed * t, 30.0))], 6.0) == told
    jump = walker(lambda t: (5.0 if t < 3.0 else 7.5, 30.0), std_m=0.4)
    assert rules_told(YARD, only("running"), [jump], 6.0) == []
    found = walker(lambda t: (5.0 if t < 1.5 else 14.0, 30.0), std_m=lambda t: 1.5 if t < 1.5 else 0.1)
    assert rules_told(YARD, only("running"), [found], 6.0) == [], "known well only since the lidar saw them"


LYING = Box(x0_px=300.0, y0_px=270.0, x1_px=400.0, y1_px=310.0)


def test_a_fall_is_told_after_five_seconds_on_the_ground() -> None:
    rules, still = only("person fallen"), (lambda _: (30.0, 30.0))
    (alert,) = alerts_of(Watch(YARD, rules), [walker(still, box=LYING, top_m=0.4)], 8.0)
    assert alert.stamp_ns - NOON_NS == nanoseconds(5.0)
    assert alert.severity == "critical"
    for upright in ({"top_m": 1.7}, {"box": LYING, "top_m": 1.3}, {"box": LYING}):
        assert rules_told(YARD, rules, [walker(still, **upright)], 8.0) == []


def test_who_gets_up_again_has_not_fallen() -> None:
    down, up = walker(lambda _: (30.0, 30.0), box=LYING, top_m=0.4), walker(lambda _: (30.0, 30.0), top_m=1.7)
    assert rules_told(YARD, only("person fallen"), [lambda n: down(n) if n < 30 or n > 45 else up(n)], 8.0) == []


def test_a_crowd_is_one_alert_and_those_who_pass_are_none() -> None:
    people = [standing(20.0 + number, 20.0, number + 1) for number in range(6)]
    found = alerts_of(Watch(YARD, only("crowd")), people, 25.0)
    assert [(alert.reason.rule, alert.zone_id) for alert in found] == [("crowd", "yard")]
    assert found[0].stamp_ns - NOON_NS == nanoseconds(10.0)
    assert rules_told(YARD, only("crowd"), people[:5], 25.0) == []
    apart = [standing(5.0 + 10.0 * number, 20.0, number + 1) for number in range(6)]
    assert rules_told(YARD, only("crowd"), apart, 25.0) == []


def _thing(after: int) -> Callable[[int], Track]:
    made = walker(lambda _: (30.0, 30.0), track_id=9, label=Label.OBJECT, box=None)
    return lambda n: replace(
        made(n), state="confirmed" if n >= after else "tentative", first_seen_ns=NOON_NS + after * STEP_NS, score=0.9
    )


def test_a_thing_is_abandoned_when_who_left_it_is_gone() -> None:
    leaves = walker(lambda t: (30.5 + max(t - 2.0, 0.0) * 1.2, 30.0))
    stays = walker(lambda _: (31.0, 30.0))
    passes = walker(lambda _: (30.5, 60.0))
    rules = only("abandoned object")
    assert rules_told(YARD, rules, [leaves, _thing(15)], 40.0) == ["abandoned object"]
    assert rules_told(YARD, rules, [stays, _thing(15)], 40.0) == [], "its owner is beside it"
    assert rules_told(YARD, rules, [passes, _thing(15)], 40.0) == [], "nobody was near when it appeared"


@pytest.mark.parametrize(("label", "rule"), [
    (Label.VEHICLE, "vehicle where none may be"), (Label.MISSING, "removed object"), (Label.DRONE, "drone"),
])  # fmt: skip
def test_what_may_not_be_there_is_told(label: Label, rule: str) -> None:
    there = walker(lambda t: (30.0 + t, 30.0), label=label)
    assert rules_told(YARD, only(rule), [there], 6.0) == [rule]
    assert set(rules_told(YARD, default_book(), [there], 6.0)) <= {rule}


def test_a_rule_that_is_off_says_nothing() -> None:
    gone = walker(lambda _: (30.0, 30.0), label=Label.MISSING)
    assert rules_told(YARD, default_book(), [gone], 6.0) == []


def test_what_flies_is_watched_only_where_a_rule_asks_for_it() -> None:
    assert not default_book().wanted() & AIRBORNE
    assert read_book(ROOT / "config" / "rules" / "air_watch.yaml").wanted() >= {Label.DRONE, Label.THROWN, Label.PERSON}


def test_a_parked_vehicle_is_no_alert() -> None:
    assert rules_told(YARD, default_book(), [walker(lambda _: (30.0, 30.0), label=Label.VEHICLE)], 9.0) == []


def test_a_thing_that_flies_over_the_fence_was_thrown() -> None:
    thrown = walker(lambda t: (108.0 - 9.0 * t, 20.0), label=Label.THROWN, std_m=0.2)
    assert rules_told(YARD, only("object thrown over the fence"), [thrown], 2.0) == ["object thrown over the fence"]
    twice = walker(lambda t: (103.0, 20.0) if t < 0.05 else (96.0, 20.0), label=Label.THROWN, std_m=0.5, hits=7)
    (alert,) = alerts_of(Watch(YARD, only("object thrown over the fence")), [twice], 0.2)
    assert "inwards" in alert.reason.sentence, "told where it was launched, and where it is"


def test_one_intruder_is_one_incident_whatever_rules_he_breaks() -> None:
    strip = replace(site(zone("strip", square(80.0, 0.0, 20.0))), gates=(GATE,))
    first = walker(lambda t: (104.0 - t, 10.0))
    found = alerts_of(Watch(strip, default_book()), [first], 10.0)
    assert sorted(alert.reason.rule for alert in found) == ["fence climbed", "person in restricted zone"]
    assert len({alert.alert_id for alert in found}) == 2
    assert {alert.incident_id for alert in found} == {found[0].alert_id}
    assert found[1].path_m.shape[1] == 2
    assert found[1].path_m[0, 0] > found[1].path_m[-1, 0], "oldest first"


def test_the_weather_and_the_light_can_switch_a_rule() -> None:
    rule = default_book().rules[0].model_dump(mode="json", exclude_none=True)
    there = walker(lambda _: (5.0, 5.0))
    store = site(zone("store", square(0.0, 0.0, 10.0)))
    for when, sky, told in (
        ({"sky": ["rain"]}, Sky.RAIN, 1),
        ({"sky": ["rain"]}, Sky.CLEAR, 0),
        ({"sky": ["rain"]}, None, 1),
        ({"light": "day"}, None, 1),
        ({"light": "night"}, None, 0),
        ({"schedule": [{"days": ["tue"], "start": "13:00", "end": "15:00"}]}, None, 1),
        ({"schedule": [{"days": ["tue"], "start": "12:00", "end": "13:00"}]}, None, 0),
    ):
        watch = Watch(store, book({**rule, "when": when}))
        assert len(alerts_of(watch, [there], 3.0, sky=sky)) == told, when


def test_the_hour_counts_where_it_is_the_nearest_change() -> None:
    rule = default_book().rules[0].model_dump(mode="json", exclude_none=True)
    watch = Watch(site(zone("store", square(-50.0, -50.0, 100.0))), book(
        {**rule, "when": {"schedule": [{"days": ["tue"], "start": "13:55", "end": "15:00"}]}}
    ))  # fmt: skip
    (alert,) = alerts_of(watch, [walker(lambda _: (5.0, 5.0))], 3.0)
    assert "it had been 10 min earlier" in alert.reason.nearest_change


RULE = default_book().rules[0]
STORE = site(zone("store", square(0.0, 0.0, 10.0)))


@settings(max_examples=20, deadline=None)
@given(x_m=st.floats(2.0, 8.0), y_m=st.floats(2.0, 8.0), hits=st.integers(4, 90), std_m=st.floats(0.05, 0.8))
def test_every_change_that_is_told_silences_the_rule_and_half_of_it_does_not(
    x_m: float, y_m: float, hits: int, std_m: float
) -> None:
    seen = _intrusion(x_m, y_m, hits, std_m)
    assume(not is_silent(RULE, seen.measures))
    found = changes(RULE, seen, counts_at=lambda _: True, now_ns=NOON_NS)
    assert {change.measure for change in found} == {"inside_probability", "dwell_s", "hits", "score", "cold_s", "place_m"}
    assert [change.steps for change in found] == sorted(change.steps for change in found)
    for change in found:
        if change.by_m is not None:
            assert seen.if_moved is not None
            assert is_silent(RULE, seen.if_moved(np.array(change.by_m)))
            assert not is_silent(RULE, seen.if_moved(0.5 * np.array(change.by_m)))
        else:
            assert is_silent(RULE, {**seen.measures, change.measure: change.would_be})
            nearly = 4.0 if change.measure == "hits" else 0.5 * (change.was + change.would_be)
            assert not is_silent(RULE, {**seen.measures, change.measure: nearly})


def _intrusion(x_m: float, y_m: float, hits: int, std_m: float) -> Observation:
    """Somebody who has been in a store of 10 by 10 m for two seconds, as the rule sees it."""
    assert isinstance(RULE, PresenceRule)
    rules = RuleBook(rules=(RULE,))
    lookout, plan, memory = Presence(RULE), GroundPlan(STORE, rules), Memory(10.0)
    for stamp_ns in (NOON_NS, NOON_NS + nanoseconds(2.0)):
        tracks = (track(x_m, y_m, stamp_ns, std_m=std_m, hits=hits),)
        memory.take_in(tracks, stamp_ns)
        (seen,) = lookout.observe(Scene(stamp_ns=stamp_ns, tracks=tracks), plan, memory)
    return seen
