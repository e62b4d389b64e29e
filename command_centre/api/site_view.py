# SPDX-License-Identifier: Apache-2.0
"""The site as the page draws it: everything in metres in map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from shapely.geometry import Polygon

from command_centre.api.browser import Ring, SiteArea, SiteGate, SiteMark, SiteView
from patrol.geometry import Pose2
from patrol.site import Site
from patrol.site_file import read_site_text
from patrol.wire import WirePose

AreaKind = Literal["building", "zone", "keep_out", "slow", "privacy", "floor"]
MarkKind = Literal["dock", "waypoint", "camera"]


def site_from_text(geojson: str) -> SiteView:
    """The site of a site file's text, as a robot sends it. Raises BadInput naming every fault."""
    return site_view(read_site_text(geojson, source="the robot's site file"))


def site_view(site: Site) -> SiteView:
    """Everything in ``site`` that has a place on the map."""
    return SiteView(
        site_id=site.site_id,
        name=site.name,
        perimeter_m=_rings(site.perimeter),
        areas=_areas(site),
        gates=tuple(SiteGate(gate_id=gate.gate_id, name=gate.name, line_m=_ring(gate.line.coords)) for gate in site.gates),
        marks=_marks(site),
    )


def _areas(site: Site) -> tuple[SiteArea, ...]:
    return (
        *(_area("floor", each.floor_id, each.name, each.outline) for each in site.floors),
        *(_area("zone", each.zone_id, each.name, each.outline, each.purpose.value) for each in site.zones),
        *(_area("slow", each.slow_id, each.name, each.outline) for each in site.slow_areas),
        *(_area("privacy", each.privacy_id, each.name, each.outline) for each in site.privacy_areas),
        *(_area("keep_out", each.keep_out_id, each.name, each.outline) for each in site.keep_outs),
        *(_area("building", each.building_id, each.name, each.outline) for each in site.buildings),
    )


def _marks(site: Site) -> tuple[SiteMark, ...]:
    return (
        *(_mark("camera", each.camera_id, each.name, each.pose) for each in site.cameras),
        *(_mark("waypoint", each.waypoint_id, each.name, each.pose) for each in site.waypoints),
        *(_mark("dock", each.dock_id, each.name, each.pose) for each in site.docks),
    )


def _area(kind: AreaKind, area_id: str, name: str, outline: Polygon, purpose: str = "") -> SiteArea:
    return SiteArea(area_id=area_id, kind=kind, name=name, purpose=purpose, rings_m=_rings(outline))


def _mark(kind: MarkKind, mark_id: str, name: str, pose: Pose2) -> SiteMark:
    return SiteMark(mark_id=mark_id, kind=kind, name=name, pose=WirePose(x_m=pose.x_m, y_m=pose.y_m, yaw_rad=pose.yaw_rad))


def _rings(outline: Polygon) -> tuple[Ring, ...]:
    return tuple(_ring(ring.coords) for ring in (outline.exterior, *outline.interiors))


def _ring(coordinates: Iterable[Sequence[float]]) -> Ring:
    return tuple((round(float(point[0]), 3), round(float(point[1]), 3)) for point in coordinates)
