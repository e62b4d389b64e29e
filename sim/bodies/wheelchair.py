# SPDX-License-Identifier: Apache-2.0
"""A wheelchair, built around whoever sits in it. Its frame lies on the ground under the pelvis: x forward, z up."""

from __future__ import annotations

import math

from sim.bodies.appearance import Look
from sim.bodies.gait import sitting
from sim.bodies.pieces import Piece, Skin, Triple
from sim.bodies.skeleton import Skeleton

FOOTREST_M = 0.11
"""How high the soles are above the ground."""
_WHEEL_M, _CASTER_M = 0.30, 0.08
_ACROSS: Triple = (0.5 * math.pi, 0.0, 0.0)
CHAIR_SKINS = {
    "frame": Skin(rgb=(0.16, 0.17, 0.19), shine=0.4),
    "seat": Skin(rgb=(0.10, 0.11, 0.14)),
    "tyre": Skin(rgb=(0.06, 0.06, 0.06)),
    "rim": Skin(rgb=(0.66, 0.67, 0.69), shine=0.5),
}


def wheelchair(look: Look) -> list[Piece]:
    """The chair's pieces, as wide and high as ``look`` needs it."""
    pelvis = Skeleton(stature_m=look.stature_m, breadth=look.breadth).place(sitting(0.0, 0.0))["pelvis"].translation_m
    seat_m = float(pelvis[2]) + FOOTREST_M - 0.075 * look.stature_m
    half_m = 0.13 * look.stature_m * look.breadth
    pieces = [
        _box("seat", (0.22, half_m, 0.025), (0.13, 0.0, seat_m)),
        _box("seat", (0.02, half_m, 0.22), (-0.13, 0.0, seat_m + 0.24)),
    ]
    for side in (-1.0, 1.0):
        y = side * (half_m + 0.035)
        pieces += [
            *_wheel((-0.02, side * (half_m + 0.06), _WHEEL_M)),
            Piece(skin="tyre", kind="cylinder", size_m=(_CASTER_M, 0.018, 0.0), at_m=(0.38, y, _CASTER_M), rpy_rad=_ACROSS),
            _box("frame", (0.19, 0.014, 0.014), (0.10, y, seat_m + 0.20)),
            _box("frame", (0.24, 0.014, 0.014), (0.12, y, seat_m - 0.03)),
            _box("frame", (0.014, 0.014, 0.5 * seat_m), (0.36, y, 0.5 * seat_m)),
            _box("frame", (0.014, 0.014, 0.30), (-0.15, y, seat_m + 0.26)),
            _box("frame", (0.09, 0.06, 0.010), (0.48, side * 0.10, FOOTREST_M - 0.03)),
        ]
    return pieces


def _wheel(at_m: Triple) -> list[Piece]:
    """A thin tyre with spokes; a disc would hide who sits behind it."""
    spokes = [
        Piece(skin="rim", kind="box", size_m=(0.006, 0.006, _WHEEL_M), at_m=at_m, rpy_rad=(0.0, number * math.pi / 6.0, 0.0))
        for number in range(6)
    ]
    arc = _WHEEL_M * math.sin(math.pi / 16.0)
    rim = [
        Piece(
            skin="tyre",
            kind="box",
            size_m=(0.014, 0.016, arc + 0.004),
            at_m=(at_m[0] + _WHEEL_M * math.cos(angle), at_m[1], at_m[2] + _WHEEL_M * math.sin(angle)),
            rpy_rad=(0.0, -angle, 0.0),
        )
        for angle in (number * math.pi / 8.0 for number in range(16))
    ]
    return [*spokes, *rim]


def _box(skin: str, half_m: Triple, at_m: Triple) -> Piece:
    return Piece(skin=skin, kind="box", size_m=half_m, at_m=at_m)
