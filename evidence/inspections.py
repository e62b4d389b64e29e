# SPDX-License-Identifier: Apache-2.0
"""What an inspection found, kept in the patrol's folder: ``inspection-ID.json`` and a picture of every side."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from evidence.files import write_whole
from patrol.config import Config
from patrol.inspection import InspectionReport, InspectionView

_ZERO_C_K = 273.15


class ViewFile(Config):
    """One side; ``bearing_deg`` counts from east towards north and points from the thing to the robot. ``picture`` is a file
    beside this one, empty when none could be made safe."""

    stamp_ns: int
    bearing_deg: float
    distance_m: float
    warmest_c: float | None
    around_c: float | None
    picture: str


class InspectionFile(Config):
    """``because`` is empty when as much was seen as was wanted. Sizes are of the part that the lidar met; the temperature is what
    the thermal camera showed, without a correction for the surface."""

    format: Literal["patrol inspection 1"] = "patrol inspection 1"
    inspection_id: str
    alert_id: str
    incident_id: str
    label: str
    zone_id: str
    began_ns: int
    ended_ns: int
    position_m: tuple[float, float]
    seen_deg: float
    wanted_deg: float
    because: str
    length_m: float | None
    width_m: float | None
    height_m: float | None
    size_error_m: float | None
    warmest_c: float | None
    views: tuple[ViewFile, ...]


def keep_inspection(folder: Path, report: InspectionReport) -> Path:
    """Write the report and its pictures into ``folder``; the JSON comes last, so that what it names is there. Raises OSError when
    the disk refuses."""
    state, size = report.state, report.size_m or (None, None, None)
    name = state.inspection_id
    views = tuple(_view_file(name, view) for view in report.views)
    for view, file in zip(report.views, views, strict=True):
        if file.picture:
            write_whole(folder / file.picture, view.picture_jpeg)
    warmest = report.warmest
    kept = InspectionFile(
        inspection_id=name,
        alert_id=state.alert_id,
        incident_id=state.incident_id,
        label=state.label.value,
        zone_id=state.zone_id,
        began_ns=report.began_ns,
        ended_ns=state.stamp_ns,
        position_m=(float(state.position_m[0]), float(state.position_m[1])),
        seen_deg=round(state.seen_deg, 1),
        wanted_deg=round(state.wanted_deg, 1),
        because=state.because,
        length_m=_rounded(size[0]),
        width_m=_rounded(size[1]),
        height_m=_rounded(size[2]),
        size_error_m=_rounded(report.size_error_m),
        warmest_c=None if warmest is None else _celsius(warmest.warmest_k),
        views=views,
    )
    path = folder / f"{name}.json"
    write_whole(path, kept.model_dump_json(indent=2).encode() + b"\n")
    return path


def _view_file(name: str, view: InspectionView) -> ViewFile:
    bearing_deg = math.degrees(view.bearing_rad) % 360.0
    return ViewFile(
        stamp_ns=view.stamp_ns,
        bearing_deg=round(bearing_deg, 1),
        distance_m=round(view.distance_m, 2),
        warmest_c=_celsius(view.warmest_k),
        around_c=_celsius(view.around_k),
        picture=f"{name}-{bearing_deg:03.0f}.jpg" if view.picture_jpeg else "",
    )


def _celsius(kelvin: float | None) -> float | None:
    return None if kelvin is None else round(kelvin - _ZERO_C_K, 1)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
