# SPDX-License-Identifier: Apache-2.0
"""Adds a static world to a MuJoCo specification: drawn as one textured mesh per surface and colour, collided as primitives."""

from __future__ import annotations

from collections import defaultdict

import mujoco
import numpy as np

from patrol.checks import Bytes
from patrol.percepts import Label
from sim.meshes import COARSE_M, Mesh, joined, mesh_of
from sim.sdf import Collision, Rgba, Visual, World
from sim.sky import Daylight, sky_faces
from sim.surfaces import Surface, surface_named, texture_pixels

STATIC_GROUP = 0
"""Geom group of what every camera sees of the world."""
SEE_THROUGH_GROUP = 1
"""Geom group of chain link: drawn for the colour camera, invisible to the thermal one and to visibility tests."""
SOLID_GROUP = 3
"""Geom group of collision shapes; never drawn."""
WORLD_CONTYPE = 1
_FAR_M = 400.0
_PARKED = frozenset({"car", "van", "lorry", "truck", "bus", "jeep"})
_SEE_THROUGH_ALPHA = 0.99


def new_spec() -> mujoco.MjSpec:
    """An empty specification with the drawing settings of this simulator: no shadow maps and no multisampling, which cost
    a software renderer ten times the picture itself."""
    spec = mujoco.MjSpec()
    spec.visual.quality.shadowsize = 0
    spec.visual.quality.offsamples = 0
    spec.visual.global_.offwidth = 640
    spec.visual.global_.offheight = 480
    spec.stat.extent = 10.0
    spec.stat.center = np.zeros(3)
    spec.visual.map.znear = 0.008
    spec.visual.map.zfar = _FAR_M / 10.0
    return spec


def add_world(spec: mujoco.MjSpec, world: World, daylight: Daylight, seed: int) -> None:
    """Add geoms, materials, sky and lights. Textures depend on ``seed`` only."""
    _add_sky(spec, daylight, seed)
    _add_lights(spec, world, daylight)
    groups: dict[tuple[str, Rgba, str], list[Visual]] = defaultdict(list)
    for visual in world.visuals:
        model = visual.name.split("/")[0]
        groups[visual.surface, visual.diffuse, model if static_label(model) else ""].append(visual)
    textured: set[str] = set()
    for index, ((surface, diffuse, model), visuals) in enumerate(groups.items()):
        if surface not in textured:
            _add_texture(spec, surface, seed)
            textured.add(surface)
        mesh = joined(mesh_of(visual.shape, COARSE_M).moved(visual.world_from_shape) for visual in visuals)
        _add_drawn(spec, f"world/{surface or 'plain'}/{index}/{model}", surface, diffuse, mesh)
    for collision in world.collisions:
        _add_solid(spec, collision)


def static_label(model: str) -> Label | None:
    """What a detector should call a model of the static world: parked vehicles are vehicles, everything else is scenery."""
    return Label.VEHICLE if _PARKED & set(model.split("_")) else None


def _add_sky(spec: mujoco.MjSpec, daylight: Daylight, seed: int) -> None:
    faces = sky_faces(daylight, seed)
    sky = spec.add_texture(name="sky", type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, nchannel=3)
    sky.width, sky.height = faces.shape[2], faces.shape[0] * faces.shape[1]
    sky.data = faces.tobytes()


def _add_lights(spec: mujoco.MjSpec, world: World, daylight: Daylight) -> None:
    spec.visual.headlight.ambient = np.array(daylight.ambient)
    spec.visual.headlight.diffuse = np.zeros(3)
    spec.visual.headlight.specular = np.zeros(3)
    direction = world.suns[0].direction if world.suns else np.array([-0.4, 0.3, -0.86])
    spec.worldbody.add_light(
        name="sun",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        dir=direction,
        pos=-50.0 * direction,
        diffuse=np.array(daylight.sun),
        specular=0.3 * np.array(daylight.sun),
        castshadow=False,
    )
    spec.worldbody.add_light(
        name="skylight",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        dir=np.array([-direction[0], -direction[1], -1.2]),
        diffuse=np.array(daylight.skylight),
        specular=np.zeros(3),
        castshadow=False,
    )


def _add_texture(spec: mujoco.MjSpec, surface: str, seed: int) -> None:
    add_pixels(spec, f"world/{surface or 'plain'}", texture_pixels(surface, seed))


def add_pixels(spec: mujoco.MjSpec, name: str, pixels: Bytes) -> None:
    """Add a 2D texture from ``pixels`` (H, W, 3 or 4)."""
    texture = spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, nchannel=pixels.shape[2])
    texture.height, texture.width = pixels.shape[:2]
    texture.data = pixels.tobytes()


def _add_drawn(spec: mujoco.MjSpec, name: str, surface: str, diffuse: Rgba, mesh: Mesh) -> None:
    kind = surface_named(surface)
    _add_material(spec, name, surface, kind, diffuse)
    added = spec.add_mesh(name=name)
    added.uservert = mesh.vertices_m.ravel().tolist()
    added.usernormal = mesh.normals.ravel().tolist()
    added.usertexcoord = (mesh.uv_m / kind.tile_m).ravel().tolist()
    added.userface = mesh.faces.ravel().tolist()
    added.userfacenormal = mesh.faces.ravel().tolist()
    added.userfacetexcoord = mesh.faces.ravel().tolist()
    added.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
    spec.worldbody.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=name,
        material=name,
        group=SEE_THROUGH_GROUP if kind.see_through else STATIC_GROUP,
        contype=0,
        conaffinity=0,
    )


def _add_material(spec: mujoco.MjSpec, name: str, surface: str, kind: Surface, diffuse: Rgba) -> None:
    material = spec.add_material(name=name, specular=kind.shine, shininess=0.4, texuniform=False)
    alpha = _SEE_THROUGH_ALPHA if kind.see_through else diffuse[3]
    material.rgba = np.array([*diffuse[:3], alpha])
    textures = [""] * mujoco.mjtTextureRole.mjNTEXROLE.value
    textures[mujoco.mjtTextureRole.mjTEXROLE_RGB.value] = f"world/{surface or 'plain'}"
    material.textures = textures


def _add_solid(spec: mujoco.MjSpec, collision: Collision) -> None:
    size = collision.shape.size_m
    kinds = {
        "box": (mujoco.mjtGeom.mjGEOM_BOX, [value / 2 for value in size]),
        "cylinder": (mujoco.mjtGeom.mjGEOM_CYLINDER, [size[0], size[-1] / 2, 0.0]),
        "sphere": (mujoco.mjtGeom.mjGEOM_SPHERE, [size[0], 0.0, 0.0]),
        "plane": (mujoco.mjtGeom.mjGEOM_PLANE, [size[0] / 2, size[-1] / 2, 1.0]),
    }
    kind, half = kinds[collision.shape.kind]
    pose = collision.world_from_shape
    x, y, z, w = pose.quaternion_xyzw()
    spec.worldbody.add_geom(
        name=f"solid/{collision.name}",
        type=kind,
        size=np.array(half),
        pos=pose.translation_m,
        quat=np.array([w, x, y, z]),
        group=SOLID_GROUP,
        contype=WORLD_CONTYPE,
        conaffinity=0,
    )
