# SPDX-License-Identifier: Apache-2.0
"""From the text of a site file to features in ``map``, noting every fault on the way."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from pydantic import BaseModel, ValidationError
from shapely.geometry import LineString, Point, Polygon
from shapely.validation import explain_validity

from patrol.checks import Floats
from patrol.config import faults_in
from patrol.errors import Fault
from patrol.local_frame import LocalFrame
from patrol.site import Datum
from patrol.site_rules import RULES, Properties, SiteHeader, is_plain

MAX_BYTES = 8_000_000
MAX_FEATURES = 5_000
MAX_VERTICES = 20_000
MAX_DISTANCE_M = 50_000.0
"""Farther from the datum than this, a feature is taken to be misplaced."""
_SHOWN_CHARACTERS = 80

Shape = Polygon | LineString | Point
ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature of a known kind: its place in the file in words, its id, its properties, its geometry in metres in ``map``."""

    where: str
    feature_id: str
    kind: str
    properties: Properties
    shape: Shape

    @property
    def outline(self) -> Polygon:
        """The shape of a kind that must be a polygon."""
        return cast(Polygon, self.shape)

    @property
    def line(self) -> LineString:
        """The shape of a kind that must be a line."""
        return cast(LineString, self.shape)


@dataclass(slots=True, kw_only=True)
class Draft:
    """As much of a site file as could be read, and everything that is wrong with it."""

    header: SiteHeader | None = None
    features: list[Feature] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    kinds: set[str] | None = None
    """Every kind that the file names, on faulty features too; None when it has no list of features."""

    def refuse(self, where: str, value: object, because: str) -> None:
        """Note a fault; a long value is cut."""
        plain = value is None or isinstance(value, bool | float) or (isinstance(value, str) and len(value) <= _SHOWN_CHARACTERS)
        self.faults.append(Fault(field=where, value=value if plain else reprlib.repr(value), because=because))

    def of_kind(self, kind: str) -> list[Feature]:
        return [feature for feature in self.features if feature.kind == kind]


def parse_site(path: Path) -> Draft:
    """Read the file at ``path`` as far as it goes. Never raises for what the file holds."""
    draft = Draft()
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) <= MAX_BYTES:
            return parse_bytes(data)
        draft.refuse("(file)", str(path), f"is longer than {MAX_BYTES} bytes")
        return draft
    except OSError as error:
        draft.refuse("(file)", str(path), f"can not be read: {error.strerror}")
        return draft


def parse_bytes(data: bytes) -> Draft:
    """Read the text of a site file as far as it goes. Never raises for what it holds."""
    draft = Draft()
    document = _read_document(data, draft)
    if document is None:
        return draft
    for key in document:
        if key not in ("type", "site", "features", "name", "crs"):
            draft.refuse(key, document[key], "is an unknown member")
    if document.get("type") != "FeatureCollection":
        draft.refuse("type", document.get("type"), "must be FeatureCollection")
    draft.header = _read_model(SiteHeader, document.get("site"), "site", draft)
    _refuse_other_crs(document.get("crs"), draft)
    features = document.get("features")
    if not isinstance(features, list):
        draft.refuse("features", features, "must be a list")
    elif len(features) > MAX_FEATURES:
        draft.refuse("features", len(features), f"holds more than {MAX_FEATURES} features")
    else:
        draft.kinds = set()
        _read_features(features, draft)
    return draft


def _read_document(data: bytes, draft: Draft) -> dict[str, Any] | None:
    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_UniqueKeys(draft))
    except UnicodeDecodeError as error:
        draft.refuse("(file)", f"byte {error.start}", "is not UTF-8")
    except json.JSONDecodeError as error:
        draft.refuse(f"line {error.lineno}, column {error.colno}", "...", f"is not JSON: {error.msg}")
    except RecursionError:
        draft.refuse("(file)", "...", "is nested too deeply")
    except ValueError as error:
        draft.refuse("(file)", "...", f"is not JSON: {error}")
    else:
        if isinstance(document, dict):
            return document
        draft.refuse("(file)", document, "must hold one GeoJSON object")
    return None


class _UniqueKeys:
    """Hook for the JSON parser: an object that names a key twice is a fault."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for key, value in pairs:
            if key in read:
                self._draft.refuse(key, value, "stands twice in one object")
            read[key] = value
        return read


def _refuse_other_crs(crs: object, draft: Draft) -> None:
    """GeoJSON is WGS84 (RFC 7946); the old ``crs`` member may only say so."""
    name = crs.get("properties") if isinstance(crs, dict) else None
    name = name.get("name") if isinstance(name, dict) else None
    if crs is not None and not (isinstance(name, str) and name.endswith(("CRS84", "EPSG::4326", "EPSG:4326"))):
        draft.refuse("crs", crs, "must be WGS84 (urn:ogc:def:crs:OGC:1.3:CRS84)")


def _read_features(items: list[Any], draft: Draft) -> None:
    header = draft.header
    frame = None
    if header is not None:
        longitude_deg, latitude_deg, altitude_m = header.datum
        frame = LocalFrame(Datum(latitude_deg=latitude_deg, longitude_deg=longitude_deg, altitude_m=altitude_m))
    seen: dict[str, str] = {}
    for index, item in enumerate(items):
        where = f"features[{index}]"
        if not isinstance(item, dict) or item.get("type") != "Feature":
            draft.refuse(where, item, "must be a GeoJSON Feature")
            continue
        feature_id = _read_id(item.get("id"), where, draft)
        where = f"feature {feature_id!r}" if feature_id else where
        if feature_id and feature_id in seen:
            draft.refuse(f"{where}.id", feature_id, f"is the id of {seen[feature_id]} too")
        seen.setdefault(feature_id, f"features[{index}]")
        _read_feature(item, feature_id or str(index), where, frame, draft)


def _read_id(value: object, where: str, draft: Draft) -> str:
    if isinstance(value, str) and 0 < len(value) <= 64 and is_plain(value):
        return value
    draft.refuse(f"{where}.id", value, "must be a text of 1 to 64 characters that can be read")
    return ""


def _read_feature(item: dict[str, Any], feature_id: str, where: str, frame: LocalFrame | None, draft: Draft) -> None:
    for key in item:
        if key not in ("type", "id", "properties", "geometry", "bbox"):
            draft.refuse(f"{where}.{key}", item[key], "is an unknown member")
    properties = item.get("properties")
    kind = properties.get("kind") if isinstance(properties, dict) else None
    if not isinstance(kind, str) or kind not in RULES:
        draft.refuse(f"{where}.properties.kind", kind, f"is an unknown kind; known are {', '.join(RULES)}")
        return
    if draft.kinds is not None:
        draft.kinds.add(kind)
    geometry_type, model = RULES[kind]
    read = _read_model(model, properties, f"{where}.properties", draft)
    shape = _read_geometry(item.get("geometry"), geometry_type, f"{where}.geometry", frame, draft)
    if read is not None and shape is not None:
        draft.features.append(Feature(where=where, feature_id=feature_id, kind=kind, properties=read, shape=shape))


def _read_model(model: type[ModelT], data: object, where: str, draft: Draft) -> ModelT | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for place, value, because in faults_in(error):
            draft.refuse(f"{where}.{place}" if place else where, value, because)
        return None


def _read_geometry(geometry: object, wanted: str, where: str, frame: LocalFrame | None, draft: Draft) -> Shape | None:
    if not isinstance(geometry, dict) or geometry.get("type") != wanted:
        draft.refuse(where, geometry.get("type") if isinstance(geometry, dict) else geometry, f"must be a {wanted}")
        return None
    coordinates, place = geometry.get("coordinates"), f"{where}.coordinates"
    if wanted == "Point":
        points = _read_points([coordinates], place, frame, draft)
        return None if points is None else Point(points[0])
    if wanted == "LineString":
        points = _read_points(coordinates, place, frame, draft)
        return None if points is None else _line(points, place, draft)
    return _polygon(coordinates, place, frame, draft)


def _line(points_m: Floats, where: str, draft: Draft) -> LineString | None:
    line = LineString(points_m) if len(points_m) >= 2 else None
    if line is None or line.length < 0.1:
        draft.refuse(where, len(points_m), "must be two points or more, at least 0.1 m long")
        return None
    return line


def _polygon(coordinates: object, where: str, frame: LocalFrame | None, draft: Draft) -> Polygon | None:
    if not isinstance(coordinates, list) or not 1 <= len(coordinates) <= 100:
        draft.refuse(where, coordinates, "must be a list of rings, the outer one first")
        return None
    rings = []
    for index, ring in enumerate(coordinates):
        points = _read_points(ring, f"{where}[{index}]", frame, draft)
        if points is not None and _is_ring(ring, f"{where}[{index}]", draft):
            rings.append(points)
    if len(rings) != len(coordinates):
        return None
    polygon = Polygon(rings[0], rings[1:])
    if not polygon.is_valid:
        draft.refuse(where, _in_metres(explain_validity(polygon)), "crosses or touches itself")
        return None
    if polygon.area < 0.01:
        draft.refuse(where, polygon.area, "encloses no area")
        return None
    return polygon


def _is_ring(ring: Sequence[Any], where: str, draft: Draft) -> bool:
    if len(ring) < 4:
        draft.refuse(where, len(ring), "must have four positions or more, the last the same as the first")
        return False
    if ring[0] != ring[-1]:
        draft.refuse(where, ring[-1], f"is not closed: the last position must be the first, {ring[0]!r}")
        return False
    return True


def _read_points(coordinates: object, where: str, frame: LocalFrame | None, draft: Draft) -> Floats | None:
    """Points (N, 2) m in ``map``; None when a position is faulty or there is no datum to measure from."""
    if not isinstance(coordinates, list) or not 1 <= len(coordinates) <= MAX_VERTICES:
        draft.refuse(where, coordinates, f"must be a list of 1 to {MAX_VERTICES} positions")
        return None
    because = next(((index, why) for index, point in enumerate(coordinates) if (why := _why_not_a_position(point))), None)
    if because is not None:
        index, why = because
        draft.refuse(f"{where}[{index}]", coordinates[index], why)
        return None
    if frame is None:
        return None
    points_deg = np.array([point[:2] for point in coordinates], dtype=np.float64)
    return _near_the_datum(points_deg, where, frame, draft)


def _why_not_a_position(point: object) -> str:
    if not isinstance(point, list) or len(point) not in (2, 3):
        return "must be [longitude, latitude] in degrees"
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in point):
        return "must hold numbers"
    if not all(abs(value) < 1e9 and math.isfinite(value) for value in point):
        return "must hold finite numbers"
    longitude_deg, latitude_deg = point[:2]
    if abs(latitude_deg) > 90.0 and abs(longitude_deg) <= 90.0 and abs(latitude_deg) <= 180.0:
        return "has its coordinates swapped: GeoJSON has the longitude first, then the latitude"
    if abs(longitude_deg) > 180.0 or abs(latitude_deg) > 90.0:
        return "is no place on Earth"
    return ""


def _near_the_datum(points_deg: Floats, where: str, frame: LocalFrame, draft: Draft) -> Floats | None:
    points_m = frame.to_map(points_deg)[:, :2]
    far = np.flatnonzero(~(np.hypot(points_m[:, 0], points_m[:, 1]) < MAX_DISTANCE_M))
    if far.size == 0:
        return points_m
    first = int(far[0])
    swapped_m = frame.to_map(points_deg[first, ::-1])[:2] if abs(points_deg[first, 0]) <= 90.0 else points_m[first]
    is_swapped = float(np.hypot(*swapped_m)) < MAX_DISTANCE_M
    why = "has its coordinates swapped: GeoJSON has the longitude first, then the latitude"
    far_away = f"lies more than {MAX_DISTANCE_M / 1000:.0f} km from the datum"
    draft.refuse(f"{where}[{first}]", points_deg[first].tolist(), why if is_swapped else far_away)
    return None


def _in_metres(explanation: str) -> str:
    """The geometry engine's words, with the place in map rounded to a centimetre."""
    words, _, place = explanation.partition("[")
    metres = ", ".join(f"{axis} {float(value):.2f} m" for axis, value in zip("xy", place.rstrip("]").split(), strict=False))
    return f"{words} at {metres}" if metres else words
