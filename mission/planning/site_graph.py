# SPDX-License-Identifier: Apache-2.0
"""The patrol graph of a site: what must be visited, and the ways between that keep clear of walls, buildings and keep-outs.

Vertices are the waypoints of the site file, stops along the inside of the perimeter, the inside of each gate, and stops along
each corridor. Ways are shortest paths at any angle through free ground: a visibility graph over the vertices and the corners of
what stands in the way (Lozano-Pérez and Wesley, 1979). A way that another vertex lies on, or nearly, is left out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from pydantic import Field
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from mission.planning.graph import PatrolGraph
from mission.route import RouteConfig, RouteMissing, inset_ring, standing_on
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
    ``detour``: a way is left out when going by another vertex is no longer than this times it."""

    clear_m: float = Field(default=0.6, gt=0)
    ring: RouteConfig = RouteConfig()
    corridor_spacing_m: float = Field(default=12.0, gt=0)
    apart_m: float = Field(default=8.0, ge=0)
    detour: float = Field(default=1.02, ge=1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SiteGraph:
    """The graph, and for each of its edges the way (n, 2) m in map from the lower vertex to the higher."""

    graph: PatrolGraph
    ways_m: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    x_m: float
    y_m: float


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
    by_name = {stop.waypoint_id: _Place(stop.waypoint_id, stop.pose.x_m, stop.pose.y_m) for stop in stops}
    outside = [name for name, place in by_name.items() if not free.buffer(0.05).covers(Point(place.x_m, place.y_m))]
    if outside:
        raise PlaceUnreachable(f"site {site.site_id}: no robot can stand at {', '.join(outside[:8])}")
    return _joined(site, list(by_name.values()), free, config)


def _joined(site: Site, places: list[_Place], free: BaseGeometry, config: SiteGraphConfig) -> SiteGraph:
    """The graph of ``places`` with the ways between them."""
    points = np.array([(place.x_m, place.y_m) for place in places])
    corners = _corners(free)
    lengths_m, before = _shortest(np.vstack((points, corners)), len(places), free)
    _refuse_cut_off(site, places, lengths_m)
    edges = _needed(lengths_m[:, : len(places)], config.detour)
    everything = np.vstack((points, corners))
    graph = PatrolGraph(
        name=site.site_id,
        vertex_names=tuple(place.name for place in places),
        points_m=points,
        edges=np.array(edges, dtype=np.int64).reshape(-1, 2),
        lengths_m=np.array([lengths_m[low, high] for low, high in edges]),
    )
    return SiteGraph(graph=graph, ways_m=tuple(everything[_back(before, low, high)] for low, high in edges))


def _free_ground(site: Site, config: SiteGraphConfig) -> BaseGeometry:
    """Where a robot may be: as clear of everything as the tightest waypoint allows."""
    blocked = unary_union(standing_on(site))
    posts = [Point(waypoint.pose.x_m, waypoint.pose.y_m) for waypoint in site.waypoints]
    for share in (1.0, 0.5, 0.1):
        clear_m = share * config.clear_m
        free = site.perimeter.buffer(-clear_m).difference(blocked.buffer(clear_m))
        if all(free.covers(post) for post in posts):
            return free
    tight = next(waypoint for waypoint, post in zip(site.waypoints, posts, strict=True) if not free.covers(post))
    raise PlaceUnreachable(f"site {site.site_id}: waypoint {tight.waypoint_id} stands closer than {clear_m:.2f} m to a wall")


def _places(site: Site, config: SiteGraphConfig, free: BaseGeometry) -> list[_Place]:
    """Waypoints first, then what else is to be visited and not near one of those already there."""
    places = [
        _Place(one.waypoint_id, one.pose.x_m, one.pose.y_m)
        for one in sorted(site.waypoints, key=lambda one: (one.order, one.waypoint_id))
    ]
    for place in itertools.chain(_gates(site, free), _corridors(site, config), _perimeter(site, config)):
        near = any(math.hypot(place.x_m - other.x_m, place.y_m - other.y_m) < config.apart_m for other in places)
        if not near and free.covers(Point(place.x_m, place.y_m)):
            places.append(place)
    if not places:
        raise RouteMissing(f"site {site.site_id}: there is no place to visit")
    return places


def _gates(site: Site, free: BaseGeometry) -> list[_Place]:
    """The free place nearest to the middle of each gate."""
    places = []
    for gate in site.gates:
        nearest = shapely.shortest_line(gate.line.centroid, free.buffer(-0.01))
        if nearest is not None:
            places.append(_Place(gate.gate_id, *nearest.coords[-1]))
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
        places += [_Place(f"{zone.zone_id}_{index + 1}", *middle.interpolate(at).coords[0]) for index, at in enumerate(along)]
    return places


def _perimeter(site: Site, config: SiteGraphConfig) -> list[_Place]:
    ring = inset_ring(site, config.ring)
    count = max(3, round(ring.length / config.ring.spacing_m))
    stops = (ring.interpolate(ring.length * index / count) for index in range(count))
    return [_Place(f"P{index + 1:02d}", stop.x, stop.y) for index, stop in enumerate(stops)]


def _corners(free: BaseGeometry) -> Floats:
    """Corners (n, 2) m of the free ground that a shortest way may turn at, rounded ones thinned."""
    parts = shapely.get_parts(free.simplify(0.05))
    rings = [ring for part in parts if isinstance(part, Polygon) for ring in (part.exterior, *part.interiors)]
    corners = [np.array(ring.coords[:-1]) for ring in rings]
    return np.vstack(corners) if corners else np.zeros((0, 2))


def _shortest(points: Floats, places: int, free: BaseGeometry) -> tuple[Floats, np.ndarray[tuple[int, int], np.dtype[np.int32]]]:
    """Lengths (places, n) m of the shortest ways from each place, and the last point but one of each."""
    first, second = np.triu_indices(len(points), 1)
    lines = shapely.linestrings(np.stack((points[first], points[second]), axis=1))
    roomy = free.buffer(0.06)
    shapely.prepare(roomy)
    seen = shapely.covers(roomy, lines)
    first, second = first[seen], second[seen]
    length = np.maximum(np.hypot(*(points[first] - points[second]).T), 1e-6)
    weights = csr_array((length, (first, second)), shape=(len(points), len(points)))
    reached, before = dijkstra(weights, directed=False, indices=np.arange(places), return_predecessors=True)
    return np.asarray(reached), before


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
