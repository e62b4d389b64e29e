# SPDX-License-Identifier: Apache-2.0
"""Things that are no threat by themselves: a tree in the wind and a dropped package."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from patrol.geometry import Pose3
from patrol.percepts import Label
from sim.bodies.meshes import Mesh, Ring, loft, pushed
from sim.bodies.pieces import Build, Piece, Skin
from sim.bodies.simple import SimpleBody
from sim.bodies.textures import Canvas, cloth, hair

_AMBIENT_K = 273.15 + 15.0


def make_tree(name: str, seed: int) -> SimpleBody:
    """A young tree, 4 to 6 m tall, whose crown leans to and fro by up to 5 degrees as the phase turns."""
    rng = np.random.default_rng((seed, 19))
    height = float(rng.uniform(4.0, 6.0))
    trunk_m = 0.45 * height
    bark = loft(
        [Ring(0.0, 0.16, 0.16), Ring(0.4, 0.11, 0.11), Ring(trunk_m, 0.08, 0.08), Ring(0.75 * height, 0.03, 0.03)], segments=8
    )
    balls = [
        Piece(skin="leaves", mesh=_leafy(rng, 0.19 * height * size), at_m=(x * height, y * height, z * height))
        for x, y, z, size in ((0, 0, 0.31, 1.0), (0.13, 0.05, 0.16, 0.85), (-0.12, 0.08, 0.18, 0.8), (-0.02, -0.14, 0.2, 0.85))
    ]
    green = (0.20 * float(rng.uniform(0.8, 1.3)), 0.36, 0.13)
    canvas = Canvas(green, rng)
    canvas.shade(canvas.noise(0.30, (1.0, 1.0)))
    skins = {"leaves": Skin(texture=canvas.finished()), "bark": Skin(texture=hair((0.30, 0.23, 0.17), rng).finished())}
    collision = Piece(skin="", kind="capsule", size_m=(0.16, 0.5 * trunk_m, 0.0), at_m=(0.0, 0.0, 0.5 * trunk_m))
    build = Build(
        parts={"trunk": [Piece(skin="bark", mesh=bark)], "crown": balls},
        skins=skins,
        collision=collision,
        temperatures_k={"trunk": _AMBIENT_K, "crown": _AMBIENT_K - 1.0},
    )

    def sway(speed_mps: float, phase_rad: float) -> Mapping[str, Pose3]:
        del speed_mps
        lean, side = math.radians(5.0) * math.sin(phase_rad), math.radians(2.5) * math.sin(2.0 * phase_rad + 1.0)
        return {"crown": Pose3.from_xyz_rpy(0.0, 0.0, trunk_m, side, lean, 0.0)}

    return SimpleBody(name=name, label=None, height_m=height, radius_m=0.45 * height, build=build, motion=sway)


def make_package(name: str, seed: int) -> SimpleBody:
    """Something left on the ground: a taped cardboard box or a full bin bag."""
    rng = np.random.default_rng((seed, 53))
    if rng.random() < 0.7:
        half = (float(rng.uniform(0.16, 0.24)), float(rng.uniform(0.14, 0.20)), float(rng.uniform(0.11, 0.18)))
        tape = Piece(skin="tape", kind="box", size_m=(half[0] + 0.002, 0.025, half[2] + 0.002), at_m=(0.0, 0.0, half[2]))
        pieces = [Piece(skin="stuff", kind="box", size_m=half, at_m=(0.0, 0.0, half[2])), tape]
        stuff = Skin(rgb=(0.62, 0.46, 0.29))
    else:
        half = (0.22, 0.20, 0.22)
        sack = loft(
            [Ring(0.05, 0.20, 0.18), Ring(0.18, 0.22, 0.20), Ring(0.30, 0.14, 0.13), Ring(0.38, 0.04, 0.04)],
            segments=12,
            bottom_m=0.05,
            top_m=0.04,
        )
        pieces = [Piece(skin="stuff", mesh=pushed(sack, 0.012 * rng.standard_normal(len(sack.vertices_m))))]
        stuff = Skin(texture=cloth((0.08, 0.08, 0.09), rng, folds=0.3).finished(), shine=0.3)
    collision = Piece(skin="", kind="box", size_m=half, at_m=(0.0, 0.0, half[2]))
    build = Build(
        parts={"body": pieces},
        skins={"stuff": stuff, "tape": Skin(rgb=(0.78, 0.70, 0.52))},
        collision=collision,
        temperatures_k={"body": _AMBIENT_K + 2.0},
    )
    radius = float(np.hypot(half[0], half[1])) + 0.05
    return SimpleBody(name=name, label=Label.OBJECT, height_m=2.0 * half[2], radius_m=radius, build=build)


def _leafy(rng: np.random.Generator, radius_m: float) -> Mesh:
    """A ball whose surface is torn up like foliage."""
    heights = np.linspace(-0.92, 0.92, 9)
    rings = [Ring(radius_m * h, *(2 * (radius_m * math.sqrt(1.0 - h * h),))) for h in heights]
    ball = loft(rings, segments=14, bottom_m=0.08 * radius_m, top_m=0.08 * radius_m)
    tear = 0.13 * radius_m * rng.standard_normal(len(ball.vertices_m))
    columns = 15
    tear = tear.reshape(-1, columns)
    tear[:, -1] = tear[:, 0]
    return pushed(ball, tear.ravel())
