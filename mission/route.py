# SPDX-License-Identifier: Apache-2.0
"""From a site to a patrol route: the perimeter polygon, inset and kept clear of what stands inside it, and its stops."""

from __future__ import annotations

import math

from pydantic import Field
from shapely import get_parts
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from patrol.config import Config
from patrol.errors import PatrolError
from patrol.geometry import Pose2
from patrol.operations import Route, RouteWaypoint
from patrol.site import Purpose, Site, Waypoint

_FENCE_HALF_M = 0.1
"""Half of how thick a fence is drawn."""
_SLIVER_M = 0.05
"""A corridor that ends this close to the outside of its building is open there."""


class RouteMissing(PatrolError):
    """The site leaves no room for the route that was asked for."""


class RouteConfig(Config):
    """``inset_m``: distance kept from the perimeter; ``clear_m``: from buildings and keep-outs; ``spacing_m``: between stops."""

    inset_m: float = Field(default=3.0, gt=0)
    clear_m: float = Field(default=1.5, ge=0)
    spacing_m: float = Field(default=25.0, gt=0)


def inset_ring(site: Site, config: RouteConfig) -> LineString:
    """The closed patrol line in map, counter-clockwise: the perimeter moved inwards and around buildings and keep-outs.

    Raises RouteMissing when nothing is left of the site.
    """
    blocked = [outline.buffer(config.clear_m) for outline in standing_on(site)]
    inner = site.perimeter.buffer(-config.inset_m, join_style="mitre")
    room = _largest(inner.difference(unary_union(blocked)) if blocked else inner)
    if room is None:
        raise RouteMissing(f"site {site.site_id}: nothing is left {config.inset_m} m inside the perimeter")
    ring = LineString(room.exterior.coords)
    return ring if room.exterior.is_ccw else ring.reverse()


def perimeter_route(site: Site, config: RouteConfig | None = None) -> Route:
    """The route that patrols the whole site: its own waypoints in their order, or else evenly spaced stops on the inset
    ring, beginning with the stop nearest to the first dock. Raises RouteMissing when the site leaves no room."""
    if site.waypoints:
        stops = sorted(site.waypoints, key=lambda waypoint: (waypoint.order, waypoint.waypoint_id))
        return Route(route_id="perimeter", waypoints=tuple(map(stop_from_waypoint, stops)))
    config = config or RouteConfig()
    ring = inset_ring(site, config)
    count = max(3, round(ring.length / config.spacing_m))
    poses = [_pose_on(ring, ring.length * index / count) for index in range(count)]
    first = _nearest(poses, site.docks[0].pose) if site.docks else 0
    turned = poses[first:] + poses[:first]
    stops_on_ring = (RouteWaypoint(waypoint_id=f"P{index + 1:02d}", pose=pose) for index, pose in enumerate(turned))
    return Route(route_id="perimeter", waypoints=tuple(stops_on_ring))


def standing_on(site: Site) -> list[Polygon]:
    """Outlines in map of everything that the site file says a robot can not drive over: buildings but for their corridors
    and lifts, fences and keep-outs."""
    corridors = unary_union([*corridors_of(site), *(lift.outline for lift in site.lifts)])
    mouths = corridors.buffer(_SLIVER_M, join_style="mitre")
    walls = [part for building in site.buildings for part in get_parts(building.outline.difference(mouths))]
    fences = [fence.line.buffer(_FENCE_HALF_M, cap_style="flat") for fence in site.fences]
    return [*(wall for wall in walls if isinstance(wall, Polygon)), *fences, *(area.outline for area in site.keep_outs)]


def corridors_of(site: Site, floor: int = 0) -> list[Polygon]:
    """The corridor zones of ``floor``."""
    return [zone.outline for zone in site.zones if zone.purpose is Purpose.CORRIDOR and zone.floor == floor]


def upper_ground(site: Site, floor: int) -> BaseGeometry:
    """Where a robot may drive on a floor other than the ground, as far as the site file knows: inside the outlines of that floor
    and of the lifts that serve it, but for keep-outs. Its walls are on its map."""
    outlines = [each.outline for each in site.floors if each.level == floor]
    lifts = [lift.outline for lift in site.lifts if floor in lift.levels]
    return unary_union([*outlines, *lifts]).difference(unary_union([area.outline for area in site.keep_outs]))


def stop_from_waypoint(waypoint: Waypoint) -> RouteWaypoint:
    """The stop of a route that a waypoint of the site stands for."""
    return RouteWaypoint(waypoint_id=waypoint.waypoint_id, pose=waypoint.pose, dwell_s=waypoint.dwell_s, floor=waypoint.floor)


def _largest(shape: BaseGeometry) -> Polygon | None:
    parts = shape.geoms if isinstance(shape, MultiPolygon) else (shape,)
    polygons = [part for part in parts if isinstance(part, Polygon) and not part.is_empty]
    return max(polygons, key=lambda part: part.area, default=None)


def _pose_on(ring: LineString, along_m: float) -> Pose2:
    here, ahead = ring.interpolate(along_m), ring.interpolate((along_m + 0.5) % ring.length)
    return Pose2(here.x, here.y, math.atan2(ahead.y - here.y, ahead.x - here.x))


def _nearest(poses: list[Pose2], to: Pose2) -> int:
    return min(range(len(poses)), key=lambda index: poses[index].distance_to(to))
