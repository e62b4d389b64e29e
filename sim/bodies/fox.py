# SPDX-License-Identifier: Apache-2.0
"""A fox that trots: diagonal legs swing together, the tail follows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from patrol.geometry import Pose3
from patrol.percepts import Label
from sim.bodies.meshes import Mesh, Ring, loft, turned
from sim.bodies.pieces import Build, Piece, Skin
from sim.bodies.simple import SimpleBody
from sim.bodies.textures import hair

_LYING = np.array(((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0)))
_HIP_M, _UPPER_M = 0.30, 0.15
_LEGS = {
    "fore_left": (0.20, 0.055, 0.0),
    "fore_right": (0.20, -0.055, math.pi),
    "hind_left": (-0.22, 0.055, math.pi),
    "hind_right": (-0.22, -0.055, 0.0),
}


def make_fox(name: str, seed: int) -> SimpleBody:
    """A red fox, 0.4 m at the shoulder, nose towards x."""
    rng = np.random.default_rng((seed, 41))
    red = (0.62 * float(rng.uniform(0.85, 1.1)), 0.30, 0.12)
    parts: dict[str, Sequence[Piece]] = {"body": _trunk(), "head": _head(), "tail": _tail()}
    for leg in _LEGS:
        parts[f"upper_{leg}"] = [Piece(skin="fur", mesh=_leg(_UPPER_M, 0.036, 0.020))]
        parts[f"lower_{leg}"] = [
            Piece(skin="dark", mesh=_leg(_HIP_M - _UPPER_M - 0.015, 0.019, 0.013)),
            Piece(skin="dark", kind="ellipsoid", size_m=(0.030, 0.018, 0.014), at_m=(0.012, 0.0, -_HIP_M + _UPPER_M + 0.014)),
        ]
    skins = {
        "fur": Skin(texture=hair(red, rng).finished()),
        "white": Skin(rgb=(0.85, 0.80, 0.74)),
        "dark": Skin(rgb=(0.10, 0.08, 0.07)),
    }
    collision = Piece(skin="", kind="capsule", size_m=(0.12, 0.28, 0.0), at_m=(0.0, 0.0, 0.27), rpy_rad=(0.0, 0.5 * math.pi, 0.0))
    build = Build(parts=parts, skins=skins, collision=collision, temperatures_k=dict.fromkeys(parts, 273.15 + 30.0))
    return SimpleBody(name=name, label=Label.ANIMAL, height_m=0.52, radius_m=0.85, build=build, motion=_trot)


def _trot(speed_mps: float, phase_rad: float) -> Mapping[str, Pose3]:
    swing = min(1.0, speed_mps / 0.5)
    bob = 0.012 * swing * math.cos(2.0 * phase_rad)
    poses = {
        "body": Pose3.from_xyz_rpy(0.0, 0.0, bob, 0.0, 0.0, 0.0),
        "head": Pose3.from_xyz_rpy(0.27, 0.0, 0.40 + bob, 0.0, 0.10 + 0.04 * swing * math.cos(2.0 * phase_rad), 0.0),
        "tail": Pose3.from_xyz_rpy(-0.30, 0.0, 0.35 + bob, 0.0, -0.30, 0.20 * swing * math.sin(phase_rad)),
    }
    for leg, (x, y, offset) in _LEGS.items():
        angle = 0.50 * swing * math.sin(phase_rad + offset)
        bend = 0.75 * swing * max(0.0, math.cos(phase_rad + offset)) + (0.25 if leg.startswith("hind") else 0.1)
        upper = Pose3.from_xyz_rpy(x, y, _HIP_M + bob, 0.0, -angle - 0.5 * bend, 0.0)
        poses[f"upper_{leg}"] = upper
        poses[f"lower_{leg}"] = upper @ Pose3.from_xyz_rpy(0.0, 0.0, -_UPPER_M, 0.0, bend, 0.0)
    return poses


def _lying(rows: Sequence[tuple[float, float, float, float]], tip_m: float) -> Mesh:
    """Loft along x through (x, half height, half width, height of the middle)."""
    return turned(loft([Ring(*row) for row in rows], segments=12, bottom_m=tip_m, top_m=tip_m), _LYING)


def _trunk() -> list[Piece]:
    rows = (
        (-0.28, 0.075, 0.060, 0.335),
        (-0.16, 0.085, 0.070, 0.335),
        (0.02, 0.082, 0.068, 0.33),
        (0.16, 0.100, 0.075, 0.325),
        (0.26, 0.075, 0.058, 0.355),
    )
    belly = Piece(skin="white", kind="ellipsoid", size_m=(0.10, 0.05, 0.05), at_m=(0.20, 0.0, 0.27))
    return [Piece(skin="fur", mesh=_lying(rows, 0.05)), belly]


def _head() -> list[Piece]:
    skull = ((-0.05, 0.050, 0.048, 0.0), (0.03, 0.058, 0.062, 0.005), (0.09, 0.036, 0.036, -0.010), (0.17, 0.018, 0.018, -0.020))
    ears = [
        Piece(skin="fur", kind="ellipsoid", size_m=(0.012, 0.026, 0.050), at_m=(0.0, y, 0.075), rpy_rad=(-3.0 * y, 0.0, 0.0))
        for y in (-0.042, 0.042)
    ]
    return [
        Piece(skin="fur", mesh=_lying(skull, 0.012)),
        Piece(skin="white", kind="ellipsoid", size_m=(0.060, 0.030, 0.018), at_m=(0.09, 0.0, -0.034)),
        Piece(skin="dark", kind="sphere", size_m=(0.013, 0.0, 0.0), at_m=(0.185, 0.0, -0.018)),
        *ears,
    ]


def _tail() -> list[Piece]:
    rows = ((-0.36, 0.030, 0.030, 0.0), (-0.24, 0.055, 0.052, 0.0), (-0.10, 0.048, 0.045, 0.0), (0.0, 0.020, 0.020, 0.0))
    tip = Piece(skin="white", kind="ellipsoid", size_m=(0.060, 0.032, 0.032), at_m=(-0.37, 0.0, 0.0))
    return [Piece(skin="fur", mesh=_lying(rows, 0.03)), tip]


def _leg(length_m: float, top_m: float, bottom_m: float) -> Mesh:
    rings = [
        Ring(-length_m, bottom_m, bottom_m),
        Ring(-0.5 * length_m, 0.5 * (top_m + bottom_m), 0.5 * (top_m + bottom_m)),
        Ring(0.0, top_m, 0.8 * top_m),
    ]
    return loft(rings, segments=8, bottom_m=0.012, top_m=0.03)
