# SPDX-License-Identifier: Apache-2.0
"""Bodies as tables: named parts made of pieces, pieces covered by skins; and how they go into a MuJoCo model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import mujoco
import numpy as np

from patrol.checks import Bytes
from patrol.geometry import Pose3
from sim.bodies.base import ACTOR_CONTYPE, COLLISION_GROUP, COLLISION_PART, VISIBLE_GROUP
from sim.bodies.meshes import Mesh, add_mesh

Triple = tuple[float, float, float]
Rgb = tuple[float, float, float]
Kind = Literal["mesh", "box", "ellipsoid", "cylinder", "capsule", "sphere"]
_GEOMS: dict[Kind, mujoco.mjtGeom] = {
    "mesh": mujoco.mjtGeom.mjGEOM_MESH,
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "ellipsoid": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Skin:
    """What covers a piece: one colour (0..1), or a texture (H, W, 3) uint8 laid on a mesh."""

    rgb: Rgb = (1.0, 1.0, 1.0)
    texture: Bytes | None = None
    shine: float = 0.0
    glow: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One geom in its part's frame. ``size_m`` are MuJoCo's half sizes; a mesh carries its own size."""

    skin: str
    kind: Kind = "mesh"
    mesh: Mesh | None = None
    size_m: Triple = (0.0, 0.0, 0.0)
    at_m: Triple = (0.0, 0.0, 0.0)
    rpy_rad: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """All of a body's parts, the skins they name, and the shape that the robot can bump into."""

    parts: Mapping[str, Sequence[Piece]]
    skins: Mapping[str, Skin]
    collision: Piece
    temperatures_k: Mapping[str, float] = field(default_factory=dict)

    def add_to(self, spec: mujoco.MjSpec, name: str) -> None:
        """Add mocap bodies, geoms, meshes, materials and textures to ``spec``, all called ``{name}/...``."""
        for skin_name, skin in self.skins.items():
            _add_skin(spec, f"{name}/{skin_name}", skin)
        for part, pieces in self.parts.items():
            body = spec.worldbody.add_body(name=f"{name}/{part}", mocap=True)
            for index, piece in enumerate(pieces):
                geom = _add_geom(spec, body, f"{name}/{part}/{index}", piece)
                geom.material = f"{name}/{piece.skin}"
                geom.group, geom.contype, geom.conaffinity = VISIBLE_GROUP, 0, 0
        body = spec.worldbody.add_body(name=f"{name}/{COLLISION_PART}", mocap=True)
        geom = _add_geom(spec, body, f"{name}/{COLLISION_PART}/0", self.collision)
        geom.group, geom.contype, geom.conaffinity = COLLISION_GROUP, ACTOR_CONTYPE, 0
        geom.rgba = (0.0, 0.0, 0.0, 0.0)


def _add_geom(spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, piece: Piece) -> mujoco.MjsGeom:
    x, y, z, w = Pose3.from_xyz_rpy(0.0, 0.0, 0.0, *piece.rpy_rad).quaternion_xyzw()
    geom = body.add_geom(name=name, type=_GEOMS[piece.kind], pos=piece.at_m, quat=(w, x, y, z), size=piece.size_m)
    if piece.mesh is not None:
        add_mesh(spec, name, piece.mesh)
        geom.meshname = name
    return geom


def _add_skin(spec: mujoco.MjSpec, name: str, skin: Skin) -> None:
    material = spec.add_material(name=name, rgba=(*skin.rgb, 1.0), specular=skin.shine, shininess=0.5 * skin.shine)
    material.emission = skin.glow
    if skin.texture is None:
        return
    height, width, _ = skin.texture.shape
    texture = spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=width, height=height, nchannel=3)
    texture.data = np.ascontiguousarray(skin.texture).tobytes()
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
