# SPDX-License-Identifier: Apache-2.0
"""Reads a site file into a ``Site`` in ``map``: whole, or not at all."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from patrol.errors import BadInput
from patrol.geometry import Pose2
from patrol.site import (
    Building,
    Datum,
    Dock,
    Door,
    Fence,
    FixedCamera,
    Floor,
    Gate,
    KeepOut,
    Lift,
    PrivacyArea,
    Site,
    SlowArea,
    Waypoint,
    Zone,
)
from patrol.site_check import check_draft
from patrol.site_parse import Draft, Feature, parse_bytes, parse_site
from patrol.site_rules import SiteHeader, weekly_schedule


def read_site(path: Path) -> Site:
    """The site that the GeoJSON file at ``path`` describes. Raises BadInput that names every fault in it."""
    return _finish(parse_site(path), path)


def read_site_text(text: str, *, source: str) -> Site:
    """The site that a GeoJSON ``text`` describes, such as a robot sends it. Raises BadInput that names ``source``."""
    return _finish(parse_bytes(text.encode("utf-8", "replace")), source)


def heading_from_yaw(yaw_rad: float) -> float:
    """Compass heading in degrees, 0 to below 360, of a yaw in ``map``."""
    return (90.0 - math.degrees(yaw_rad)) % 360.0


def yaw_from_heading(heading_deg: float) -> float:
    """Yaw in ``map``, radians in (-π, π], of a compass heading in degrees."""
    return Pose2(0.0, 0.0, math.radians(90.0 - heading_deg)).yaw_rad


def _finish(draft: Draft, source: Path | str) -> Site:
    faults = check_draft(draft)
    if faults or draft.header is None:
        raise BadInput(source, faults)
    return _site_from(draft, draft.header)


def _site_from(draft: Draft, header: SiteHeader) -> Site:
    longitude_deg, latitude_deg, altitude_m = header.datum
    zone = header.time_zone

    def every(kind: str, make: Callable[[Feature, Any], Any]) -> tuple[Any, ...]:
        return tuple(make(feature, feature.properties) for feature in draft.of_kind(kind))

    return Site(
        site_id=header.id,
        name=header.name,
        time_zone=zone,
        datum=Datum(latitude_deg=latitude_deg, longitude_deg=longitude_deg, altitude_m=altitude_m),
        perimeter=draft.of_kind("perimeter")[0].outline,
        gates=every(
            "gate",
            lambda f, p: Gate(gate_id=f.feature_id, name=p.name, line=f.line, open_hours=weekly_schedule(p.open_hours, zone)),
        ),
        buildings=every(
            "building", lambda f, p: Building(building_id=f.feature_id, name=p.name, outline=f.outline, height_m=p.height_m)
        ),
        fences=every("fence", lambda f, p: Fence(fence_id=f.feature_id, name=p.name, line=f.line)),
        doors=every("door", lambda f, p: Door(door_id=f.feature_id, name=p.name, line=f.line, wait_s=p.wait_s)),
        zones=every("zone", lambda f, p: _zone_from(f, p, zone)),
        keep_outs=every("keep_out", lambda f, p: KeepOut(keep_out_id=f.feature_id, name=p.name, outline=f.outline)),
        slow_areas=every(
            "slow", lambda f, p: SlowArea(slow_id=f.feature_id, name=p.name, outline=f.outline, limit_mps=p.limit_mps)
        ),
        privacy_areas=every(
            "privacy", lambda f, p: PrivacyArea(privacy_id=f.feature_id, name=p.name, outline=f.outline, height_m=p.height_m)
        ),
        docks=every("dock", lambda f, p: Dock(dock_id=f.feature_id, name=p.name, pose=_pose_from(f, p.heading_deg))),
        waypoints=_waypoints_from(draft),
        cameras=every("camera", _camera_from),
        floors=every("floor", lambda f, p: Floor(floor_id=f.feature_id, name=p.name, level=p.level, outline=f.outline)),
        lifts=every("lift", _lift_from),
    )


def _zone_from(feature: Feature, properties: Any, time_zone: str) -> Zone:
    return Zone(
        zone_id=feature.feature_id,
        name=properties.name,
        purpose=properties.purpose,
        outline=feature.outline,
        floor=properties.floor,
        schedule=weekly_schedule(properties.schedule, time_zone),
    )


def _lift_from(feature: Feature, properties: Any) -> Lift:
    face_deg = properties.doors_face_deg
    return Lift(
        lift_id=feature.feature_id,
        name=properties.name,
        outline=feature.outline,
        levels=tuple(properties.levels),
        doors_face_rad=None if face_deg is None else yaw_from_heading(face_deg),
        wait_s=properties.wait_s,
        ride_s=properties.ride_s,
        usual_s=properties.usual_s,
    )


def _camera_from(feature: Feature, properties: Any) -> FixedCamera:
    return FixedCamera(
        camera_id=feature.feature_id,
        name=properties.name,
        pose=_pose_from(feature, properties.heading_deg),
        height_m=properties.height_m,
        hfov_rad=math.radians(properties.hfov_deg),
    )


def _waypoints_from(draft: Draft) -> tuple[Waypoint, ...]:
    """Waypoints in their order; one without a heading faces the one that follows, round to the first."""
    features: list[Any] = sorted(draft.of_kind("waypoint"), key=lambda feature: getattr(feature.properties, "order", 0))
    waypoints = []
    for index, feature in enumerate(features):
        properties = feature.properties
        following = features[(index + 1) % len(features)]
        heading_deg = _heading_to(feature, following) if properties.heading_deg is None else properties.heading_deg
        waypoints.append(
            Waypoint(
                waypoint_id=feature.feature_id,
                name=properties.name,
                pose=_pose_from(feature, heading_deg),
                order=properties.order,
                dwell_s=properties.dwell_s,
                floor=properties.floor,
            )
        )
    return tuple(waypoints)


def _heading_to(feature: Any, following: Any) -> float:
    east_m, north_m = following.shape.x - feature.shape.x, following.shape.y - feature.shape.y
    return math.degrees(math.atan2(east_m, north_m))


def _pose_from(feature: Any, heading_deg: float) -> Pose2:
    return Pose2(feature.shape.x, feature.shape.y, yaw_from_heading(heading_deg))
