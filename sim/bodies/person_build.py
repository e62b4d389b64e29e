# SPDX-License-Identifier: Apache-2.0
"""The shapes of a person's segments, in fractions of stature, and what covers them.

Breadths after the same tables as the skeleton, with clothes on top. Frames: see ``sim.bodies.skeleton``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from patrol.checks import Floats
from sim.bodies.appearance import Look
from sim.bodies.meshes import Mesh, Ring, loft, pushed, turned
from sim.bodies.pieces import Build, Piece, Skin
from sim.bodies.skeleton import FOREARM, SHIN, SOLE, THIGH, UPPER_ARM
from sim.bodies.textures import cloth, face, hair, hi_vis, jacket, overall, shirt, shoe, trousers
from sim.bodies.wheelchair import CHAIR_SKINS, wheelchair

_KELVIN = 273.15
_TEMPERATURES_C = {
    "head": 34.0,
    "torso": 28.5,
    "pelvis": 28.0,
    "thigh": 27.5,
    "shin": 26.8,
    "foot": 26.0,
    "bag": 21.0,
    "chair": 17.0,
}
_TEMPERATURES_C |= {"upper_arm": 28.0, "forearm": 28.5, "hand": 33.0}
_LYING = np.array(((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0)))
"""Lays a mesh down, for shoes: its z axis points forward and its front up."""
_FACE_HALF_RAD = np.radians(62.0)


def build_person(look: Look) -> Build:
    """All parts of a person who looks like ``look``."""
    parts: dict[str, list[Piece]] = {
        "pelvis": [Piece(skin="trousers", mesh=_pelvis(look))],
        "torso": [Piece(skin="top", mesh=_torso(look))],
        "head": _head(look),
    }
    for side in ("left", "right"):
        parts[f"thigh_{side}"] = [Piece(skin="trousers", mesh=_thigh(look))]
        parts[f"shin_{side}"] = [Piece(skin="trousers", mesh=_shin(look))]
        parts[f"foot_{side}"] = [Piece(skin="shoe", mesh=_shoe(look))]
        parts[f"upper_arm_{side}"] = [Piece(skin="sleeve", mesh=_upper_arm(look))]
        parts[f"forearm_{side}"] = [Piece(skin="sleeve" if look.long_sleeves else "skin", mesh=_forearm(look))]
        parts[f"hand_{side}"] = _hand(look, 1.0 if side == "left" else -1.0)
    if look.bag != "none":
        parts["bag"] = _bag(look)
    if look.bearing == "sitting":
        parts["chair"] = wheelchair(look)
    tall = max(0.5 * look.height_m, 0.26)
    collision = Piece(skin="", kind="capsule", size_m=(0.25, tall - 0.25, 0.0), at_m=(0.0, 0.0, tall))
    temperatures = {part: _KELVIN + _TEMPERATURES_C[part.removesuffix("_left").removesuffix("_right")] for part in parts}
    return Build(parts=parts, skins=_skins(look), collision=collision, temperatures_k=temperatures)


def _skins(look: Look) -> dict[str, Skin]:
    rng = np.random.default_rng(look.texture_seed)
    under = look.accent_rgb
    top = {
        "shirt": lambda: shirt(look.top_rgb, look.skin, rng),
        "jacket": lambda: jacket(look.top_rgb, look.accent_rgb, rng),
        "vest": lambda: hi_vis(look.top_rgb, under, rng),
        "overall": lambda: overall(look.top_rgb, look.accent_rgb, rng),
    }[look.top]()
    sleeve = cloth(under if look.top == "vest" else look.top_rgb, rng, folds=0.13)
    headwear = look.hair if look.headwear in ("short_hair", "long_hair", "none") else look.headwear_rgb
    hatter = cloth if look.headwear == "hood" else hair
    return {
        "top": Skin(texture=top.finished()),
        "sleeve": Skin(texture=sleeve.finished()),
        "trousers": Skin(texture=trousers(look.trousers_rgb, rng).finished()),
        "shoe": Skin(texture=shoe(look.shoes_rgb, rng).finished(), shine=0.1),
        "face": Skin(texture=face(look.skin, look.hair, rng).finished()),
        "headwear": Skin(texture=hatter(headwear, rng).finished()),
        "helmet": Skin(rgb=look.headwear_rgb, shine=0.3),
        "skin": Skin(rgb=look.skin),
        "hand": Skin(rgb=(0.08, 0.08, 0.09) if look.gloves else look.skin),
        "bag": Skin(texture=cloth(look.bag_rgb, rng).finished()),
        **(CHAIR_SKINS if look.bearing == "sitting" else {}),
    }


def _scaled(look: Look, rows: Sequence[tuple[float, ...]], *, breadth: float, depth: float | None = None) -> list[Ring]:
    """Rings from rows (z, half x, half y, x, square) in fractions of stature; lowest first."""
    height = look.stature_m
    across = breadth if depth is None else depth
    rings = []
    for z, half_x, half_y, *rest in rows:
        x, square = rest if len(rest) == 2 else (rest[0], 2.0)
        rings.append(Ring(z * height, half_x * height * across, half_y * height * breadth, x * height, 0.0, square))
    return rings


def _pelvis(look: Look) -> Mesh:
    rows = [
        (-0.062, 0.034, 0.050, 0.0, 2.6),
        (-0.035, 0.056, 0.092, -0.002, 2.4),
        (0.000, 0.064, 0.098, -0.004, 2.3),
        (0.040, 0.060, 0.090, 0.0, 2.2),
        (0.075, 0.056, 0.083, 0.002, 2.2),
    ]
    return loft(_scaled(look, rows, breadth=0.5 + 0.5 * look.breadth, depth=look.girth), segments=16, bottom_m=0.02, top_m=0.01)


def _torso(look: Look) -> Mesh:
    loose = {"shirt": 1.0, "jacket": 1.08, "vest": 1.06, "overall": 1.05}[look.top]
    hem = -0.075 if look.top in ("jacket", "vest") else -0.045
    waist = look.girth * loose
    rows = [
        (hem, 0.067 * waist, 0.098 * loose, -0.003, 2.4),
        (hem + 0.03, 0.066 * waist, 0.096 * loose, -0.001, 2.4),
        (0.020, 0.061 * waist, 0.086 * loose, 0.003, 2.3),
        (0.075, 0.063 * waist, 0.089 * loose, 0.003, 2.3),
        (0.130, 0.069 * loose, 0.099 * loose, 0.002, 2.4),
        (0.180, 0.070 * loose, 0.106 * loose, 0.0, 2.4),
        (0.215, 0.064 * loose, 0.108 * loose, -0.004, 2.3),
        (0.240, 0.054, 0.098, -0.006, 2.2),
        (0.257, 0.045, 0.070, -0.007, 2.0),
        (0.270, 0.039, 0.042, -0.006, 2.0),
        (0.282, 0.037, 0.038, -0.004, 2.0),
    ]
    return loft(_scaled(look, rows, breadth=look.breadth, depth=1.0), segments=18, bottom_m=0.008, top_m=0.0)


def _limb(look: Look, rows: Sequence[tuple[float, ...]], *, ends: float) -> Mesh:
    height = look.stature_m
    return loft(_scaled(look, rows, breadth=0.6 + 0.4 * look.breadth), segments=10, bottom_m=ends * height, top_m=ends * height)


def _thigh(look: Look) -> Mesh:
    plump = 0.6 + 0.4 * look.girth
    rows = [
        (-THIGH - 0.006, 0.038, 0.035, 0.002),
        (-0.200, 0.041, 0.038, 0.003),
        (-0.130, 0.047 * plump, 0.043 * plump, 0.004),
        (-0.060, 0.053 * plump, 0.048 * plump, 0.002),
        (0.000, 0.054 * plump, 0.048 * plump, 0.0),
    ]
    return _limb(look, rows, ends=0.018)


def _shin(look: Look) -> Mesh:
    rows = [
        (-SHIN + 0.004, 0.034, 0.030, -0.002),
        (-0.190, 0.031, 0.029, -0.002),
        (-0.120, 0.035, 0.032, -0.006),
        (-0.060, 0.037, 0.033, -0.005),
        (0.000, 0.036, 0.033, 0.002),
    ]
    return _limb(look, rows, ends=0.016)


def _upper_arm(look: Look) -> Mesh:
    rows = [
        (-UPPER_ARM - 0.006, 0.028, 0.026, 0.0),
        (-0.130, 0.031, 0.028, 0.0),
        (-0.060, 0.034, 0.031, 0.0),
        (-0.010, 0.037, 0.033, 0.0),
    ]
    return _limb(look, rows, ends=0.026)


def _forearm(look: Look) -> Mesh:
    slim = 1.0 if look.long_sleeves else 0.86
    rows = [
        (-FOREARM + 0.004, 0.022 * slim, 0.020 * slim, 0.0),
        (-0.100, 0.024 * slim, 0.022 * slim, 0.0),
        (-0.040, 0.028 * slim, 0.026 * slim, 0.0),
        (0.000, 0.028 * slim, 0.026 * slim, 0.0),
    ]
    return _limb(look, rows, ends=0.014)


def _hand(look: Look, sign: float) -> list[Piece]:
    height = look.stature_m
    rows = [
        (-0.088, 0.016, 0.008, 0.008),
        (-0.055, 0.024, 0.012, 0.004),
        (-0.025, 0.024, 0.013, 0.002),
        (0.004, 0.016, 0.012, 0.0),
    ]
    palm = Piece(skin="hand", mesh=_limb(look, rows, ends=0.008))
    thumb = Piece(
        skin="hand",
        kind="capsule",
        size_m=(0.007 * height, 0.016 * height, 0.0),
        at_m=(0.026 * height, -sign * 0.004 * height, -0.036 * height),
        rpy_rad=(0.0, -0.45, 0.0),
    )
    return [palm, thumb]


def _shoe(look: Look) -> Mesh:
    """Lofted from heel to toe along z, then laid down; half x is its height, half y its width."""
    rows = [
        (-0.042, 0.024, 0.021),
        (-0.025, 0.033, 0.025),
        (0.005, 0.034, 0.026),
        (0.035, 0.026, 0.028),
        (0.070, 0.018, 0.030),
        (0.098, 0.014, 0.024),
    ]
    rings = _scaled(look, [(z, half, width, half - SOLE, 2.6) for z, half, width in rows], breadth=1.0)
    height = look.stature_m
    return turned(loft(rings, segments=14, bottom_m=0.010 * height, top_m=0.012 * height), _LYING)


def _head_rings(look: Look, *, grown: float = 0.0) -> list[Ring]:
    rows: Sequence[tuple[float, ...]] = [
        (-0.020, 0.034, 0.033, -0.006),
        (0.012, 0.032, 0.031, -0.002),
        (0.026, 0.038, 0.033, 0.004),
        (0.040, 0.047, 0.037, 0.008, 2.1),
        (0.062, 0.053, 0.041, 0.008, 2.2),
        (0.086, 0.056, 0.044, 0.006, 2.2),
        (0.108, 0.057, 0.045, 0.004, 2.1),
        (0.128, 0.050, 0.041, 0.003),
    ]
    head = look.head
    grown_rows = [(z * head, (x + grown) * head, (y + grown) * head, rest[0] * head, *rest[1:]) for z, x, y, *rest in rows]
    return _scaled(look, grown_rows, breadth=1.0)


def _head(look: Look) -> list[Piece]:
    height = look.stature_m * look.head
    skull = loft(_head_rings(look), segments=16, top_m=0.028 * height)
    pieces = [
        Piece(skin="face", mesh=skull),
        Piece(
            skin="skin", kind="ellipsoid", size_m=_times(height, (0.010, 0.006, 0.011)), at_m=_times(height, (0.060, 0, 0.068))
        ),
        *(
            Piece(
                skin="skin", kind="ellipsoid", size_m=_times(height, (0.010, 0.005, 0.016)), at_m=_times(height, (0.0, y, 0.078))
            )
            for y in (-0.045, 0.045)
        ),
    ]
    if look.headwear == "hood":
        return [*pieces, Piece(skin="headwear", mesh=_shell(look, 0.017, lowest=0, face_top=0.122))]
    if look.headwear == "long_hair":
        return [*pieces, Piece(skin="headwear", mesh=_shell(look, 0.009, lowest=1, face_top=0.116))]
    if look.headwear == "none":
        return pieces
    pieces.append(Piece(skin="headwear", mesh=_shell(look, 0.006, lowest=4, face_top=0.116)))
    if look.headwear in ("cap", "helmet"):
        pieces.extend(_hat(look))
    return pieces


def _shell(look: Look, grown: float, *, lowest: int, face_top: float) -> Mesh:
    """Hair or a hood: the head grown by ``grown``, sunk under the face below ``face_top`` (fractions of stature)."""
    height = look.stature_m * look.head
    mesh = loft(_head_rings(look, grown=grown)[lowest:], segments=16, top_m=(0.028 + grown) * height)
    angle = np.abs(np.arctan2(mesh.vertices_m[:, 1], mesh.vertices_m[:, 0]))
    sunk: Floats = ((angle < _FACE_HALF_RAD) & (mesh.vertices_m[:, 2] < face_top * height)).astype(np.float64)
    return pushed(mesh, -sunk * (grown + 0.014) * height)


def _hat(look: Look) -> list[Piece]:
    height = look.stature_m * look.head
    swell = 0.007 if look.headwear == "cap" else 0.012
    rows = [(0.106, 0.057 + swell, 0.045 + swell, 0.004), (0.124, 0.055 + swell, 0.044 + swell, 0.003)]
    crown = loft(
        _scaled(look, [tuple(value * look.head for value in row) for row in rows], breadth=1.0),
        segments=18,
        bottom_m=0.004,
        top_m=0.040 * height,
    )
    forward = 0.045 if look.headwear == "cap" else 0.012
    brim = Piece(
        skin="helmet",
        kind="ellipsoid",
        size_m=_times(height, (0.058 if look.headwear == "cap" else 0.074, 0.044 if look.headwear == "cap" else 0.060, 0.006)),
        at_m=_times(height, (forward, 0.0, 0.107)),
    )
    return [Piece(skin="helmet", mesh=crown), brim]


def _bag(look: Look) -> list[Piece]:
    height = look.stature_m
    if look.bag == "backpack":
        rows = [(0.02, 0.045, 0.075, -0.118, 3.5), (0.10, 0.050, 0.080, -0.122, 3.5), (0.20, 0.040, 0.072, -0.114, 3.2)]
        sack = loft(_scaled(look, rows, breadth=1.0), segments=16, bottom_m=0.03, top_m=0.05)
        straps = [
            Piece(
                skin="bag",
                kind="box",
                size_m=_times(height, (0.004, 0.012, 0.075)),
                at_m=_times(height, (0.070, y, 0.17)),
                rpy_rad=(0.0, -0.12, 0.0),
            )
            for y in (-0.062, 0.062)
        ]
        return [Piece(skin="bag", mesh=sack), *straps]
    rows = [(-0.26, 0.12, 0.045, 0.0, 4.0), (-0.18, 0.125, 0.055, 0.0, 3.5), (-0.12, 0.11, 0.030, 0.0, 3.0)]
    case = loft(_scaled(look, rows, breadth=1.0), segments=16, bottom_m=0.02, top_m=0.02)
    handle = Piece(skin="bag", kind="box", size_m=_times(height, (0.035, 0.006, 0.030)), at_m=_times(height, (0.0, 0.0, -0.075)))
    return [Piece(skin="bag", mesh=case), handle]


def _times(height_m: float, fractions: tuple[float, float, float]) -> tuple[float, float, float]:
    return (fractions[0] * height_m, fractions[1] * height_m, fractions[2] * height_m)
