# SPDX-License-Identifier: Apache-2.0
"""Scenario files: those shipped can be played, and broken ones are refused by file, field and value."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from patrol.air import sun_elevation_rad
from patrol.errors import BadInput
from patrol.site_file import read_site
from sim.faults import Faults
from sim.lidar import StaticTargets
from sim.scenario import SCENARIOS, FaultSpec, Scenario, read_scenario
from sim.sdf import read_world
from sim.weather import Sky, weather_at

SHIPPED = sorted(SCENARIOS.glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_actors_of_shipped_scenarios_walk_through_no_wall(path: Path) -> None:
    scenario = read_scenario(path)
    assert scenario.name == path.stem
    targets = StaticTargets(read_world(scenario.world))
    for actor in scenario.actors:
        stops = (*actor.route, actor.route[0]) if actor.loop else actor.route
        for here, there in itertools.pairwise(stops):
            way = np.array([there.x_m - here.x_m, there.y_m - here.y_m])
            length = float(np.linalg.norm(way))
            if there.climb_m > 0.0 or length == 0.0 or max(here.height_m, there.height_m) > 0.0:
                continue
            ray = np.array([[here.x_m, here.y_m, 0.9, *(way / length), 0.0]], dtype=np.float32)
            distance, inside = targets.cast_inside(ray)
            assert not (inside[0] and distance[0] < length), f"{actor.name} starts inside something at {here}"
            assert distance[0] > length + 0.1, f"{actor.name}: {here} -> {there} is blocked after {distance[0]:.1f} m"


def test_the_demo_has_an_intruder_that_climbs_into_a_restricted_zone() -> None:
    scenario = read_scenario(SCENARIOS / "depot_intruder.yaml")
    intruder = next(actor for actor in scenario.actors if actor.kind == "intruder")
    over = [stop for stop in intruder.route if stop.climb_m > 0.0]
    assert len(over) == 1
    zone = next(zone for zone in read_site(scenario.site).zones if zone.zone_id == "north_strip")
    assert zone.contains(over[0].x_m, over[0].y_m)
    assert {actor.kind for actor in scenario.actors} >= {"staff", "guard", "intruder"}


GOOD = """
name: yard
world: {world}
site: {site}
start: 2026-06-16T10:00:00Z
"""


@pytest.mark.parametrize(
    ("extra", "field", "word"),
    [
        ("wether: rain", "wether", "rain"),
        ("weather: snow", "weather", "snow"),
        ("actors: [{name: a, kind: dragon, route: [{x_m: 0, y_m: 0}]}]", "actors.0.kind", "dragon"),
        ("actors: [{name: a, kind: guard, route: []}]", "actors.0.route", "at least 1"),
        ("actors: [{name: a, kind: guard, route: [{x_m: 0, y_m: 0, speed_mps: -1}]}]", "actors.0.route.0.speed_mps", "-1"),
        ("actors: [{name: a, kind: guard, route: [{x_m: 0, y_m: 0, drops: bag}]}]", "(top)", "bag"),
        ("faults: [{kind: silent, at_s: 1, for_s: 2}]", "faults.0", "needs a sensor"),
        ("faults: [{kind: covered, sensor: imu, at_s: 1, for_s: 2}]", "faults.0", "camera or thermal"),
    ],
)
def test_broken_scenarios_are_refused_by_field(tmp_path: Path, extra: str, field: str, word: str) -> None:
    scenario = read_scenario(SCENARIOS / "depot_quiet.yaml")
    path = tmp_path / "broken.yaml"
    path.write_text(GOOD.format(world=scenario.world, site=scenario.site) + extra, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        read_scenario(path)
    assert "broken.yaml" in str(caught.value)
    assert caught.value.faults[0].field.startswith(field)
    assert word in str(caught.value)


def test_missing_files_and_naive_times_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lost.yaml"
    path.write_text(GOOD.format(world="nowhere.sdf", site="nowhere.geojson"), encoding="utf-8")
    with pytest.raises(BadInput, match="2 fault"):
        read_scenario(path)
    path.write_text(GOOD.format(world="w", site="s").replace("Z", ""), encoding="utf-8")
    with pytest.raises(BadInput, match="time zone"):
        read_scenario(path)


def test_the_suns_height_decides_whether_it_is_night() -> None:
    datum = read_site(SCENARIOS.parent.parent / "config/sites/depot.geojson").datum
    noon = Scenario.model_validate({"name": "n", "world": "w", "site": "s", "start": "2026-06-21T11:17:00Z"}).start_ns
    assert np.degrees(sun_elevation_rad(datum.latitude_deg, datum.longitude_deg, noon)) == pytest.approx(
        90.0 - 53.87 + 23.44, abs=0.6
    )
    assert not weather_at(Sky.CLEAR, datum, noon).night
    assert weather_at(Sky.CLEAR, datum, noon + 12 * 3_600_000_000_000).night


def test_faults_hold_for_their_time_and_sensor_only() -> None:
    faults = Faults(
        [FaultSpec(kind="silent", sensor="imu", at_s=2, for_s=3), FaultSpec(kind="noisy", sensor="odom", at_s=0, for_s=1, gain=7)]
    )
    assert [faults.is_silent("imu", now_s) for now_s in (1.9, 2.0, 4.9, 5.0)] == [False, True, True, False]
    assert not faults.is_silent("odom", 3.0)
    assert faults.noise_gain("odom", 0.5) == 7.0
    assert faults.noise_gain("odom", 1.5) == 1.0
