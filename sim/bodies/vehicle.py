# SPDX-License-Identifier: Apache-2.0
"""Cars and vans: lofted bodies with windows, lights and turning wheels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from patrol.geometry import Pose3
from patrol.percepts import Label
from sim.bodies.meshes import Mesh, Ring, loft, turned
from sim.bodies.pieces import Build, Piece, Rgb, Skin, Triple
from sim.bodies.simple import SimpleBody

_LYING = np.array(((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0)))
_COLOURS: tuple[Rgb, ...] = (
    (0.80, 0.81, 0.82),
    (0.17, 0.18, 0.20),
    (0.55, 0.57, 0.60),
    (0.64, 0.10, 0.09),
    (0.14, 0.27, 0.52),
    (0.86, 0.84, 0.78),
    (0.42, 0.47, 0.42),
)
_KELVIN = 273.15
Rows = Sequence[tuple[float, float, float, float]]
"""Cross-sections from rear to front: (x, lower edge, upper edge, half width) in metres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    body: Rows
    windows: Rows
    roof: Rows
    hood: Rows
    axles_m: tuple[float, float]
    wheel_m: float
    half_width_m: float
    pillar: tuple[Triple, Triple]
    """Half sizes and middle of the block that shows as door pillars."""
    lights_m: tuple[float, float, float]
    """x of the tail, x of the nose, height."""


_CAR = _Shape(
    body=(
        (-2.14, 0.30, 0.80, 0.78),
        (-2.04, 0.21, 0.93, 0.86),
        (-1.30, 0.18, 0.96, 0.89),
        (0.70, 0.18, 0.94, 0.89),
        (1.45, 0.19, 0.86, 0.88),
        (2.02, 0.22, 0.74, 0.84),
        (2.16, 0.30, 0.62, 0.75),
    ),
    windows=(
        (-1.90, 0.86, 0.98, 0.72),
        (-1.25, 0.86, 1.36, 0.68),
        (0.05, 0.86, 1.40, 0.68),
        (0.45, 0.86, 1.30, 0.69),
        (1.15, 0.82, 0.92, 0.74),
    ),
    roof=((-1.20, 1.32, 1.385, 0.56), (-0.9, 1.34, 1.43, 0.61), (-0.2, 1.35, 1.44, 0.61), (0.08, 1.33, 1.41, 0.56)),
    hood=((1.02, 0.80, 0.93, 0.74), (1.50, 0.74, 0.86, 0.72), (1.95, 0.62, 0.75, 0.64)),
    axles_m=(-1.30, 1.36),
    wheel_m=0.33,
    half_width_m=0.78,
    pillar=((0.04, 0.69, 0.20), (-0.45, 0.0, 1.10)),
    lights_m=(-2.10, 2.11, 0.62),
)
_VAN = _Shape(
    body=(
        (-2.75, 0.34, 2.24, 0.92),
        (-2.68, 0.24, 2.34, 0.98),
        (0.90, 0.22, 2.36, 0.99),
        (1.35, 0.22, 2.20, 0.98),
        (1.95, 0.22, 1.32, 0.97),
        (2.55, 0.24, 1.10, 0.94),
        (2.72, 0.32, 0.94, 0.88),
    ),
    windows=((0.55, 1.42, 1.98, 1.005), (1.30, 1.40, 2.00, 1.0), (1.62, 1.36, 1.92, 0.95), (2.00, 1.24, 1.36, 0.90)),
    roof=((-2.0, 2.24, 2.365, 0.80), (0.6, 2.24, 2.37, 0.80)),
    hood=((1.98, 1.14, 1.31, 0.84), (2.50, 0.96, 1.11, 0.78)),
    axles_m=(-1.65, 1.75),
    wheel_m=0.36,
    half_width_m=0.87,
    pillar=((0.04, 0.99, 0.30), (1.25, 0.0, 1.70)),
    lights_m=(-2.73, 2.68, 0.80),
)


def make_vehicle(kind: str, name: str, seed: int) -> SimpleBody:
    """A ``car`` or a ``van`` of a colour drawn from ``seed``; the actor frame lies on the ground under its middle."""
    shape = _CAR if kind == "car" else _VAN
    rng = np.random.default_rng((seed, 77))
    paint = _COLOURS[int(rng.integers(len(_COLOURS)))]
    length, height = shape.body[-1][0] - shape.body[0][0], max(row[2] for row in (*shape.roof, *shape.body))
    collision = Piece(
        skin="", kind="box", size_m=(0.5 * length, shape.half_width_m + 0.1, 0.5 * height), at_m=(0.0, 0.0, 0.5 * height)
    )
    parts: dict[str, Sequence[Piece]] = {"chassis": _chassis(shape), "hood": [Piece(skin="paint", mesh=_along(shape.hood))]}
    hubs = _hubs(shape)
    parts.update({part: _wheel(shape.wheel_m) for part in hubs})
    temperatures = {part: _KELVIN + (38.0 if part == "hood" else 31.0 if part in hubs else 19.0) for part in parts}
    build = Build(parts=parts, skins=_skins(paint), collision=collision, temperatures_k=temperatures)

    def motion(speed_mps: float, phase_rad: float) -> Mapping[str, Pose3]:
        spin = 0.0 if speed_mps == 0.0 else phase_rad
        return {part: Pose3.from_xyz_rpy(*at, 0.0, spin, 0.0) for part, at in hubs.items()}

    radius = 0.5 * float(np.hypot(length, 2.0 * shape.half_width_m)) + 0.2
    return SimpleBody(name=name, label=Label.VEHICLE, height_m=height, radius_m=radius, build=build, motion=motion)


def _skins(paint: Rgb) -> dict[str, Skin]:
    return {
        "paint": Skin(rgb=paint, shine=0.5),
        "glass": Skin(rgb=(0.13, 0.17, 0.20), shine=0.7),
        "rubber": Skin(rgb=(0.05, 0.05, 0.055)),
        "hub": Skin(rgb=(0.62, 0.63, 0.65), shine=0.4),
        "front": Skin(rgb=(0.86, 0.88, 0.88), glow=0.15),
        "rear": Skin(rgb=(0.70, 0.05, 0.04), glow=0.2),
        "plate": Skin(rgb=(0.92, 0.92, 0.88)),
        "trim": Skin(rgb=(0.10, 0.10, 0.11)),
    }


def _chassis(shape: _Shape) -> list[Piece]:
    tail, nose, height = shape.lights_m
    width = shape.half_width_m
    pieces = [
        Piece(skin="paint", mesh=_along(shape.body, square=5.0)),
        Piece(skin="glass", mesh=_along(shape.windows, square=5.0)),
        Piece(skin="paint", mesh=_along(shape.roof, square=4.0)),
        _block("trim", (0.04, 0.9 * width, 0.06), (nose + 0.04, 0.0, 0.36)),
        _block("trim", (0.04, 0.9 * width, 0.07), (tail - 0.02, 0.0, 0.40)),
        _block("trim", (0.03, 0.40 * width, 0.05), (nose + 0.03, 0.0, height - 0.04)),
        _block("trim", (0.86 * nose, width, 0.10), (0.0, 0.0, 0.24)),
        _block("paint", *shape.pillar),
        _block("plate", (0.01, 0.26, 0.055), (tail - 0.05, 0.0, height - 0.08)),
        _block("plate", (0.01, 0.26, 0.055), (nose + 0.08, 0.0, 0.42)),
    ]
    for side in (-1.0, 1.0):
        pieces.append(
            Piece(skin="front", kind="ellipsoid", size_m=(0.06, 0.16, 0.07), at_m=(nose, side * (width - 0.18), height))
        )
        pieces.append(_block("rear", (0.05, 0.10, 0.10), (tail + 0.02, side * (width - 0.10), height + 0.10)))
        pieces.append(Piece(skin="paint", kind="ellipsoid", size_m=(0.07, 0.11, 0.08), at_m=(0.85, side * (width + 0.14), 0.98)))
        for axle in shape.axles_m:
            arch = (shape.wheel_m + 0.06, 0.10, shape.wheel_m + 0.06)
            pieces.append(Piece(skin="trim", kind="ellipsoid", size_m=arch, at_m=(axle, side * (width - 0.01), shape.wheel_m)))
    return pieces


def _along(rows: Rows, *, square: float = 4.0) -> Mesh:
    """Loft from rear to front through upright cross-sections."""
    rings = [Ring(x, 0.5 * (top - low), half, 0.5 * (top + low), 0.0, square) for x, low, top, half in rows]
    return turned(loft(rings, segments=20), _LYING)


def _block(skin: str, half_m: Triple, at_m: Triple) -> Piece:
    return Piece(skin=skin, kind="box", size_m=half_m, at_m=at_m)


def _hubs(shape: _Shape) -> dict[str, Triple]:
    return {
        f"wheel_{end}_{side}": (x, y, shape.wheel_m)
        for end, x in zip(("rear", "front"), shape.axles_m, strict=True)
        for side, y in (("left", shape.half_width_m), ("right", -shape.half_width_m))
    }


def _wheel(radius_m: float) -> list[Piece]:
    across = (0.5 * np.pi, 0.0, 0.0)
    spokes = [
        Piece(skin="trim", kind="box", size_m=(0.04, 0.126, 0.55 * radius_m), rpy_rad=(0.0, angle, 0.0))
        for angle in (0.0, np.pi / 3, 2 * np.pi / 3)
    ]
    return [
        Piece(skin="rubber", kind="cylinder", size_m=(radius_m, 0.11, 0.0), rpy_rad=across),
        Piece(skin="hub", kind="cylinder", size_m=(0.62 * radius_m, 0.12, 0.0), rpy_rad=across),
        *spokes,
    ]
