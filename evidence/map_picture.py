# SPDX-License-Identifier: Apache-2.0
"""The site seen from above, ready to be drawn as SVG: metres east and south of the raster's top left corner."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from shapely.geometry import LineString, Polygon

from evidence.coverage import GroundRaster
from evidence.record import PatrolRecord
from patrol.errors import BadValue
from patrol.percepts import GroundPosition
from patrol.site import Purpose

_WARY = (Purpose.RESTRICTED, Purpose.STERILE)
_SEEN_BGRA = (190, 214, 150, 255)
_UNSEEN_BGRA = (215, 221, 226, 255)
_OCCUPIED_BGRA = (85, 70, 60, 255)
_LABELLED = ("wary", "zone", "building")
_LETTER_UNITS = 1.5
_SCALES_M = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One polygon or line as SVG points. ``label`` is its name where that fits inside, written around (``x``, ``y``)."""

    kind: str
    name: str
    points: str
    label: str = ""
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One place: a waypoint, the dock or an alert. ``kind`` says which; ``text`` stands on it."""

    kind: str
    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ellipse:
    """Where an alert's cause is with 95 % confidence: half axes in metres, turned by ``turn_deg`` clockwise."""

    x: float
    y: float
    rx: float
    ry: float
    turn_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPicture:
    """``width`` and ``height`` in metres; ``unit`` is one printed millimetre or so in metres, for line widths and text."""

    width: float
    height: float
    unit: float
    ground_png: str
    shapes: tuple[Shape, ...]
    trail: str
    marks: tuple[Mark, ...]
    ellipses: tuple[Ellipse, ...]
    scale_m: int


def draw_map(record: PatrolRecord, ground: GroundRaster) -> MapPicture:
    """Ground, polygons, trail, waypoints with their outcome, and alerts numbered from 1."""
    height_cells, width_cells = ground.open_ground.shape
    width, height = width_cells * ground.cell_m, height_cells * ground.cell_m
    to_page, unit = _Page(ground.x0_m, ground.y0_m + height), max(width, height) / 190.0
    return MapPicture(
        width=width,
        height=height,
        unit=unit,
        ground_png=_ground_png(ground, has_map=record.seen is not None),
        shapes=_shapes(record, to_page, unit),
        trail=to_page.points(record.trail_m),
        marks=_marks(record, to_page),
        ellipses=tuple(_ellipse(alert.ground, to_page) for alert in record.alerts),
        scale_m=max((scale for scale in _SCALES_M if scale <= width / 5.0), default=1),
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """Takes map metres to page metres: x east, y south of the top left corner."""

    left_m: float
    top_m: float

    def point(self, x_m: float, y_m: float) -> tuple[float, float]:
        return round(x_m - self.left_m, 2), round(self.top_m - y_m, 2)

    def points(self, points_m: npt.ArrayLike) -> str:
        pairs = np.asarray(points_m, dtype=np.float64).reshape(-1, 2)
        return " ".join(f"{x:g},{y:g}" for x, y in (self.point(float(x_m), float(y_m)) for x_m, y_m in pairs))


def _ground_png(ground: GroundRaster, *, has_map: bool) -> str:
    """Open ground tinted by whether it was seen, and what the robot's map holds as occupied; the rest is transparent."""
    pixels = np.zeros((*ground.open_ground.shape, 4), dtype=np.uint8)
    pixels[ground.open_ground] = _UNSEEN_BGRA
    if has_map:
        pixels[ground.open_ground & ground.seen] = _SEEN_BGRA
        pixels[ground.occupied] = _OCCUPIED_BGRA
    encoded, png = cv2.imencode(".png", pixels[::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not encoded:
        raise BadValue(f"map picture: {pixels.shape} can not become a PNG")
    return "data:image/png;base64," + base64.b64encode(png.tobytes()).decode("ascii")


def _shapes(record: PatrolRecord, to_page: _Page, unit: float) -> tuple[Shape, ...]:
    site = record.site
    polygons: list[tuple[str, str, Polygon]] = [
        *(("wary" if zone.purpose in _WARY else "zone", zone.name, zone.outline) for zone in site.zones),
        *(("keep-out", each.name, each.outline) for each in site.keep_outs),
        *(("privacy", each.name, each.outline) for each in site.privacy_areas),
        *(("building", each.name, each.outline) for each in site.buildings),
        ("perimeter", site.name, site.perimeter),
    ]
    gates = [Shape(kind="gate", name=gate.name, points=_line_points(gate.line, to_page)) for gate in site.gates]
    return (*(_polygon(kind, name, polygon, to_page=to_page, unit=unit) for kind, name, polygon in polygons), *gates)


def _polygon(kind: str, name: str, polygon: Polygon, *, to_page: _Page, unit: float) -> Shape:
    west_m, _, east_m, _ = polygon.bounds
    inside = polygon.representative_point()
    fits = kind in _LABELLED and len(name) * _LETTER_UNITS * unit < east_m - west_m
    x, y = to_page.point(inside.x, inside.y)
    points = to_page.points(np.asarray(polygon.exterior.coords)[:, :2])
    return Shape(kind=kind, name=name, points=points, label=name if fits else "", x=x, y=y)


def _line_points(line: LineString, to_page: _Page) -> str:
    return to_page.points(np.asarray(line.coords)[:, :2])


def _marks(record: PatrolRecord, to_page: _Page) -> tuple[Mark, ...]:
    """Docks, waypoints (missed ones marked so: the worst outcome of all laps counts), and alerts on top."""
    marks = []
    for dock in record.site.docks:
        x, y = to_page.point(dock.pose.x_m, dock.pose.y_m)
        marks.append(Mark(kind="dock", text="D", x=x, y=y))
    for waypoint in sorted(record.site.waypoints, key=lambda each: each.order):
        outcomes = {each.outcome for each in record.outcomes if each.waypoint_id == waypoint.waypoint_id}
        kind = next((kind for kind in ("missed", "pre-empted", "reached") if kind in outcomes), "unvisited")
        x, y = to_page.point(waypoint.pose.x_m, waypoint.pose.y_m)
        marks.append(Mark(kind=kind, text=str(waypoint.order), x=x, y=y))
    for number, alert in enumerate(record.alerts, start=1):
        x, y = to_page.point(float(alert.ground.position_m[0]), float(alert.ground.position_m[1]))
        marks.append(Mark(kind=f"alert {alert.severity}", text=str(number), x=x, y=y))
    return tuple(marks)


def _ellipse(ground: GroundPosition, to_page: _Page) -> Ellipse:
    """Chi-square of two degrees of freedom: 95 % lies within 2.448 standard deviations."""
    variances, axes = np.linalg.eigh(ground.covariance_m2)
    half_axes_m = 2.448 * np.sqrt(np.maximum(variances, 1e-6))
    x, y = to_page.point(float(ground.position_m[0]), float(ground.position_m[1]))
    turn_deg = -math.degrees(math.atan2(float(axes[1, 1]), float(axes[0, 1])))
    return Ellipse(x=x, y=y, rx=float(half_axes_m[1]), ry=float(half_axes_m[0]), turn_deg=turn_deg)
