# SPDX-License-Identifier: Apache-2.0
"""Things that stand on a site: fences, walls, buildings, vehicles, containers, lamps, trees. Sizes in metres."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from sim.world_builder_model import Colour, Model, Part, Surface, Triple

Point = tuple[float, float]
_DARK: Colour = (0.08, 0.08, 0.09, 1.0)
_STEEL: Colour = (0.45, 0.47, 0.48, 1.0)
_GREENS: tuple[Colour, ...] = ((0.24, 0.40, 0.16, 1.0), (0.28, 0.43, 0.17, 1.0), (0.20, 0.35, 0.14, 1.0))
_CROWN = (
    (0.0, 0.0, 0.80, 0.80),
    (0.62, 0.20, 0.66, 0.62),
    (-0.52, 0.42, 0.64, 0.60),
    (-0.12, -0.62, 0.67, 0.60),
    (0.40, -0.48, 0.78, 0.52),
    (-0.55, -0.20, 0.80, 0.50),
    (0.10, 0.58, 0.78, 0.55),
    (0.0, 0.0, 0.62, 0.70),
)
"""Balls of a tree's crown: offsets and radius in radii of the crown, middle in heights of the tree."""


def box(surface: Surface, size_m: Triple, at_m: Triple, *, colour: Colour | None = None, solid: bool = True) -> Part:
    """A box of ``size_m`` whose lower face's centre is at ``at_m``."""
    centre = (at_m[0], at_m[1], at_m[2] + 0.5 * size_m[2])
    return Part(surface=surface, size_m=size_m, at_m=centre, colour=colour, solid=solid)


def ground(size_m: Point) -> Model:
    """The flat ground at z = 0: what wheels touch, seen as grass just below it."""
    touched = Part(surface="grass", shape="plane", size_m=size_m, at_m=(0.0, 0.0, 0.0), seen=False)
    seen = Part(surface="grass", shape="plane", size_m=size_m, at_m=(0.0, 0.0, -0.02), solid=False)
    return Model(name="ground", parts=(touched, seen))


def slab(name: str, surface: Surface, west_south: Point, east_north: Point, *, top_m: float = 0.0) -> Model:
    """A paved rectangle, only seen. Its top lies at ``top_m``."""
    size = (east_north[0] - west_south[0], east_north[1] - west_south[1], 0.1)
    centre = (0.5 * (west_south[0] + east_north[0]), 0.5 * (west_south[1] + east_north[1]))
    return Model(name=name, x_m=centre[0], y_m=centre[1], parts=(box(surface, size, (0, 0, top_m - 0.1), solid=False),))


def stripes(name: str, ends: Sequence[tuple[Point, Point]], *, width_m: float = 0.12, colour: Colour | None = None) -> Model:
    """Painted lines on the ground, one for each pair of ends."""
    parts = []
    for (x0, y0), (x1, y1) in ends:
        yaw_deg = math.degrees(math.atan2(y1 - y0, x1 - x0))
        centre = (0.5 * (x0 + x1), 0.5 * (y0 + y1), 0.004)
        size = (math.hypot(x1 - x0, y1 - y0), width_m, 0.008)
        parts.append(Part(surface="paint", size_m=size, at_m=centre, rpy_deg=(0, 0, yaw_deg), colour=colour, solid=False))
    return Model(name=name, parts=tuple(parts))


def _run(start: Point, end: Point) -> tuple[float, float, float, float]:
    """Middle x, y, length and yaw of a straight run."""
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    yaw_deg = math.degrees(math.atan2(end[1] - start[1], end[0] - start[0]))
    return 0.5 * (start[0] + end[0]), 0.5 * (start[1] + end[1]), length, yaw_deg


def fence(name: str, start: Point, end: Point, *, height_m: float = 2.4, post_every_m: float = 5.0) -> Model:
    """Chain-link fence with posts, a top rail, and a low kerb."""
    x, y, length, yaw = _run(start, end)
    posts = max(1, round(length / post_every_m))
    parts = [
        box("fence", (length, 0.03, height_m - 0.12), (0, 0, 0.1)),
        box("metal", (length, 0.05, 0.05), (0, 0, height_m - 0.03), colour=_STEEL, solid=False),
        box("concrete", (length, 0.12, 0.12), (0, 0, 0), solid=False),
    ]
    for index in range(posts + 1):
        along = -0.5 * length + index * length / posts
        parts.append(box("metal", (0.08, 0.08, height_m + 0.1), (along, 0, 0), colour=_STEEL))
    return Model(name=name, x_m=x, y_m=y, yaw_deg=yaw, parts=tuple(parts))


def gate(name: str, start: Point, end: Point, *, height_m: float = 2.2) -> Model:
    """A shut sliding gate of upright bars between two stout posts."""
    x, y, length, yaw = _run(start, end)
    half = 0.5 * length
    post: Triple = (0.35, 0.35, height_m + 0.4)
    yellow: Colour = (0.85, 0.68, 0.1, 1.0)
    parts = [
        Part(surface="fence", size_m=(length, 0.04, height_m), at_m=(0, 0, 0.5 * height_m)),
        box("metal", (length, 0.08, 0.14), (0, 0, 0.05), colour=yellow, solid=False),
        box("metal", (length, 0.08, 0.14), (0, 0, height_m - 0.14), colour=yellow, solid=False),
        box("concrete", post, (-half, 0, 0)),
        box("concrete", post, (half, 0, 0)),
    ]
    bars = int(length / 0.5)
    places = [-half + index * length / bars for index in range(1, bars)]
    parts.extend(box("metal", (0.05, 0.05, height_m - 0.2), (along, 0, 0.1), solid=False) for along in places)
    return Model(name=name, x_m=x, y_m=y, yaw_deg=yaw, parts=tuple(parts))


def wall(name: str, start: Point, end: Point, *, height_m: float, thick_m: float = 0.4, surface: Surface = "concrete") -> Model:
    """A wall with a coping and a buttress every 8 m on its left side."""
    x, y, length, yaw = _run(start, end)
    parts = [
        box(surface, (length, thick_m, height_m), (0, 0, 0)),
        box("concrete", (length, thick_m + 0.2, 0.2), (0, 0, height_m), colour=(0.5, 0.5, 0.48, 1.0), solid=False),
    ]
    places = [-0.5 * length + 8.0 * index for index in range(1, int(length // 8))]
    parts.extend(box(surface, (0.6, 0.3, height_m - 0.3), (along, 0.5 * thick_m + 0.15, 0)) for along in places)
    return Model(name=name, x_m=x, y_m=y, yaw_deg=yaw, parts=tuple(parts))


def _windows(width_m: float, depth_m: float, sills_m: tuple[float, ...], pitch_m: float) -> Iterator[Part]:
    for sill in sills_m:
        for side in (-1, 1):
            for index in range(int((width_m - 1.5) // pitch_m)):
                along = (index - 0.5 * (int((width_m - 1.5) // pitch_m) - 1)) * pitch_m
                yield box("glass", (1.4, 0.06, 1.2), (along, side * 0.5 * depth_m, sill), solid=False)
            for index in range(int((depth_m - 1.5) // pitch_m)):
                along = (index - 0.5 * (int((depth_m - 1.5) // pitch_m) - 1)) * pitch_m
                yield box("glass", (0.06, 1.4, 1.2), (side * 0.5 * width_m, along, sill), solid=False)


def building(
    name: str, at_m: Point, size_m: Triple, *, surface: Surface, colour: Colour | None = None, sills_m: tuple[float, ...] = ()
) -> Model:
    """An upright block (width along x, depth along y, height) with a plinth, a roof edge, and rows of windows at ``sills_m``."""
    width, depth, height = size_m
    parts = [
        box(surface, size_m, (0, 0, 0), colour=colour),
        box("concrete", (width + 0.06, depth + 0.06, 0.35), (0, 0, 0), solid=False),
        box("roof", (width + 0.5, depth + 0.5, 0.3), (0, 0, height), solid=False),
        *_windows(width, depth, sills_m, 3.0),
    ]
    return Model(name=name, x_m=at_m[0], y_m=at_m[1], parts=tuple(parts))


def doors(name: str, places: Sequence[tuple[Point, bool]], *, size_m: Point, colour: Colour) -> Model:
    """Doors laid on walls: each at a point of the wall, and whether that wall runs along x. ``size_m`` is width and height."""
    parts = []
    for (x, y), along_x in places:
        size = (size_m[0], 0.1, size_m[1]) if along_x else (0.1, size_m[0], size_m[1])
        parts.append(box("metal", size, (x, y, 0), colour=colour, solid=False))
    return Model(name=name, parts=tuple(parts))


def _wheel(x: float, y: float, radius_m: float, width_m: float) -> Part:
    return Part(
        surface="metal",
        shape="cylinder",
        size_m=(radius_m, width_m),
        at_m=(x, y, radius_m),
        rpy_deg=(90, 0, 0),
        colour=_DARK,
        solid=False,
    )


def car(name: str, at_m: Point, yaw_deg: float, colour: Colour) -> Model:
    """A parked car, 4.4 by 1.8 by 1.45 m, nose towards its yaw."""
    parts = (
        box("metal", (4.4, 1.78, 0.62), (0, 0, 0.22), colour=colour),
        box("glass", (2.35, 1.56, 0.5), (-0.25, 0, 0.82)),
        box("metal", (1.75, 1.5, 0.09), (-0.25, 0, 1.32), colour=colour),
        box("paint", (0.06, 1.3, 0.14), (2.19, 0, 0.55), colour=(0.95, 0.95, 0.9, 1.0), solid=False),
        box("paint", (0.06, 1.3, 0.14), (-2.19, 0, 0.6), colour=(0.7, 0.08, 0.06, 1.0), solid=False),
        *(_wheel(x, y, 0.32, 0.2) for x in (-1.35, 1.35) for y in (-0.82, 0.82)),
    )
    return Model(name=name, x_m=at_m[0], y_m=at_m[1], yaw_deg=yaw_deg, parts=parts)


def lorry(name: str, at_m: Point, yaw_deg: float, colour: Colour) -> Model:
    """A parked lorry with a 9 m box, 11.8 by 2.5 by 3.8 m, side skirts down to 0.4 m, nose towards its yaw."""
    parts = (
        box("metal", (9.0, 2.5, 2.9), (-1.4, 0, 0.9), colour=(0.86, 0.86, 0.84, 1.0)),
        box("metal", (9.0, 2.4, 0.5), (-1.4, 0, 0.4), colour=_DARK),
        box("metal", (2.2, 2.45, 2.2), (4.6, 0, 0.5), colour=colour),
        box("glass", (0.08, 2.1, 0.8), (5.7, 0, 1.75), solid=False),
        box("paint", (0.08, 2.2, 0.2), (5.7, 0, 0.75), colour=(0.95, 0.95, 0.9, 1.0), solid=False),
        *(_wheel(x, y, 0.5, 0.3) for x in (-4.6, -3.4, 4.6) for y in (-1.12, 1.12)),
    )
    return Model(name=name, x_m=at_m[0], y_m=at_m[1], yaw_deg=yaw_deg, parts=parts)


def container(name: str, at_m: Point, yaw_deg: float, colour: Colour, *, stacked: int = 1) -> Model:
    """Twenty-foot containers, 6.06 by 2.44 by 2.59 m each, one on the other."""
    parts = []
    for level in range(stacked):
        parts.append(box("metal", (6.06, 2.44, 2.55), (0, 0, 2.59 * level), colour=colour))
        parts.append(box("metal", (0.06, 2.3, 2.3), (3.03, 0, 2.59 * level + 0.12), colour=_STEEL, solid=False))
    return Model(name=name, x_m=at_m[0], y_m=at_m[1], yaw_deg=yaw_deg, parts=tuple(parts))


def lamp(name: str, at_m: Point, *, height_m: float = 6.5) -> Model:
    """A lamp post with two heads."""
    parts = (
        Part(surface="metal", shape="cylinder", size_m=(0.09, height_m), at_m=(0, 0, 0.5 * height_m), colour=_STEEL),
        box("metal", (1.6, 0.12, 0.1), (0, 0, height_m), colour=_STEEL, solid=False),
        box("paint", (0.5, 0.25, 0.1), (0.7, 0, height_m - 0.1), colour=(0.98, 0.96, 0.85, 1.0), solid=False),
        box("paint", (0.5, 0.25, 0.1), (-0.7, 0, height_m - 0.1), colour=(0.98, 0.96, 0.85, 1.0), solid=False),
        box("concrete", (0.5, 0.5, 0.3), (0, 0, 0)),
    )
    return Model(name=name, x_m=at_m[0], y_m=at_m[1], parts=parts)


def tree(name: str, at_m: Point, *, height_m: float = 7.0) -> Model:
    """A broad-leaved tree: a trunk and a crown of balls."""
    crown = 0.26 * height_m
    trunk_m = 0.55 * height_m
    parts = [Part(surface="wood", shape="cylinder", size_m=(0.035 * height_m, trunk_m), at_m=(0, 0, 0.5 * trunk_m))]
    for (x, y, z, share), green in zip(_CROWN, _GREENS * 3, strict=False):
        at = (x * crown, y * crown, z * height_m)
        ball = Part(surface="foliage", shape="sphere", size_m=(crown * share,), at_m=at, colour=green, solid=False)
        parts.append(ball)
    return Model(name=name, x_m=at_m[0], y_m=at_m[1], parts=tuple(parts))


def rock(name: str, at_m: Point, radius_m: float) -> Model:
    """A boulder, half in the ground."""
    parts = (
        Part(surface="gravel", shape="sphere", size_m=(radius_m,), at_m=(0, 0, 0.15 * radius_m), colour=(0.46, 0.44, 0.41, 1.0)),
        Part(
            surface="gravel",
            shape="sphere",
            size_m=(0.7 * radius_m,),
            at_m=(0.6 * radius_m, 0.3 * radius_m, 0.1),
            colour=(0.5, 0.47, 0.43, 1.0),
        ),
    )
    return Model(name=name, x_m=at_m[0], y_m=at_m[1], parts=parts)


def pallets(name: str, at_m: Point, levels: int) -> Model:
    """A stack of euro pallets, 1.2 by 0.8 m, each 0.144 m high, with crates on top."""
    height = 0.144 * levels
    parts = (
        box("wood", (1.2, 0.8, height), (0, 0, 0)),
        box("wood", (1.1, 0.7, 0.6), (0, 0, height), colour=(0.62, 0.47, 0.30, 1.0)),
    )
    return Model(name=name, x_m=at_m[0], y_m=at_m[1], parts=parts)


def bollards(name: str, places: Sequence[Point]) -> Model:
    """Yellow posts, 1 m high."""
    yellow: Colour = (0.88, 0.72, 0.12, 1.0)
    parts = [Part(surface="paint", shape="cylinder", size_m=(0.1, 1.0), at_m=(x, y, 0.5), colour=yellow) for x, y in places]
    return Model(name=name, parts=tuple(parts))


def tank(name: str, at_m: Point) -> Model:
    """A fuel tank lying on two saddles, 4 m long."""
    white: Colour = (0.85, 0.86, 0.86, 1.0)
    parts = (
        Part(surface="metal", shape="cylinder", size_m=(0.9, 4.0), at_m=(0, 0, 1.3), rpy_deg=(0, 90, 0), colour=white),
        box("concrete", (0.5, 1.6, 0.9), (-1.3, 0, 0)),
        box("concrete", (0.5, 1.6, 0.9), (1.3, 0, 0)),
    )
    return Model(name=name, x_m=at_m[0], y_m=at_m[1], parts=parts)


def charger(name: str, at_m: Point) -> Model:
    """The dock's charging post."""
    parts = (
        box("metal", (0.3, 0.7, 0.9), (0, 0, 0), colour=(0.2, 0.24, 0.3, 1.0)),
        box("paint", (0.02, 0.4, 0.2), (0.16, 0, 0.6), colour=(0.2, 0.75, 0.35, 1.0), solid=False),
    )
    return Model(name=name, x_m=at_m[0], y_m=at_m[1], parts=parts)


def tower(name: str, at_m: Point, *, height_m: float = 9.0) -> Model:
    """A watch tower: a shaft, a cabin with windows all round, a roof."""
    parts = (
        box("concrete", (2.6, 2.6, height_m - 2.6), (0, 0, 0)),
        box("concrete", (4.2, 4.2, 0.9), (0, 0, height_m - 2.6)),
        box("glass", (4.0, 4.0, 1.2), (0, 0, height_m - 1.7)),
        box("roof", (4.8, 4.8, 0.4), (0, 0, height_m - 0.5)),
    )
    return Model(name=name, x_m=at_m[0], y_m=at_m[1], parts=parts)
