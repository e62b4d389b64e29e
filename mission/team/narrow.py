# SPDX-License-Identifier: Apache-2.0
"""Which ways of a site are too narrow for two robots to pass."""

from __future__ import annotations

from shapely.geometry import LineString
from shapely.ops import unary_union

from mission.planning.site_graph import SiteGraph
from mission.team.lanes import Edge
from patrol.site import Purpose, Site

PASSING_M = 1.6
_TOLERANCE_M = 0.05


def narrow_ways(site: Site, made: SiteGraph, passing_m: float = PASSING_M) -> frozenset[Edge]:
    """The ways that leave, somewhere, the ground that a disc of ``passing_m`` can sweep: the opening of the free ground by that
    disc (Serra, 1982). Corridor zones lead through their buildings. Of
    other floors the site file does not know the walls."""
    corridors = unary_union([zone.outline for zone in site.zones if zone.purpose is Purpose.CORRIDOR])
    walls = unary_union([building.outline for building in site.buildings]).difference(corridors)
    free = site.perimeter.difference(unary_union([walls, *(area.outline for area in site.keep_outs)]))
    swept = free.buffer(-0.5 * passing_m).buffer(0.5 * passing_m + _TOLERANCE_M)
    edges = zip(made.graph.edges.tolist(), made.ways_m, strict=True)
    below = ((low, high, way) for (low, high), way in edges if made.floors[low] == made.floors[high] == 0)
    return frozenset((low, high) for low, high, way in below if len(way) > 1 and not swept.covers(LineString(way)))
