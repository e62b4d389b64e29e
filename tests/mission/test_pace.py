# SPDX-License-Identifier: Apache-2.0
"""How long ways take: as the robot's planner would drive them, and never through what the site file says is closed."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from shapely.geometry import LineString

from mission.duties import promise_of
from mission.mission_file import read_mission
from mission.pace import Pace, PaceConfig, WayMissing
from mission.planning.site_graph import site_graph
from mission.route import perimeter_route
from patrol.geometry import Pose2
from patrol.operations import Mission
from patrol.site import Fence, SlowArea
from patrol.site_file import read_site
from tests.mission.places import rectangle, room, room_stops

PLAIN = PaceConfig(hindrance=1.0)
SITE = room(waypoints=room_stops())
SITES = Path(__file__).parents[2] / "config" / "sites"


def test_a_straight_way_takes_its_length_and_a_standing_start() -> None:
    way = Pace(SITE, PLAIN).way(Pose2(4.0, 3.2, 0.0), Pose2(20.0, 3.2, 0.0), 1.0)
    assert way.length_m == pytest.approx(16.0, abs=0.3)
    assert way.drive_s == pytest.approx(16.0 + 0.5 / 0.8 + 0.5 / 1.2, abs=0.5)
    assert way.begins_rad == pytest.approx(0.0, abs=0.2)


def test_slow_areas_and_hindrance_cost_time() -> None:
    slow = replace(SITE, slow_areas=(SlowArea(slow_id="s", name="S", outline=rectangle(8, 0, 16, 6), limit_mps=0.5),))
    ends = Pose2(4.0, 3.2, 0.0), Pose2(20.0, 3.2, 0.0)
    plain = Pace(SITE, PLAIN).way(*ends, 1.0).drive_s
    assert Pace(slow, PLAIN).way(*ends, 1.0).drive_s > plain + 5.0
    assert Pace(SITE, PaceConfig(hindrance=1.5)).way(*ends, 1.0).drive_s > 1.4 * plain


def test_a_turn_takes_as_long_either_way_round() -> None:
    pace = Pace(SITE)
    assert pace.turn_s(0.0) == 0.0
    assert pace.turn_s(math.pi / 2) == pytest.approx(pace.turn_s(-math.pi / 2))
    assert pace.turn_s(1.5 * math.pi) == pytest.approx(pace.turn_s(math.pi / 2))


def test_a_round_promises_a_lap(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("name: M\nspeed_mps: 1.0\n", "utf-8")
    pace = Pace(SITE)
    mission = read_mission(path, SITE)
    promise = promise_of(path, mission, SITE, pace=pace)
    stops = mission.route.waypoints
    least_s = sum(stops[index - 1].pose.distance_to(stop.pose) + stop.dwell_s for index, stop in enumerate(stops))
    assert least_s < promise.worst_idleness_s == pace.lap_s(mission) < 2.0 * least_s
    assert (promise.mode, promise.capture) == ("round", None)


def test_a_fence_without_a_gap_leaves_no_way() -> None:
    closed = replace(SITE, fences=(Fence(fence_id="f", name="F", line=LineString([(12.0, 0.0), (12.0, 16.0)])),), buildings=())
    with pytest.raises(WayMissing, match="no free way"):
        Pace(closed).way(Pose2(4.0, 3.2, 0.0), Pose2(20.0, 3.2, 0.0), 1.0)
    mission = Mission(mission_id="m", name="M", route=perimeter_route(closed))
    with pytest.raises(WayMissing):
        Pace(closed).lap_s(mission)


def test_the_prisons_ways_lead_through_the_gate_of_its_inner_fence_and_through_the_corridor() -> None:
    prison = read_site(SITES / "prison.geojson")
    graph = site_graph(prison)
    fence = prison.fences[0].line
    for edge, way in zip(graph.graph.edges, graph.ways_m, strict=True):
        assert not LineString(way).crosses(fence), edge
    at = {one.waypoint_id: one.pose for one in prison.waypoints}
    pace = Pace(prison, PLAIN)
    around = pace.way(at["wp_south_strip"], at["wp_yard"], 1.2).length_m
    assert around > 1.5 * at["wp_south_strip"].distance_to(at["wp_yard"]), "the fence is in the straight way"
    inside = pace.way(at["wp_block_a_west_door"], at["wp_block_a_corridor"], 1.2).length_m
    assert inside < 1.1 * at["wp_block_a_west_door"].distance_to(at["wp_block_a_corridor"])
