# SPDX-License-Identifier: Apache-2.0
"""The benchmark of whole patrols: its casts are fair, its verdicts right, its intervals exact."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import LineString, Point

from benchmarks.intervals import rate_interval, share_interval
from benchmarks.scenario_cast import Casting
from benchmarks.scenario_hours import Draw, PatrolLines, Tally, draws, figures, intruders_near, judged, patrols, seen_inside
from patrol.errors import BadInput
from patrol.percepts import Alert, GroundPosition, Label, Reason
from patrol.site_file import read_site
from sim.casting_call import SITES
from sim.weather import Sky

DEPOT = read_site(SITES / "depot.geojson")
STRIP = next(zone for zone in DEPOT.zones if zone.zone_id == "north_strip").outline.representative_point()
BOX = {"x0_px": 300.0, "y0_px": 200.0, "x1_px": 340.0, "y1_px": 300.0}


def row(number: int, x_m: float, y_m: float, box: dict[str, float] | None = BOX) -> dict[str, Any]:
    """One record of a truth log with one intruder."""
    pose = {"x_m": x_m, "y_m": y_m, "yaw_rad": 0.0}
    actor = {"name": "intruder_0", "kind": "intruder", "present": True, "map_from_actor": pose, "box": box}
    return {"stamp_ns": 10**18 + number * 100_000_000, "actors": [actor]}


def raised(number: int, x_m: float, y_m: float) -> Alert:
    ground = GroundPosition(position_m=np.array([x_m, y_m]), velocity_mps=np.zeros(2), covariance_m2=np.eye(2))
    return Alert(
        alert_id=f"{number} {x_m}", stamp_ns=10**18 + number * 100_000_000, severity="critical", zone_id="north_strip",
        track_id=1, reason=Reason(rule="r", sentence="s", thresholds=(), nearest_change=""), label=Label.PERSON, ground=ground,
        position_uncertain=False,
    )  # fmt: skip


def test_an_intrusion_counts_once_it_could_be_seen_for_a_second() -> None:
    inside = [row(number, STRIP.x, STRIP.y) for number in range(30)]
    assert seen_inside(inside, DEPOT) == {"intruder_0": inside[9]["stamp_ns"]}
    assert seen_inside(inside[:9], DEPOT) == {}
    assert seen_inside([row(number, 0.0, -90.0) for number in range(30)], DEPOT) == {}
    assert seen_inside([row(number, STRIP.x, STRIP.y, None) for number in range(30)], DEPOT) == {}
    cut = {**BOX, "x0_px": 0.0}
    assert seen_inside([row(number, STRIP.x, STRIP.y, cut) for number in range(30)], DEPOT) == {}


def test_an_alert_near_the_intruder_finds_him_and_one_elsewhere_is_false() -> None:
    truth = [row(number, STRIP.x, STRIP.y) for number in range(200)]
    right, late, wrong = raised(20, STRIP.x + 1.0, STRIP.y), raised(150, STRIP.x, STRIP.y), raised(20, STRIP.x + 9.0, STRIP.y)
    assert intruders_near(truth, right) == ("intruder_0",)
    found = judged("s", 1, 0.5, truth, (DEPOT, (right, wrong)))
    assert (found.intrusions, found.found, len(found.false_alarms), found.missed) == (1, 1, 1, ())
    missed = judged("s", 1, 0.5, truth, (DEPOT, (late,)))
    assert (missed.found, missed.false_alarms, missed.missed) == (0, (), ("intruder_0",))
    told = figures([found, missed])
    assert (told["hours"], told["found_share"], told["false_per_hour"]) == (1.0, 0.5, 1.0)


def end_of(draw: Draw) -> Tally:
    """A patrol that nobody drove: every third one ends after half of its time."""
    hours = draw.minutes / 60.0 * (0.5 if draw.seed % 3 == 0 else 1.0)
    return Tally(
        scenario=draw.site, seed=draw.seed, hours=hours, intrusions=1, found=0, false_alarms=("cat",), missed=("intruder_0",)
    )


def drive(log: PatrolLines, hours: float, *, at_once: int = 1) -> tuple[list[int], list[int]]:
    """The seeds of all patrols of so many hours, and of those that were driven for it."""
    ours: list[int] = []

    def driven(draw: Draw) -> Tally:
        ours.append(draw.seed)
        return end_of(draw)

    with ThreadPoolExecutor(at_once) as pool:
        wanted = draws(["depot", "prison"], 2, 6.0)
        tallies = list(patrols(wanted, hours, log, pool, at_once=at_once, drive=driven))
    return sorted(tally.seed for tally in tallies), sorted(ours)


@pytest.mark.parametrize("at_once", [1, 3, 8])
def test_as_many_patrols_are_driven_as_the_hours_need_however_many_at_once(tmp_path: Path, at_once: int) -> None:
    seeds, ours = drive(PatrolLines(tmp_path / "log", "c0ffee"), 0.45, at_once=at_once)
    assert seeds == ours == [200_000, 200_001, 200_002, 200_003, 200_004, 200_005]
    assert len((tmp_path / "log").read_text("utf-8").splitlines()) == 6


def test_what_the_log_tells_of_is_not_driven_again_by_the_same_commit(tmp_path: Path) -> None:
    log = tmp_path / "log"
    drive(PatrolLines(log, "c0ffee"), 0.15)
    first = Draw(site="depot", seed=200_000, minutes=6.0)
    kept = PatrolLines(log, "c0ffee")
    assert kept.find(first) == end_of(first)
    assert kept.find(replace(first, minutes=5.0)) is kept.find(replace(first, site="prison")) is None
    assert drive(kept, 0.3) == ([200_000, 200_001, 200_002, 200_003], [200_002, 200_003])
    assert drive(PatrolLines(log, "c0ffee"), 0.3)[1] == []
    assert drive(PatrolLines(log, "decaf"), 0.15)[1] == [200_000, 200_001]
    for _ in "ab":
        assert drive(PatrolLines(log, "c0ffee-dirty"), 0.15)[1] == [200_000, 200_001]
    assert drive(PatrolLines(None, "c0ffee"), 0.15)[1] == [200_000, 200_001]


@pytest.mark.parametrize("line", ["{", "[]", '{"seed": 1}', "7"])
def test_a_log_of_something_else_is_refused_by_file_and_line(tmp_path: Path, line: str) -> None:
    log = tmp_path / "log"
    drive(PatrolLines(log, "c0ffee"), 0.05)
    with log.open("a", encoding="utf-8") as more:
        more.write(line + "\n")
    with pytest.raises(BadInput, match=r"log(.|\n)*line 2: tells of no patrol"):
        PatrolLines(log, "c0ffee")


def test_the_intervals_are_exact() -> None:
    assert rate_interval(0, 1.0) == pytest.approx((0.0, 3.689), abs=1e-3)
    assert rate_interval(10, 2.0) == pytest.approx((4.795 / 2, 18.390 / 2), abs=1e-3)
    assert share_interval(0, 0) == (0.0, 1.0)
    assert share_interval(10, 10) == pytest.approx((0.6915, 1.0), abs=1e-4)


@pytest.mark.parametrize("name", ["depot", "prison", "border"])
def test_casts_are_drawn_from_the_seed_and_residents_keep_where_they_belong(name: str) -> None:
    site = read_site(SITES / f"{name}.geojson")
    intruders = 0
    for seed in range(6):
        first, again = (
            Casting(name, site, np.random.default_rng(seed)).draw(weather=Sky.RAIN, light="day", intruders=2) for _ in "ab"
        )
        assert first == again
        assert first.robot is not None
        robot_at = Point(first.robot.x_m, first.robot.y_m)
        forbidden = [zone.outline for zone in site.zones if zone.purpose in ("restricted", "sterile") and zone.schedule is None]
        for actor in first.actors:
            way = LineString([(stop.x_m, stop.y_m) for stop in actor.route]) if len(actor.route) > 1 else None
            if actor.kind in ("staff", "guard", "inmate"):
                assert way is not None
                assert not any(way.intersects(zone) for zone in forbidden)
            if actor.kind == "intruder":
                intruders += 1
                assert way is not None
                assert not site.perimeter.contains(Point(actor.route[0].x_m, actor.route[0].y_m))
                assert way.crosses(site.perimeter.exterior)
                goals = [Point(stop.x_m, stop.y_m) for stop in actor.route[-2:]]
                assert all(goal.distance(robot_at) <= 81.0 for goal in goals)
    assert intruders >= 10
