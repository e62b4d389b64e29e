# SPDX-License-Identifier: Apache-2.0
"""Features of a site laid out in metres in ``map``, and how they are written as a GeoJSON site file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from patrol.local_frame import LocalFrame
from patrol.site import Datum

Corners = Sequence[tuple[float, float]]
_DECIMALS = 9
"""Of degrees in the file: a tenth of a millimetre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The ``site`` member of the file."""

    site_id: str
    name: str
    time_zone: str
    datum: Datum


@dataclass(frozen=True, slots=True)
class FeatureDraft:
    """One feature in metres; ``geometry`` is its GeoJSON type and ``points_m`` its vertices in ``map``."""

    feature_id: str
    kind: str
    geometry: str
    points_m: tuple[tuple[float, float], ...]
    properties: dict[str, Any] = field(default_factory=dict)


def area(feature_id: str, kind: str, corners_m: Corners, **properties: Any) -> FeatureDraft:
    """A polygon through ``corners_m``, not closed; written counter-clockwise as given."""
    return FeatureDraft(feature_id, kind, "Polygon", tuple(corners_m), properties)


def line(feature_id: str, kind: str, points_m: Corners, **properties: Any) -> FeatureDraft:
    """A polyline, such as a gate."""
    return FeatureDraft(feature_id, kind, "LineString", tuple(points_m), properties)


def spot(feature_id: str, kind: str, at_m: tuple[float, float], **properties: Any) -> FeatureDraft:
    """A point, such as a dock, a waypoint or a camera."""
    return FeatureDraft(feature_id, kind, "Point", (at_m,), properties)


def rectangle(west_m: float, south_m: float, east_m: float, north_m: float) -> list[tuple[float, float]]:
    """Corners of an upright rectangle, counter-clockwise from the south-west."""
    return [(west_m, south_m), (east_m, south_m), (east_m, north_m), (west_m, north_m)]


def weekly(days: str, start: str, end: str) -> list[dict[str, Any]]:
    """A schedule of one window; ``days`` separated by blanks."""
    return [{"days": days.split(), "start": start, "end": end}]


def to_geojson(header: Header, features: Iterable[FeatureDraft]) -> str:
    """The site file's text: one feature a line, so that a change shows as one line in a diff."""
    frame = LocalFrame(header.datum)
    datum = header.datum
    site = {
        "id": header.site_id,
        "name": header.name,
        "time_zone": header.time_zone,
        "datum": [datum.longitude_deg, datum.latitude_deg, datum.altitude_m],
    }
    lines = ",\n    ".join(json.dumps(_feature(frame, draft), ensure_ascii=False) for draft in features)
    return (
        '{\n  "type": "FeatureCollection",\n'
        f'  "site": {json.dumps(site, ensure_ascii=False)},\n'
        f'  "features": [\n    {lines}\n  ]\n}}\n'
    )


def _feature(frame: LocalFrame, draft: FeatureDraft) -> dict[str, Any]:
    points = [_lon_lat(frame, x_m, y_m) for x_m, y_m in draft.points_m]
    coordinates: Any = points
    if draft.geometry == "Polygon":
        coordinates = [[*points, points[0]]]
    elif draft.geometry == "Point":
        coordinates = points[0]
    return {
        "type": "Feature",
        "id": draft.feature_id,
        "properties": {"kind": draft.kind, **draft.properties},
        "geometry": {"type": draft.geometry, "coordinates": coordinates},
    }


def _lon_lat(frame: LocalFrame, x_m: float, y_m: float) -> list[float]:
    longitude_deg, latitude_deg, _ = frame.to_wgs84((x_m, y_m, 0.0))
    return [round(float(longitude_deg), _DECIMALS), round(float(latitude_deg), _DECIMALS)]
