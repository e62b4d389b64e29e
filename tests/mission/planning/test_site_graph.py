# SPDX-License-Identifier: Apache-2.0
"""The graph of a site: what it visits, and that no way leads through what a robot can not pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString

from app.paths import SITES
from mission.planning.graph import Closure
from mission.planning.site_graph import PlaceUnreachable, SiteGraph, SiteGraphConfig, site_graph
from mission.route import RouteMissing
from patrol.geometry import Pose2
from patrol.site import Building, Gate, KeepOut, Purpose, Site, Waypoint, Zone
from patrol.site_file import read_site
from tests.mission.places import depot, rectangle


def waypoint(name: str, x_m: float, y_m: float, order: int = 0) -> Waypoint:
    return Waypoint(waypoint_id=name, name=name, pose=Pose2(x_m, y_m, 0.0), order=order)


def check_ways(site: Site, made: SiteGraph, within_m: float = 0.12) -> None:
    """Every way begins and ends at its places, is as long as it says, and stays inside and out of everything."""
    corridors = shapely.union_all([zone.outline for zone in site.zones if zone.purpose is Purpose.CORRIDOR])
    solid = [one.outline.difference(corridors) for one in site.buildings] + [one.outline for one in site.keep_outs]
    inner = shapely.union_all(solid).buffer(-within_m)
    for edge, length_m, way in zip(made.graph.edges, made.graph.lengths_m, made.ways_m, strict=True):
        line = LineString(way)
        assert way[[0, -1]].tolist() == made.graph.points_m[edge].tolist()
        assert line.length == pytest.approx(length_m)
        assert site.perimeter.covers(line)
        assert not line.intersects(inner)


def test_ways_go_round_buildings_and_keep_outs() -> None:
    site = depot(waypoints=(waypoint("west", -40.0, 0.0), waypoint("east", 0.0, 0.0)))
    made = site_graph(site)
    check_ways(site, made)
    distance_m = Closure.of(made.graph).distances_m[0, 1]
    assert distance_m > 40.0 + 5.0, "the hall stands between"
    assert distance_m < 70.0


def test_everything_that_is_to_be_visited_is_a_place() -> None:
    gate = Gate(gate_id="gate", name="Gate", line=LineString([(-60.0, -10.0), (-60.0, -4.0)]))
    site = replace(depot(waypoints=(waypoint("post", 45.0, 30.0),)), gates=(gate,))
    made = site_graph(site)
    names = made.graph.vertex_names
    assert names[0] == "post"
    assert "gate" in names
    perimeter = [made.graph.points_m[index] for index, name in enumerate(names) if name.startswith("P")]
    assert len(perimeter) >= 10
    assert max(float(site.perimeter.exterior.distance(shapely.Point(point))) for point in perimeter) < 4.0
    assert np.hypot(*(made.graph.points_m[names.index("gate")] - (-60.0, -7.0))) < 1.0


def test_places_near_one_another_are_one() -> None:
    made = site_graph(depot(waypoints=(waypoint("post", 45.0, 30.0),)), SiteGraphConfig(apart_m=8.0))
    points = made.graph.points_m
    apart = np.hypot(*(points[:, None] - points[None, :]).transpose(2, 0, 1))
    assert apart[np.triu_indices(len(points), 1)].min() >= 8.0


def test_a_corridor_leads_through_its_building() -> None:
    block = Building(building_id="block", name="Block", outline=rectangle(-30.0, -39.9, 30.0, 39.9), height_m=5.0)
    corridor = Zone(zone_id="hallway", name="Hallway", purpose=Purpose.CORRIDOR, outline=rectangle(-30.0, -2.0, 30.0, 2.0))
    site = replace(
        depot(waypoints=(waypoint("west", -50.0, 0.0), waypoint("east", 50.0, 0.0))),
        buildings=(block,),
        keep_outs=(),
        zones=(corridor,),
    )
    made = site_graph(site)
    check_ways(site, made)
    assert sum(name.startswith("hallway") for name in made.graph.vertex_names) >= 3
    assert Closure.of(made.graph).distances_m[0, 1] == pytest.approx(100.0, rel=0.01)
    with pytest.raises(PlaceUnreachable, match="no way leads from east to west"):
        site_graph(replace(site, zones=()))


def test_a_waypoint_in_a_wall_is_named() -> None:
    site = depot(waypoints=(waypoint("inside", -20.0, 0.0),))
    with pytest.raises(PlaceUnreachable, match="waypoint inside stands closer"):
        site_graph(site)


def test_a_narrow_yard_is_passed_with_less_room() -> None:
    wall = KeepOut(keep_out_id="wall", name="Wall", outline=rectangle(-60.0, -1.0, 58.9, 1.0))
    ends = (waypoint("south", 0.0, -20.0, 0), waypoint("gap", 59.5, 0.0, 1), waypoint("north", 0.0, 20.0, 2))
    site = replace(depot(waypoints=ends), buildings=(), keep_outs=(wall,))
    made = site_graph(site)
    check_ways(site, made)
    assert Closure.of(made.graph).distances_m[0, 2] > 100.0


@pytest.mark.parametrize("name", ["depot", "prison", "border"])
def test_the_shipped_sites_have_graphs_that_stay_clear(name: str) -> None:
    site = read_site(SITES / f"{name}.geojson")
    made = site_graph(site)
    check_ways(site, made)
    assert {one.waypoint_id for one in site.waypoints} <= set(made.graph.vertex_names)
    assert made.graph.parts().max() == 0


def test_places_of_the_site_file_keep_their_names_and_no_name_stands_twice() -> None:
    hall = Zone(zone_id="hall", name="Hall", purpose=Purpose.CORRIDOR, outline=rectangle(-4.0, -30.0, 0.0, 10.0))
    own = (waypoint("P01", 45.0, 30.0), waypoint("P02", 0.0, 20.0), waypoint("hall_1", 45.0, -30.0))
    names = site_graph(replace(depot(waypoints=own), zones=(hall,))).graph.vertex_names
    assert names[:3] == ("P01", "P02", "hall_1")
    assert {"hall_1_2", "P01_2"} <= set(names)
    assert len(set(names)) == len(names)


def test_an_alley_too_narrow_for_a_round_along_its_fence_is_patrolled_at_its_waypoints() -> None:
    site = replace(depot(), perimeter=rectangle(0.0, 0.0, 60.0, 5.0), buildings=(), keep_outs=(), docks=())
    made = site_graph(replace(site, waypoints=(waypoint("west", 5.0, 2.5), waypoint("east", 55.0, 2.5))))
    assert made.graph.vertex_names == ("east", "west")
    assert made.graph.lengths_m == pytest.approx([50.0])
    with pytest.raises(RouteMissing, match="nothing is left"):
        site_graph(site)
