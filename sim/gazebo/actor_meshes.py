# SPDX-License-Identifier: Apache-2.0
"""The bodies of actors as files that Gazebo reads: one Wavefront OBJ per part, one MTL and its pictures per actor.

The shapes are read back from MuJoCo's compiled model, so that both simulators show the same person.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import mujoco
import numpy as np

from patrol.checks import Floats
from sim.actors import Actor
from sim.bodies.base import COLLISION_PART, VISIBLE_GROUP
from sim.gazebo.retro import retro
from sim.gazebo.world_sdf import ActorPart
from sim.meshes import COARSE_M, Faces, mesh_of
from sim.sdf import Shape

_REFLECTIVITY = 0.35
_AIR_K = 288.15


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surface:
    """Triangles of one geom in its part's frame: corners (F, 3) index ``vertices``, ``normals`` and ``uv`` separately."""

    material: str
    vertices: Floats
    normals: Floats
    uv: Floats
    corners: tuple[Faces, Faces, Faces]


@dataclass(frozen=True, slots=True, kw_only=True)
class Triangles:
    """``vertices_m`` (V, 3), and ``faces`` (F, 3) that index them."""

    vertices_m: Floats
    faces: Faces


def write_actor(actor: Actor, folder: Path, uri: str) -> tuple[ActorPart, ...]:
    """Write the actor's files into ``folder``, which Gazebo knows as ``uri``; returns its parts."""
    model, name = _model_of(actor), actor.spec.name
    _write_materials(model, folder, name)
    parts = []
    for part, surfaces in _surfaces(model, name).items():
        file = f"{name}.{part}.obj"
        (folder / file).write_text(_obj(name, surfaces), "ascii")
        kelvin = actor.body.temperatures_k.get(part, _AIR_K)
        parts.append(ActorPart(name=part, uri=f"{uri}/{file}", retro=retro(kelvin, _REFLECTIVITY)))
    return tuple(parts)


def triangles_of(actor: Actor) -> dict[str, Triangles]:
    """What is drawn of each part, in the part's frame."""
    found = {}
    for part, surfaces in _surfaces(_model_of(actor), actor.spec.name).items():
        starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces[:-1])])
        faces = [surface.corners[0] + start for surface, start in zip(surfaces, starts, strict=True)]
        vertices = np.concatenate([surface.vertices for surface in surfaces])
        found[part] = Triangles(vertices_m=vertices, faces=np.concatenate(faces).astype(np.int32))
    return found


def _model_of(actor: Actor) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    actor.body.add_to(spec)
    return spec.compile()


def _surfaces(model: mujoco.MjModel, name: str) -> dict[str, list[_Surface]]:
    """The drawn geoms of every part that has any."""
    found = {}
    for body in range(1, model.nbody):
        part = model.body(body).name.removeprefix(f"{name}/")
        geoms = [
            geom for geom in range(model.ngeom) if model.geom_bodyid[geom] == body and model.geom_group[geom] == VISIBLE_GROUP
        ]
        if part != COLLISION_PART and geoms:
            found[part] = [_surface(model, geom) for geom in geoms]
    return found


def _write_materials(model: mujoco.MjModel, folder: Path, name: str) -> None:
    lines = []
    for index in range(model.nmat):
        material = _plain(model.material(index).name)
        red, green, blue = (float(value) for value in model.mat_rgba[index][:3])
        lines += [f"newmtl {material}", "Ns 10", f"Ka {red:.4f} {green:.4f} {blue:.4f}", f"Kd {red:.4f} {green:.4f} {blue:.4f}"]
        lines += ["Ks 0 0 0", "d 1", "illum 1"]
        texture = int(model.mat_texid[index][mujoco.mjtTextureRole.mjTEXROLE_RGB])
        if texture >= 0:
            _write_picture(model, texture, folder / f"{material}.png")
            lines.append(f"map_Kd {material}.png")
    (folder / f"{name}.mtl").write_text("\n".join(lines) + "\n", "ascii")


def _write_picture(model: mujoco.MjModel, texture: int, path: Path) -> None:
    height, width, channels = (int(table[texture]) for table in (model.tex_height, model.tex_width, model.tex_nchannel))
    start = int(model.tex_adr[texture])
    pixels = model.tex_data[start : start + height * width * channels].reshape(height, width, channels)[..., :3]
    if not cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., ::-1])):
        raise OSError(f"{path} can not be written")


def _surface(model: mujoco.MjModel, geom: int) -> _Surface:
    material = _plain(model.material(int(model.geom_matid[geom])).name)
    rotation = np.empty(9)
    mujoco.mju_quat2Mat(rotation, model.geom_quat[geom])
    turn = rotation.reshape(3, 3)
    vertices, normals, uv, corners = (
        _mesh_parts(model, int(model.geom_dataid[geom]))
        if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_MESH
        else _primitive_parts(int(model.geom_type[geom]), model.geom_size[geom])
    )
    return _Surface(
        material=material, vertices=vertices @ turn.T + model.geom_pos[geom], normals=normals @ turn.T, uv=uv, corners=corners
    )


def _mesh_parts(model: mujoco.MjModel, mesh: int) -> tuple[Floats, Floats, Floats, tuple[Faces, Faces, Faces]]:
    def cut(table: str, start: str, count: str) -> Floats:
        first = int(getattr(model, start)[mesh])
        rows: Floats = getattr(model, table)[first : first + int(getattr(model, count)[mesh])].astype(np.float64)
        return rows

    has_uv = int(model.mesh_texcoordadr[mesh]) >= 0
    faces = cut("mesh_face", "mesh_faceadr", "mesh_facenum").astype(np.int32)
    around = cut("mesh_facenormal", "mesh_faceadr", "mesh_facenum").astype(np.int32)
    on = cut("mesh_facetexcoord", "mesh_faceadr", "mesh_facenum").astype(np.int32) if has_uv else np.zeros_like(faces)
    uv = cut("mesh_texcoord", "mesh_texcoordadr", "mesh_texcoordnum") if has_uv else np.zeros((1, 2))
    return (
        cut("mesh_vert", "mesh_vertadr", "mesh_vertnum"),
        cut("mesh_normal", "mesh_normaladr", "mesh_normalnum"),
        uv,
        (faces, around, on),
    )


def _primitive_parts(kind: int, size: Floats) -> tuple[Floats, Floats, Floats, tuple[Faces, Faces, Faces]]:
    stretch = np.ones(3)
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        shape = Shape(kind="box", size_m=(2.0 * size[0], 2.0 * size[1], 2.0 * size[2]))
    elif kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
        shape = Shape(kind="cylinder", size_m=(float(size[0]), 2.0 * float(size[1])))
    else:
        shape = Shape(kind="sphere", size_m=(1.0,))
        stretch = _half_axes(kind, size)
    mesh = mesh_of(shape, COARSE_M)
    normals = mesh.normals / stretch
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return mesh.vertices_m * stretch, normals, np.zeros((1, 2)), (mesh.faces, mesh.faces, np.zeros_like(mesh.faces))


def _half_axes(kind: int, size: Floats) -> Floats:
    """A sphere, an ellipsoid, or a capsule as the ellipsoid of its length."""
    if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
        return np.full(3, float(size[0]))
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        return np.array((size[0], size[0], size[0] + size[1]))
    return np.asarray(size, dtype=np.float64)


def _obj(name: str, surfaces: list[_Surface]) -> str:
    """Wavefront text; its texture rows count from the bottom, MuJoCo's from the top."""
    lines = [f"mtllib {name}.mtl"]
    base = np.ones(3, dtype=np.int64)
    for index, surface in enumerate(surfaces):
        lines += [f"o piece_{index}"]
        lines += [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in surface.vertices]
        lines += [f"vt {u:.5f} {1.0 - v:.5f}" for u, v in surface.uv]
        lines += [f"vn {x:.4f} {y:.4f} {z:.4f}" for x, y, z in surface.normals]
        lines += [f"usemtl {surface.material}"]
        vertex, normal, uv = surface.corners
        corners = np.stack((vertex + base[0], uv + base[1], normal + base[2]), axis=-1)
        lines += ["f " + " ".join(f"{v}/{t}/{n}" for v, t, n in face) for face in corners]
        base += (len(surface.vertices), len(surface.uv), len(surface.normals))
    return "\n".join(lines) + "\n"


def _plain(name: str) -> str:
    """A material's name without slashes: it is a file's name too."""
    return name.replace("/", ".")
