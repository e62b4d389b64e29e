# SPDX-License-Identifier: Apache-2.0
"""The patrol graph of a site: what must be visited, and the ways between that keep clear of walls, buildings and keep-outs.

Vertices are the waypoints of the site file, stops along the inside of the perimeter, the inside of each gate, and stops along
each corridor, on every floor that a lift leads to. Ways are shortest paths at any angle through free ground: a visibility graph
over the vertices and the corners of what stands in the way (Lozano-Pérez and Wesley, 1979). A way that another vertex lies on,
or nearly, is left out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from pydantic import Field
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from mission.cabin import cabins_of
from mission.planning.graph import Ints, PatrolGraph
from mission.route import RouteConfig, RouteMissing, inset_ring, standing_on, upper_ground
from patrol.checks import Floats
from patrol.config import Config
from patrol.errors import PatrolError
from patrol.operations import RouteWaypoint
from patrol.site import Purpose, Site


class PlaceUnreachable(PatrolError):
    """A place that the site wants visited lies where no robot can go, or where no way leads."""


class SiteGraphConfig(Config):
    """``clear_m``: kept from walls and buildings, where there is room for it; ``ring``: how the perimeter is followed;
    ``corridor_spacing_m``: between stops along a corridor; ``apart_m``: places nearer to one another than this are one;
    ``detour``: a way is left out when going by another vertex is no longer than this times it; ``lift_mps``: what a second of
    waiting for a lift and riding counts as, so that ways by lift have a length."""

    clear_m: float = Field(default=0.6, gt=0)
    ring: RouteConfig = RouteConfig()
    corridor_spacing_m: float = Field(default=12.0, gt=0)
    apart_m: float = Field(default=8.0, ge=0)
    detour: float = Field(default=1.02, ge=1.0)
    lift_mps: float = Field(default=1.0, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SiteGraph:
    """The graph, for each of its edges the way (n, 2) m in map from the lower vertex to the higher, and the floor of each
    vertex."""

    graph: PatrolGraph
    ways_m: tuple[Floats, ...]
    floors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    x_m: float
    y_m: float
    floor: int = 0


Free = Mapping[int, BaseGeometry]


def site_graph(site: Site, config: SiteGraphConfig | None = None) -> SiteGraph:
    """The patrol graph of ``site``. Raises PlaceUnreachable, which names it, for a place that can not be reached, and
    RouteMissing for a site that leaves no room."""
    config = config or SiteGraphConfig()
    free = _free_ground(site, config)
    return _joined(site, _places(site, config, free), free, config)


def stops_graph(site: Site, stops: Sequence[RouteWaypoint], config: SiteGraphConfig | None = None) -> SiteGraph:
    """The graph of the given stops alone, in their order, each once. Raises PlaceUnreachable for one that can not be reached."""
    config = config or SiteGraphConfig()
    free = _free_ground(site, config)
    by_name = {stop.waypoint_id: _Place(stop.waypoint_id, stop.pose.x_m, stop.pose.y_m, stop.floor) for stop in stops}
    outside = [name for name, place in by_name.items() if not _is_free(free, place, slack_m=0.05)]
    if outside:
        raise PlaceUnreachable(f"site {site.site_id}: no robot can stand at {', '.join(outside[:8])}")
    return _joined(site, list(by_name.values()), free, config)


def _joined(site: Site, places: list[_Place], free: Free, config: SiteGraphConfig) -> SiteGraph:
    """The graph of ``places`` with the ways between them."""
    ground = _Ground.of(site, places, free, config)
    points = ground.points_m[: len(places)]
    lengths_m, before = ground.shortest(len(places))
    _refuse_cut_off(site, places, lengths_m)
    edges = _needed(lengths_m[:, : len(places)], config.detour)
    graph = PatrolGraph(
        name=site.site_id,
        vertex_names=tuple(place.name for place in places),
        points_m=points,
        edges=np.array(edges, dtype=np.int64).reshape(-1, 2),
        lengths_m=np.array([lengths_m[low, high] for low, high in edges]),
    )
    ways_m = tuple(ground.points_m[_back(before, low, high)] for low, high in edges)
    return SiteGraph(graph=graph, ways_m=ways_m, floors=tuple(place.floor for place in places))


def _free_ground(site: Site, config: SiteGraphConfig) -> Free:
    """Where a robot may be on each floor."""
    levels = {0} | {floor.level for floor in site.floors}
    return {level: _free_floor(site, level, config) for level in sorted(levels)}


def _is_free(free: Free, place: _Place, *, slack_m: float = 0.0) -> bool:
    return place.floor in free and bool(free[place.floor].buffer(slack_m).covers(Point(place.x_m, place.y_m)))


def _free_floor(site: Site, level: int, config: SiteGraphConfig) -> BaseGeometry:
    """Where a robot may be on one floor: as clear of everything as the tightest waypoint allows."""
    if level:
        return site.perimeter.intersection(upper_ground(site, level)).buffer(-config.clear_m)
    blocked = unary_union(standing_on(site))
    waypoints = [waypoint for waypoint in site.waypoints if waypoint.floor == level]
    posts = [Point(waypoint.pose.x_m, waypoint.pose.y_m) for waypoint in waypoints]
    for share in (1.0, 0.5, 0.1):
        clear_m = share * config.clear_m
        free = site.perimeter.buffer(-clear_m).difference(blocked.buffer(clear_m))
        if all(free.covers(post) for post in posts):
            return free
    tight = next(waypoint for waypoint, post in zip(waypoints, posts, strict=True) if not free.covers(post))
    raise PlaceUnreachable(f"site {site.site_id}: waypoint {tight.waypoint_id} stands closer than {clear_m:.2f} m to a wall")


def _places(site: Site, config: SiteGraphConfig, free: Free) -> list[_Place]:
    """Waypoints first, then what else is to be visited and not near one of those already there."""
    places = [
        _Place(one.waypoint_id, one.pose.x_m, one.pose.y_m, one.floor)
        for one in sorted(site.waypoints, key=lambda one: (one.order, one.waypoint_id))
    ]
    for place in itertools.chain(_gates(site, free[0]), _corridors(site, config), _perimeter(site, config)):
        others = (other for other in places if other.floor == place.floor)
        near = any(math.hypot(place.x_m - other.x_m, place.y_m - other.y_m) < config.apart_m for other in others)
        if not near and _is_free(free, place):
            places.append(replace(place, name=_unused(place.name, places)))
    if not places:
        raise RouteMissing(f"site {site.site_id}: there is no place to visit")
    return places


def _unused(name: str, places: list[_Place]) -> str:
    """``name``, or with a number after it when a place of the site file is called that already."""
    taken = {place.name for place in places}
    others = (f"{name}_{number}" for number in itertools.count(2))
    return next(one for one in itertools.chain((name,), others) if one not in taken)


def _gates(site: Site, free: BaseGeometry) -> list[_Place]:
    """The free place nearest to the middle of each gate."""
    places = []
    for gate in site.gates:
        nearest = shapely.shortest_line(gate.line.centroid, free.buffer(-0.01))
        if nearest is not None:
            x_m, y_m = nearest.coords[-1]
            places.append(_Place(gate.gate_id, x_m, y_m))
    return places


def _corridors(site: Site, config: SiteGraphConfig) -> list[_Place]:
    """Stops along the long middle line of each corridor, half a width from its ends."""
    places = []
    for zone in site.zones:
        if zone.purpose is not Purpose.CORRIDOR:
            continue
        box = shapely.get_coordinates(zone.outline.minimum_rotated_rectangle)[:4]
        sides = [(box[index], box[(index + 1) % 4]) for index in range(4)]
        ends = sorted(sides, key=lambda side: float(np.hypot(*(side[1] - side[0]))))[:2]
        middle = LineString([end[0] * 0.5 + end[1] * 0.5 for end in ends])
        inset_m = min(0.5 * float(np.hypot(*(ends[0][1] - ends[0][0]))), 0.5 * middle.length)
        count = max(1, round((middle.length - 2.0 * inset_m) / config.corridor_spacing_m) + 1)
        along = np.linspace(inset_m, middle.length - inset_m, count) if count > 1 else [0.5 * middle.length]
        stops = ((index, middle.interpolate(at)) for index, at in enumerate(along, start=1))
        places += [_Place(f"{zone.zone_id}_{index}", stop.x, stop.y, zone.floor) for index, stop in stops]
    return places


def _perimeter(site: Site, config: SiteGraphConfig) -> list[_Place]:
    """Stops along the inside of the perimeter; none on a site that is too narrow for them and has waypoints of its own."""
    try:
        ring = inset_ring(site, config.ring)
    except RouteMissing:
        if site.waypoints:
            return []
        raise
    count = max(3, round(ring.length / config.ring.spacing_m))
    stops = (ring.interpolate(ring.length * index / count) for index in range(count))
    return [_Place(f"P{index + 1:02d}", stop.x, stop.y) for index, stop in enumerate(stops)]


def _corners(free: BaseGeometry) -> Floats:
    """Corners (n, 2) m of the free ground that a shortest way may turn at, rounded ones thinned."""
    parts = shapely.get_parts(free.simplify(0.05))
    rings = [ring for part in parts if isinstance(part, Polygon) for ring in (part.exterior, *part.interiors)]
    corners = [np.array(ring.coords[:-1]) for ring in rings]
    return np.vstack(corners) if corners else np.zeros((0, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """Everything that ways lead by: ``points_m`` (n, 2) of the places first, then of corners and landings, each on one of
    ``floors`` (n,); ``rides`` join landings of one lift: two points and a length in m."""

    points_m: Floats
    floors: Ints
    rides: tuple[tuple[int, int, float], ...]
    free: Free

    @classmethod
    def of(cls, site: Site, places: list[_Place], free: Free, config: SiteGraphConfig) -> _Ground:
        at = [(place.x_m, place.y_m) for place in places]
        floors = [place.floor for place in places]
        for level, ground in free.items():
            corners = _corners(ground)
            at += [(float(x_m), float(y_m)) for x_m, y_m in corners]
            floors += [level] * len(corners)
        rides = []
        for cabin in cabins_of(site):
            landing = (cabin.landing.x_m, cabin.landing.y_m)
            served = [level for level in cabin.lift.levels if level in free and free[level].covers(Point(landing))]
            numbers = range(len(at), len(at) + len(served))
            at += [landing] * len(served)
            floors += served
            length_m = cabin.lift.usual_s * config.lift_mps
            rides += [(low, high, length_m) for low, high in itertools.combinations(numbers, 2)]
        return cls(points_m=np.array(at), floors=np.array(floors, dtype=np.int64), rides=tuple(rides), free=free)

    def shortest(self, places: int) -> tuple[Floats, np.ndarray[tuple[int, int], np.dtype[np.int32]]]:
        """Lengths (places, n) m of the shortest ways from each place, and the last point but one of each."""
        low, high = [np.array([ride[end] for ride in self.rides], dtype=np.int64) for end in (0, 1)]
        pairs, lengths = [np.column_stack((low, high))], [np.array([ride[2] for ride in self.rides])]
        for level, ground in self.free.items():
            on = np.flatnonzero(self.floors == level)
            seen = on[_in_sight(self.points_m[on], ground)]
            pairs.append(seen)
            lengths.append(np.maximum(np.hypot(*(self.points_m[seen[:, 0]] - self.points_m[seen[:, 1]]).T), 1e-6))
        first, second = np.vstack(pairs).T
        weights = csr_array((np.concatenate(lengths), (first, second)), shape=(len(self.floors), len(self.floors)))
        reached, before = dijkstra(weights, directed=False, indices=np.arange(places), return_predecessors=True)
        return np.asarray(reached), before


def _in_sight(points: Floats, free: BaseGeometry) -> Ints:
    """Pairs (m, 2) of the points (n, 2) m that see each other across free ground."""
    first, second = np.triu_indices(len(points), 1)
    lines = shapely.linestrings(np.stack((points[first], points[second]), axis=1))
    roomy = free.buffer(0.06)
    shapely.prepare(roomy)
    return np.column_stack((first, second))[shapely.covers(roomy, lines)]


def _refuse_cut_off(site: Site, places: list[_Place], lengths_m: Floats) -> None:
    cut_off = [place.name for index, place in enumerate(places) if not math.isfinite(lengths_m[0, index])]
    if cut_off:
        raise PlaceUnreachable(f"site {site.site_id}: no way leads from {places[0].name} to {', '.join(cut_off[:8])}")


def _needed(lengths_m: Floats, detour: float) -> list[tuple[int, int]]:
    """Pairs of places with no third that lies on the way, or nearly."""
    edges = []
    for low, high in itertools.combinations(range(len(lengths_m)), 2):
        through = lengths_m[low] + lengths_m[high]
        through[[low, high]] = np.inf
        nearer = np.maximum(lengths_m[low], lengths_m[high]) < lengths_m[low, high]
        if not (nearer & (through <= detour * lengths_m[low, high])).any():
            edges.append((low, high))
    return edges


def _back(before: np.ndarray[tuple[int, int], np.dtype[np.int32]], low: int, high: int) -> list[int]:
    """The points of the way from place ``low`` to place ``high``."""
    way = [high]
    while way[-1] != low:
        way.append(int(before[low, way[-1]]))
    return way[::-1]
