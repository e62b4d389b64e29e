# SPDX-License-Identifier: Apache-2.0
"""A small faultless site file as Python data, for tests to break."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from patrol.local_frame import LocalFrame
from patrol.site import Datum

DATUM = Datum(latitude_deg=53.0, longitude_deg=11.0, altitude_m=40.0)
FRAME = LocalFrame(DATUM)


def at(x_m: float, y_m: float) -> list[float]:
    """[longitude, latitude] of a place in map."""
    longitude_deg, latitude_deg, _ = FRAME.to_wgs84((x_m, y_m, 0.0))
    return [float(longitude_deg), float(latitude_deg)]


def ring(*corners: tuple[float, float]) -> list[list[list[float]]]:
    """Coordinates of a polygon through corners in map, closed."""
    points = [at(x, y) for x, y in corners]
    return [[*points, points[0]]]


def square(x_m: float, y_m: float, half_m: float) -> list[list[list[float]]]:
    """Coordinates of a square about a place in map."""
    west, east, south, north = x_m - half_m, x_m + half_m, y_m - half_m, y_m + half_m
    return ring((west, south), (east, south), (east, north), (west, north))


def feature(feature_id: str, kind: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    """One feature; its geometry follows from how deep the coordinates are nested."""
    depth, inner = 0, coordinates
    while isinstance(inner, list):
        depth, inner = depth + 1, inner[0]
    geometry = {1: "Point", 2: "LineString", 3: "Polygon"}[depth]
    return {
        "type": "Feature",
        "id": feature_id,
        "properties": {"kind": kind, **properties},
        "geometry": {"type": geometry, "coordinates": coordinates},
    }


def site() -> dict[str, Any]:
    """A faultless site with one feature of every kind."""
    weekly = [{"days": ["mon", "sun"], "start": "22:00", "end": "05:00"}]
    return {
        "type": "FeatureCollection",
        "site": {"id": "small", "name": "Small site", "time_zone": "Europe/Berlin", "datum": [11.0, 53.0, 40.0]},
        "features": [
            feature("fence", "perimeter", square(0, 0, 50)),
            feature("gate", "gate", [at(-3, -50), at(3, -50)], open_hours=weekly),
            feature("house", "building", square(20, 20, 5), height_m=4.0),
            feature("yard", "zone", square(-20, 0, 8), purpose="restricted", schedule=weekly),
            feature("hole", "keep_out", square(0, 20, 3)),
            feature("bend", "slow", square(0, -20, 4), limit_mps=0.5),
            feature("windows", "privacy", square(20, 14, 1), height_m=4.0),
            feature("dock", "dock", at(5, -40), heading_deg=0),
            feature("first", "waypoint", at(-40, -40), order=0, dwell_s=2.5),
            feature("second", "waypoint", at(-40, 40), order=1, heading_deg=90.0),
            feature("eye", "camera", at(0, 0), heading_deg=180.0, height_m=4.0, hfov_deg=90.0),
            feature("ground", "floor", square(20, 20, 5), level=1),
            feature("shaft", "lift", square(20, 24, 2), levels=[0, 1], doors_face_deg=270.0, usual_s=30.0),
            feature("inner", "fence", [at(-30, 30), at(-20, 30), at(-20, 40)]),
            feature("lock", "door", [at(-20, 27), at(-20, 30)], wait_s=20.0),
        ],
    }


def named(document: dict[str, Any], feature_id: str) -> dict[str, Any]:
    """The feature called ``feature_id``."""
    found: dict[str, Any] = next(item for item in document["features"] if item["id"] == feature_id)
    return found


def write(folder: Path, document: object) -> Path:
    """The document as a site file in ``folder``."""
    path = folder / "site.geojson"
    path.write_text(json.dumps(document), "utf-8")
    return path
