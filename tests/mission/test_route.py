# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from shapely.geometry import Point

from mission.mission_file import read_mission, read_missions
from mission.route import RouteConfig, RouteMissing, inset_ring, perimeter_route
from patrol.errors import BadInput
from patrol.site import Building
from tests.mission.places import depot, rectangle, room, room_stops


def test_the_inset_ring_keeps_its_distances_and_runs_counter_clockwise() -> None:
    site = replace(
        depot(), buildings=(Building(building_id="shed", name="Shed", outline=rectangle(-60, 0, -54, 8), height_m=3.0),)
    )
    ring = inset_ring(site, RouteConfig(inset_m=3.0, clear_m=1.5))
    assert ring.distance(site.perimeter.exterior) == pytest.approx(3.0, abs=1e-6)
    assert ring.distance(site.buildings[0].outline) == pytest.approx(1.5, abs=0.02)
    assert ring.is_ring
    assert ring.length > 2 * (114 + 74)


def test_stops_are_evenly_spaced_and_begin_at_the_dock() -> None:
    route = perimeter_route(depot(), RouteConfig(spacing_m=25.0))
    stops = [Point(stop.pose.x_m, stop.pose.y_m) for stop in route.waypoints]
    ring = inset_ring(depot(), RouteConfig())
    gaps = [(ring.project(b) - ring.project(a)) % ring.length for a, b in zip(stops, stops[1:] + stops[:1], strict=True)]
    assert gaps == pytest.approx([ring.length / len(stops)] * len(stops))
    dock = Point(-20.0, -34.0)
    assert stops[0].distance(dock) == min(stop.distance(dock) for stop in stops)
    assert len({stop.waypoint_id for stop in route.waypoints}) == len(stops)


def test_a_sites_own_waypoints_are_the_stops_in_their_order() -> None:
    site = room(waypoints=tuple(reversed(room_stops())))
    route = perimeter_route(site)
    assert [stop.waypoint_id for stop in route.waypoints] == ["A", "B", "C"]
    assert route.waypoints[2].dwell_s == 1.0


def test_a_site_without_room_has_no_route() -> None:
    with pytest.raises(RouteMissing, match="nothing is left"):
        perimeter_route(room(), RouteConfig(inset_m=9.0))


def write(folder: Path, text: str) -> Path:
    path = folder / "night.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_mission_file_becomes_a_mission(tmp_path: Path) -> None:
    text = "name: Night\nroute: [C, A]\nlaps: 3\nspeed_mps: 0.9\ndwell_s: 4\nleg_deadline_factor: 2.5\nthen: stay\n"
    mission = read_mission(write(tmp_path, text), room(waypoints=room_stops()))
    assert (mission.mission_id, mission.name, mission.laps) == ("night", "Night", 3)
    assert [(stop.waypoint_id, stop.dwell_s) for stop in mission.route.waypoints] == [("C", 4.0), ("A", 4.0)]
    assert (mission.speed_mps, mission.leg_deadline_factor, mission.docks_after) == (0.9, 2.5, False)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("name: N\nroute: [A, Z, Y]\n", "route.1"),
        ("name: N\nroute: []\n", "route"),
        ("name: N\nroute: everywhere\n", "route"),
        ("name: N\nlap: 2\n", "lap"),
        ("name: N\nlaps: 0\n", "laps"),
        ("name: N\nspeed_mps: .nan\n", "speed_mps"),
        ("name: N\ninset: {inset_m: 50}\n", "route"),
        ("laps: 1\n", "name"),
        ("name: [\n", "line"),
    ],
)
def test_a_bad_mission_file_is_refused_whole_and_names_the_field(tmp_path: Path, text: str, field: str) -> None:
    site = room() if "inset" in text else room(waypoints=room_stops())
    with pytest.raises(BadInput) as refused:
        read_mission(write(tmp_path, text), site)
    assert any(fault.field.startswith(field) for fault in refused.value.faults)


def test_every_unknown_waypoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        read_mission(write(tmp_path, "name: N\nroute: [A, Z, Y]\n"), room(waypoints=room_stops()))
    assert [fault.value for fault in refused.value.faults] == ["Z", "Y"]


def test_the_shipped_missions_fit_any_site() -> None:
    missions = read_missions(Path(__file__).parents[2] / "config" / "missions", depot())
    assert "perimeter" in [mission.mission_id for mission in missions]
    assert all(mission.route.waypoints for mission in missions)
