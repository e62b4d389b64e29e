# SPDX-License-Identifier: Apache-2.0
"""One alert per intruder, with its reason; none for staff, shadows or the wrong hour."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.clock import nanoseconds
from patrol.percepts import Alert, GroundPosition, Label, Track
from patrol.schedule import WeeklySchedule, WeeklyWindow
from patrol.site import Purpose, Site
from perception.rulebook.book import changed, default_book
from perception.rulebook.config import RuleBook
from perception.rulebook.places import inside_probability
from perception.rulebook.scene import Scene
from perception.rulebook.watch import Watch
from tests.perception.build import STEP_NS, site, square, track, zone

DEPOT = site(zone("store", square(0.0, 0.0, 10.0)))


def watch(where: Site = DEPOT) -> Watch:
    return Watch(where)


def look(guard: Watch, stamp_ns: int, *tracks: Track, doubt: str = "") -> tuple[Alert, ...]:
    return guard.evaluate(Scene(stamp_ns=stamp_ns, tracks=tracks, pose_doubt=doubt))


def run(guard: Watch, pictures: list[list[Track]], doubt: str = "") -> list[Alert]:
    return [alert for number, tracks in enumerate(pictures) for alert in look(guard, number * STEP_NS, *tracks, doubt=doubt)]


def standing(count: int, x: float = 5.0, y: float = 5.0, *, track_id: int = 1, first: int = 0) -> list[list[Track]]:
    return [[track(x, y, number * STEP_NS, track_id=track_id)] for number in range(first, first + count)]


def test_an_intruder_raises_one_alert_and_only_after_the_dwell() -> None:
    alerts = run(watch(), standing(100))
    assert len(alerts) == 1
    assert alerts[0].stamp_ns == nanoseconds(0.4)
    assert (alerts[0].zone_id, alerts[0].label, alerts[0].severity) == ("store", Label.PERSON, "critical")
    assert not alerts[0].position_uncertain


def test_the_reason_says_rule_thresholds_and_what_would_have_kept_it_silent() -> None:
    (alert,) = run(watch(), standing(10, x=2.0))
    reason = alert.reason
    assert reason.rule == "person in restricted zone"
    assert "'Store'" in reason.sentence
    assert "0.4 s" in reason.sentence
    assert {item.name for item in reason.thresholds} == {"inside_probability", "dwell_s", "hits", "score", "cold_s"}
    assert all(item.margin >= 0.0 for item in reason.thresholds)
    assert "further west" in reason.nearest_change


def test_a_replay_gives_the_same_alert() -> None:
    (first,), (again,) = (run(watch(), standing(20)) for _ in "ab")
    assert (first.alert_id, first.reason, first.stamp_ns) == (again.alert_id, again.reason, again.stamp_ns)


@pytest.mark.parametrize("seen", [
    [[track(15.0, 5.0, n * STEP_NS)] for n in range(30)],
    [[track(5.0, 5.0, n * STEP_NS, state="tentative")] for n in range(30)],
    [[track(5.0, 5.0, n * STEP_NS, label=Label.ANIMAL)] for n in range(30)],
    [[track(5.0, 5.0, n * STEP_NS)] for n in range(3)],
    [[track(5.0, 5.0, n * STEP_NS, std_m=8.0)] for n in range(30)],
    [[track(5.0 if n % 3 else 15.0, 5.0, n * STEP_NS)] for n in range(30)],
], ids=["outside", "unconfirmed", "animal", "too short", "too unsure", "in and out"])  # fmt: skip
def test_no_alert(seen: list[list[Track]]) -> None:
    assert run(watch(), seen) == []


def test_staff_in_a_work_zone_inside_the_restricted_one_are_left_alone() -> None:
    where = site(zone("store", square(0.0, 0.0, 10.0)), zone("bay", square(4.0, 4.0, 3.0), Purpose.WORK))
    assert run(watch(where), standing(30)) == []
    assert len(run(watch(where), standing(30, x=1.5, y=1.5))) == 1


def test_a_zone_counts_only_while_its_schedule_holds() -> None:
    night = WeeklySchedule(time_zone="UTC", windows=(WeeklyWindow(days=("mon",), start=time(20), end=time(23)),))
    guard = Watch(site(zone("store", square(0.0, 0.0, 10.0), schedule=night)))
    begin = {hour: nanoseconds(datetime(2026, 11, 23, hour, tzinfo=UTC).timestamp()) for hour in (12, 21)}
    found = {
        hour: [
            alert
            for n in range(20)
            for alert in look(guard, first + n * STEP_NS, track(5.0, 5.0, first + n * STEP_NS, track_id=hour))
        ]
        for hour, first in begin.items()
    }
    assert found[12] == []
    assert len(found[21]) == 1
    assert "schedule" in found[21][0].reason.sentence


def test_the_same_person_followed_anew_nearby_does_not_fire_again() -> None:
    gap: list[list[Track]] = [[] for _ in range(50)]
    again = standing(30, x=8.0, track_id=2, first=70)
    assert len(run(watch(), standing(20) + gap + again)) == 1


def test_the_same_person_followed_anew_while_the_old_track_coasts_does_not_fire_again() -> None:
    both = [[track(5.0, 5.0, n * STEP_NS, state="coasting"), track(5.5, 5.0, n * STEP_NS, track_id=2)] for n in range(20, 35)]
    assert len(run(watch(), standing(20) + both)) == 1


def test_a_second_intruder_fires_even_beside_the_first() -> None:
    pair = [[track(5.0, 5.0, n * STEP_NS), track(6.0, 5.0, n * STEP_NS, track_id=2)] for n in range(30)]
    alerts = run(watch(), pair)
    assert [alert.track_id for alert in alerts] == [1, 2]
    assert alerts[0].alert_id != alerts[1].alert_id


def test_someone_else_far_away_or_much_later_fires() -> None:
    wide = site(zone("store", square(0.0, 0.0, 50.0)))
    far = standing(30, x=45.0, y=45.0, track_id=2, first=20)
    assert len(run(watch(wide), standing(20) + far)) == 2
    gap: list[list[Track]] = [[] for _ in range(1300)]
    assert len(run(watch(), standing(20) + gap + standing(30, track_id=2, first=1320))) == 2


def test_one_person_in_two_overlapping_zones_is_one_alert() -> None:
    where = site(zone("store", square(0.0, 0.0, 10.0)), zone("strip", square(4.0, 4.0, 3.0), Purpose.STERILE))
    assert len(run(watch(where), standing(30))) == 1


def test_a_doubted_pose_marks_the_place_as_uncertain() -> None:
    (alert,) = run(watch(), standing(30), doubt="two places look alike")
    assert alert.position_uncertain


def test_another_rule_is_only_data() -> None:
    loitering = {
        "name": "loitering in the lane",
        "kind": "presence",
        "labels": ["person"],
        "where": {"zones": ["lane"]},
        "limits": {"dwell_s": {"at_least": 2.0}, "speed_mps": {"at_most": 0.5}},
    }
    book = RuleBook.model_validate(changed(default_book().model_dump(mode="json"), {"rules": [loitering]}, Path("test")))
    where = site(zone("lane", square(0.0, 0.0, 10.0), Purpose.OUTSIDE))
    (alert,) = run(Watch(where, book), standing(40))
    assert alert.reason.rule == "loitering in the lane"
    assert alert.stamp_ns == nanoseconds(2.0)


def ground(x: float, y: float, std_m: float) -> GroundPosition:
    return GroundPosition(position_m=np.array([x, y]), velocity_mps=np.zeros(2), covariance_m2=np.eye(2) * std_m**2)


def test_the_probability_of_being_inside_is_that_of_the_gaussian() -> None:
    half_plane = zone("half", square(0.0, -500.0, 1000.0))
    assert inside_probability(ground(0.0, 0.0, 1.0), half_plane.outline) == pytest.approx(0.5, abs=0.02)
    assert inside_probability(ground(1.0, 0.0, 1.0), half_plane.outline) == pytest.approx(0.841, abs=0.02)
    assert inside_probability(ground(-2.0, 0.0, 1.0), half_plane.outline) == pytest.approx(0.023, abs=0.02)


@settings(deadline=None)
@given(st.floats(-20.0, 30.0), st.floats(-20.0, 30.0), st.floats(0.01, 10.0))
def test_inside_and_outside_share_all_probability(x: float, y: float, std_m: float) -> None:
    store, world = zone("store", square(0.0, 0.0, 10.0)), zone("world", square(-500.0, -500.0, 1000.0))
    inside = inside_probability(ground(x, y, std_m), store.outline)
    outside = inside_probability(ground(x, y, std_m), world.outline, (store.outline,))
    assert 0.0 <= inside <= 1.0
    assert inside + outside == pytest.approx(1.0)
