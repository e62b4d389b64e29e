# SPDX-License-Identifier: Apache-2.0
"""What is in the air: a drone with four rotors, a bird that beats its wings, something thrown.

The actor frame lies just below them: at the ground only when they are down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from patrol.geometry import Pose3
from patrol.percepts import Label
from sim.bodies.pieces import Build, Piece, Rgb, Skin
from sim.bodies.simple import SimpleBody

_ZERO_C_K = 273.15
_BEATS_PER_BOUT = 4
_GLIDES_FROM = 0.75
_BIRDS: tuple[tuple[float, Rgb], ...] = ((0.62, (0.42, 0.44, 0.50)), (0.90, (0.06, 0.06, 0.07)), (1.30, (0.86, 0.86, 0.84)))
"""Span in metres and colour of a pigeon, a crow and a gull."""


def make_drone(name: str, seed: int) -> SimpleBody:
    """A quadcopter, 0.35 to 0.75 m from rotor to rotor, with warm motors and battery; it leans into its way."""
    rng = np.random.default_rng((seed, 67))
    arm = 0.5 * float(rng.uniform(0.35, 0.75)) / math.sqrt(2.0)
    half = 0.55 * arm
    grey = float(rng.choice([0.06, 0.12, 0.75]))
    corners = [(x, y) for x in (-arm, arm) for y in (-arm, arm)]
    frame = [
        Piece(skin="shell", kind="ellipsoid", size_m=(half, 0.62 * half, 0.4 * half)),
        *(_arm(x, y) for x, y in corners),
        *(Piece(skin="rotor", kind="cylinder", size_m=(0.62 * arm, 0.008, 0.0), at_m=(x, y, 0.05)) for x, y in corners),
        *(
            Piece(
                skin="dark",
                kind="capsule",
                size_m=(0.008, 0.8 * half, 0.0),
                at_m=(0.0, y, -0.55 * half),
                rpy_rad=(0.0, 0.5 * math.pi, 0.0),
            )
            for y in (-0.5 * half, 0.5 * half)
        ),
    ]
    motors = [Piece(skin="dark", kind="cylinder", size_m=(0.022, 0.022, 0.0), at_m=(x, y, 0.022)) for x, y in corners]
    pack = [Piece(skin="dark", kind="box", size_m=(0.6 * half, 0.3 * half, 0.2 * half), at_m=(0.0, 0.0, 0.4 * half))]
    build = Build(
        parts={"frame": frame, "motors": motors, "pack": pack},
        skins={
            "shell": Skin(rgb=(grey, grey, grey)),
            "dark": Skin(rgb=(0.08, 0.08, 0.09)),
            "rotor": Skin(rgb=(0.25, 0.25, 0.27)),
        },
        collision=Piece(skin="", kind="box", size_m=(arm, arm, 0.08)),
        temperatures_k={"frame": _ZERO_C_K + 17.0, "motors": _ZERO_C_K + 46.0, "pack": _ZERO_C_K + 33.0},
    )

    def lean(speed_mps: float, phase_rad: float) -> Mapping[str, Pose3]:
        forward = min(0.03 * speed_mps, 0.4)
        pose = Pose3.from_xyz_rpy(0.0, 0.0, 0.8 * half, 0.05 * math.sin(phase_rad), forward + 0.04 * math.cos(phase_rad), 0.0)
        return dict.fromkeys(build.parts, pose)

    return SimpleBody(name=name, label=Label.DRONE, height_m=1.2 * half + 0.06, radius_m=2.0 * arm, build=build, motion=lean)


def _arm(x_m: float, y_m: float) -> Piece:
    length = math.hypot(x_m, y_m)
    turn = (0.0, 0.5 * math.pi, math.atan2(y_m, x_m))
    return Piece(skin="dark", kind="capsule", size_m=(0.018, 0.5 * length, 0.0), at_m=(0.5 * x_m, 0.5 * y_m, 0.0), rpy_rad=turn)


def make_bird(name: str, seed: int) -> SimpleBody:
    """A pigeon, a crow or a gull. A phase is a bout: three beats of the wings and a glide."""
    rng = np.random.default_rng((seed, 71))
    span, colour = _BIRDS[int(rng.integers(len(_BIRDS)))]
    span *= float(rng.uniform(0.9, 1.1))
    length = 0.45 * span
    body = [
        Piece(skin="plumage", kind="ellipsoid", size_m=(0.40 * length, 0.13 * length, 0.13 * length)),
        Piece(
            skin="plumage",
            kind="ellipsoid",
            size_m=(0.13 * length, 0.09 * length, 0.09 * length),
            at_m=(0.42 * length, 0.0, 0.06 * length),
        ),
        Piece(
            skin="plumage",
            kind="ellipsoid",
            size_m=(0.20 * length, 0.11 * length, 0.02 * length),
            at_m=(-0.48 * length, 0.0, 0.0),
        ),
    ]
    half = 0.25 * span
    parts: dict[str, Sequence[Piece]] = {"body": body}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        parts[f"arm_{side}"] = [
            Piece(skin="plumage", kind="ellipsoid", size_m=(0.30 * half, 0.55 * half, 0.012), at_m=(0.0, 0.5 * sign * half, 0.0))
        ]
        parts[f"hand_{side}"] = [
            Piece(skin="plumage", kind="ellipsoid", size_m=(0.22 * half, 0.58 * half, 0.008), at_m=(0.0, 0.5 * sign * half, 0.0))
        ]
    temperatures = {part: _ZERO_C_K + (27.0 if part == "body" else 17.0) for part in parts}
    build = Build(
        parts=parts,
        skins={"plumage": Skin(rgb=colour)},
        collision=Piece(skin="", kind="box", size_m=(0.3 * length, 0.2 * length, 0.1 * length)),
        temperatures_k=temperatures,
    )

    raised = Pose3.from_xyz_rpy(0.0, 0.0, 1.3 * half, 0.0, 0.0, 0.0)

    def beat(speed_mps: float, phase_rad: float) -> Mapping[str, Pose3]:
        del speed_mps
        poses = {"body": Pose3.from_xyz_rpy(0.0, 0.0, 0.0, 0.0, 0.0, 0.0), **_wings(phase_rad, half)}
        return {part: raised @ pose for part, pose in poses.items()}

    return SimpleBody(name=name, label=Label.BIRD, height_m=2.6 * half, radius_m=0.6 * span, build=build, motion=beat)


def _wings(phase_rad: float, half_m: float) -> dict[str, Pose3]:
    """Arms and hands in a bout of beats; the hands trail behind the arms."""
    beats = phase_rad / (2.0 * math.pi) % 1.0
    glides = beats >= _GLIDES_FROM
    angle = 2.0 * math.pi * _BEATS_PER_BOUT * beats
    arm_rad = 0.10 if glides else 0.10 + 0.75 * math.sin(angle)
    hand_rad = 0.0 if glides else 0.55 * math.sin(angle - 1.1)
    poses = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        arm = Pose3.from_xyz_rpy(0.0, 0.0, 0.03, sign * arm_rad, 0.0, 0.0)
        poses[f"arm_{side}"] = arm
        poses[f"hand_{side}"] = arm @ Pose3.from_xyz_rpy(-0.05, sign * half_m, 0.0, sign * hand_rad, 0.0, 0.0)
    return poses


def make_thrown(name: str, seed: int) -> SimpleBody:
    """A taped parcel, a filled bag or a bottle, 0.15 to 0.4 m long; it tumbles as it flies."""
    rng = np.random.default_rng((seed, 73))
    long = float(rng.uniform(0.15, 0.40))
    kind = str(rng.choice(["parcel", "bag", "bottle"]))
    stuff = {
        "parcel": Piece(skin="stuff", kind="box", size_m=(0.5 * long, 0.36 * long, 0.25 * long)),
        "bag": Piece(skin="stuff", kind="ellipsoid", size_m=(0.5 * long, 0.40 * long, 0.35 * long)),
        "bottle": Piece(skin="stuff", kind="capsule", size_m=(0.16 * long, 0.34 * long, 0.0)),
    }[kind]
    colours: dict[str, Rgb] = {"parcel": (0.60, 0.45, 0.28), "bag": (0.07, 0.07, 0.08), "bottle": (0.20, 0.36, 0.22)}
    build = Build(
        parts={"body": [stuff]},
        skins={"stuff": Skin(rgb=colours[kind], shine=0.3 if kind == "bottle" else 0.0)},
        collision=Piece(skin="", kind="box", size_m=(0.3 * long, 0.3 * long, 0.2 * long)),
        temperatures_k={"body": _ZERO_C_K + float(rng.uniform(15.0, 26.0))},
    )
    axis = rng.uniform(0.3, 1.0, 2)

    def tumble(speed_mps: float, phase_rad: float) -> Mapping[str, Pose3]:
        del speed_mps
        return {
            "body": Pose3.from_xyz_rpy(
                0.0, 0.0, 0.5 * long, float(axis[0]) * math.sin(phase_rad), phase_rad, float(axis[1]) * phase_rad
            )
        }

    return SimpleBody(name=name, label=Label.THROWN, height_m=long, radius_m=0.6 * long, build=build, motion=tumble)
