# SPDX-License-Identifier: Apache-2.0
"""The shipped worlds: they are what the builder writes, they match their site files, and a robot can drive its round."""

from __future__ import annotations

import math
from collections import deque
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from shapely.geometry import LineString, Point, Polygon
from shapely.ops import unary_union

from patrol.site import Site
from patrol.site_file import read_site
from sim.scene import static_label
from sim.sdf import Collision, World, read_world
from sim.world_builder import LAYOUTS, outputs, site_path, world_path
from sim.world_builder_drawn import drawn_models
from sim.world_builder_model import COLOURS, Part, to_sdf

NAMES = tuple(LAYOUTS)
CELL_M = 0.25
CLEARANCE_M = 0.55


@pytest.fixture(scope="module", params=NAMES)
def shipped(request: pytest.FixtureRequest) -> tuple[str, Site, World]:
    name: str = request.param
    return name, read_site(site_path(name)), read_world(world_path(name))


def footprint(collision: Collision) -> Polygon | None:
    """Outline in map of what stands in the robot's way, between 0.1 m and 1.1 m above the ground."""
    shape, pose = collision.shape, collision.world_from_shape
    if shape.kind == "plane":
        return None
    half = {
        "box": lambda size: (size[0] / 2, size[1] / 2, size[2] / 2),
        "cylinder": lambda size: (size[0], size[0], size[1] / 2),
        "sphere": lambda size: (size[0], size[0], size[0]),
    }[shape.kind](shape.size_m)
    signs = np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T
    corners = pose.apply(signs * half)
    if corners[:, 2].max() < 0.1 or corners[:, 2].min() > 1.1:
        return None
    outline = LineString(corners[:, :2]).convex_hull
    return outline if isinstance(outline, Polygon) else None


def blocked_by(world: World) -> list[Polygon]:
    return [outline for collision in world.collisions if (outline := footprint(collision)) is not None]


def test_committed_files_are_what_the_builder_writes() -> None:
    written = dict(outputs())
    assert len(written) == 2 * len(NAMES)
    for path, text in written.items():
        assert path.read_text("utf-8") == text, f"{path.name} is stale: run python -m sim.world_builder"


def test_visuals_are_named_by_a_known_surface(shipped: tuple[str, Site, World]) -> None:
    _, _, world = shipped
    assert {visual.surface for visual in world.visuals} <= set(COLOURS)
    assert len(world.suns) == 1
    assert world.suns[0].direction[2] < 0
    assert any(collision.shape.kind == "plane" for collision in world.collisions)


def test_every_building_of_the_site_stands_in_the_world(shipped: tuple[str, Site, World]) -> None:
    _, site, world = shipped
    solid = unary_union(blocked_by(world))
    for building in site.buildings:
        covered = building.outline.intersection(solid).area / building.outline.area
        assert covered > 0.8, building.building_id


def test_what_the_robot_must_know_stands_free(shipped: tuple[str, Site, World]) -> None:
    _, site, world = shipped
    solid = unary_union(blocked_by(world))
    for waypoint in site.waypoints:
        place = Point(waypoint.pose.x_m, waypoint.pose.y_m)
        assert solid.distance(place) > 1.0, waypoint.waypoint_id
    dock = site.docks[0].pose
    ahead = dock.apply([[0.0, 0.0], [3.0, 0.0]])
    assert LineString(ahead).distance(solid) > CLEARANCE_M
    assert 0.6 < solid.distance(Point(dock.x_m, dock.y_m)) < 1.0, "the charging post stands right behind the dock"


def test_the_round_can_be_driven(shipped: tuple[str, Site, World]) -> None:
    name, site, world = shipped
    west, south, east, north = site.perimeter.bounds
    cell = CELL_M if name != "border" else 2 * CELL_M
    free = np.ones((math.ceil((north - south) / cell), math.ceil((east - west) / cell)), dtype=np.bool_)
    xs = west + (np.arange(free.shape[1]) + 0.5) * cell
    ys = south + (np.arange(free.shape[0]) + 0.5) * cell
    outlines = [outline.buffer(CLEARANCE_M) for outline in blocked_by(world)]
    outlines += [area.outline.buffer(CLEARANCE_M) for area in site.keep_outs]
    for outline in outlines:
        _mark(free, xs, ys, outline)
    dock = site.docks[0].pose
    start = (int((dock.y_m - south) / cell), int((dock.x_m + 0.5 - west) / cell))
    reached = _flood(free, start)
    for waypoint in site.waypoints:
        row, column = int((waypoint.pose.y_m - south) / cell), int((waypoint.pose.x_m - west) / cell)
        assert reached[row, column], f"{waypoint.waypoint_id} can not be reached from the dock"


def _mark(free: npt.NDArray[np.bool_], xs: npt.NDArray[np.floating], ys: npt.NDArray[np.floating], outline: Polygon) -> None:
    x0, y0, x1, y1 = outline.bounds
    columns, rows = np.flatnonzero((xs >= x0) & (xs <= x1)), np.flatnonzero((ys >= y0) & (ys <= y1))
    for row in rows:
        for column in columns:
            if free[row, column] and outline.contains(Point(xs[column], ys[row])):
                free[row, column] = False


def _flood(free: npt.NDArray[np.bool_], start: tuple[int, int]) -> npt.NDArray[np.bool_]:
    reached = np.zeros_like(free)
    reached[start] = free[start]
    queue = deque([start])
    while queue:
        row, column = queue.popleft()
        for near in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            inside = 0 <= near[0] < free.shape[0] and 0 <= near[1] < free.shape[1]
            if inside and free[near] and not reached[near]:
                reached[near] = True
                queue.append(near)
    return reached


def test_the_lidar_has_something_to_hold_on_to(shipped: tuple[str, Site, World]) -> None:
    """Within 40 m of every waypoint, things stand in at least three of four quarters, or in both directions of a wall."""
    _, site, world = shipped
    outlines = blocked_by(world)
    for waypoint in site.waypoints:
        place = Point(waypoint.pose.x_m, waypoint.pose.y_m)
        near = [outline for outline in outlines if outline.distance(place) < 40.0]
        bearings = [math.atan2(o.centroid.y - place.y, o.centroid.x - place.x) for o in near]
        quarters = {math.floor(bearing / (math.pi / 2)) for bearing in bearings}
        assert len(near) >= 5, waypoint.waypoint_id
        assert len(quarters) >= 3, waypoint.waypoint_id


def test_depot_fence_runs_along_the_perimeter() -> None:
    site, world = read_site(site_path("depot")), read_world(world_path("depot"))
    edge = site.perimeter.exterior
    panels = [o for c in world.collisions if c.surface == "fence" and (o := footprint(c)) is not None]
    assert unary_union([panel.buffer(0.1) for panel in panels]).contains(edge.simplify(0.01))
    assert max(edge.distance(panel) for panel in panels) < 0.05
    np.testing.assert_allclose(site.perimeter.bounds, (-60, -40, 60, 40), atol=1e-3)
    assert edge.length == pytest.approx(400.0, abs=1e-2)
    for gate in site.gates:
        assert gate.line.distance(edge) < 1e-3
        assert gate.open_hours is not None


def test_depot_has_what_a_patrol_needs() -> None:
    site = read_site(site_path("depot"))
    stops = [waypoint.pose for waypoint in site.waypoints]
    lap_m = sum(a.distance_to(b) for a, b in zip(stops, stops[1:] + stops[:1], strict=True))
    assert 8 <= len(stops) <= 14
    assert 250 < lap_m < 400
    assert {zone.purpose.value for zone in site.zones} >= {"restricted", "work", "public"}
    assert site.privacy_areas
    assert site.slow_areas
    assert site.keep_outs
    assert site.docks
    strip = next(zone for zone in site.zones if zone.zone_id == "north_strip")
    assert strip.contains(0.0, 37.0)
    assert strip.is_active(0)


def test_prison_has_a_sterile_strip_all_round_and_an_indoor_corridor() -> None:
    site, world = read_site(site_path("prison")), read_world(world_path("prison"))
    sterile = unary_union([zone.outline for zone in site.zones if zone.purpose == "sterile"]).buffer(0.01)
    ring = Polygon([(-67, -47), (67, -47), (67, 47), (-67, 47)]).exterior
    assert sterile.contains(ring)
    corridor = next(zone for zone in site.zones if zone.purpose == "corridor")
    lane = LineString([(-52, 21), (-8, 21)])
    assert corridor.outline.buffer(2.6).contains(lane)
    assert unary_union(blocked_by(world)).distance(lane) > 1.2
    overhead = [c for c in world.collisions if c.world_from_shape.translation_m[2] > 3 and c.surface == "concrete"]
    assert any(abs(c.world_from_shape.translation_m[1] - 21.0) < 0.1 for c in overhead), "the corridor has a ceiling"
    assert sum("tower" in c.name for c in world.collisions) >= 4


def test_border_is_a_kilometre_long() -> None:
    site = read_site(site_path("border"))
    west, _, east, _ = site.perimeter.bounds
    assert east - west == pytest.approx(1000.0, abs=0.1)
    assert max(abs(waypoint.pose.x_m) for waypoint in site.waypoints) > 450


def test_drawn_worlds_are_seeded_and_each_is_another(tmp_path: Path) -> None:
    texts = [to_sdf("drawn", drawn_models(np.random.default_rng(seed))) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    for text in texts[1:]:
        (tmp_path / "drawn.sdf").write_text(text, "utf-8")
        world = read_world(tmp_path / "drawn.sdf")
        assert len(blocked_by(world)) > 60
        models = {visual.name.split("/")[0] for visual in world.visuals}
        assert sum(static_label(model) is not None for model in models) >= 2
        assert sum(model.startswith("upright_") for model in models) >= 14
        assert len({visual.diffuse for visual in world.visuals}) > 40


def test_things_of_a_drawn_world_stand_beside_each_other() -> None:
    shares = []
    for seed in range(5):
        standing = [model for model in drawn_models(np.random.default_rng(seed)) if model.name.startswith(("car_", "upright_"))]
        places = np.array([(model.x_m, model.y_m) for model in standing])
        gaps = np.linalg.norm(places[:, None] - places[None, :], axis=2)[np.triu_indices(len(places), 1)]
        shares.append(float((gaps < 1.4).mean()))
    assert max(shares) < 0.01


def test_builder_refuses_what_could_not_be_read_back() -> None:
    models = LAYOUTS["depot"].models()
    with pytest.raises(ValueError, match="stands twice"):
        to_sdf("twice", [models[0], models[0]])
    with pytest.raises(ValueError, match="no size of a sphere"):
        Part(surface="metal", shape="sphere", size_m=(1.0, 2.0), at_m=(0, 0, 0))
