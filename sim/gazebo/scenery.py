# SPDX-License-Identifier: Apache-2.0
"""The static world as Gazebo 11 draws it: one textured mesh for each surface and colour, as the embedded simulator draws it.

Plain boxes have no texture coordinates in metres, and an untextured world makes a person detector unsure. Meshes and
pictures lie beside the world's file, with a script of materials for Gazebo's renderer (OGRE 1.9's format).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sim.meshes import COARSE_M, Mesh, joined, mesh_of
from sim.sdf import Rgba, Visual, World
from sim.surfaces import surface_named, texture_pixels

_SEED = 0
_PLAIN = "plain"
"""Material of the meshes themselves: Gazebo asks for one, and then takes that of the script."""
_MATERIAL = """material {name}
{{
 technique
 {{
  pass
  {{
   ambient {red:.4f} {green:.4f} {blue:.4f} 1
   diffuse {red:.4f} {green:.4f} {blue:.4f} {alpha:.4f}
   specular 0 0 0 1 1
   {blend}
   texture_unit
   {{
    texture {picture}
    filtering trilinear
   }}
  }}
 }}
}}
"""
_SEEN_THROUGH = "scene_blend alpha_blend\n   alpha_rejection greater 40\n   cull_hardware none"
_GLASSY = "scene_blend alpha_blend\n   depth_write off"


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneryPart:
    """Everything of one surface and one colour: its mesh as a URI, and its material's name in the script in ``folder_uri``."""

    name: str
    surface: str
    mesh_uri: str
    material: str
    folder_uri: str


def write_scenery(world: World, folder: Path, uri: str) -> tuple[SceneryPart, ...]:
    """Write the files into ``folder``, which Gazebo knows as ``uri``; returns what the world is made of."""
    groups: dict[tuple[str, Rgba], list[Visual]] = defaultdict(list)
    for visual in world.visuals:
        groups[visual.surface, visual.diffuse].append(visual)
    parts, script = [], []
    for index, ((surface, diffuse), visuals) in enumerate(groups.items()):
        name = f"scenery_{index}"
        mesh = joined(mesh_of(visual.shape, COARSE_M).moved(visual.world_from_shape) for visual in visuals)
        (folder / f"{name}.obj").write_text(_obj(mesh, surface_named(surface).tile_m), "ascii")
        picture = f"surface_{surface or 'plain'}.png"
        if not (folder / picture).exists():
            _write_picture(surface, folder / picture)
        script.append(_material(f"patrol/{name}", surface, diffuse, picture))
        parts.append(
            SceneryPart(name=name, surface=surface, mesh_uri=f"{uri}/{name}.obj", material=f"patrol/{name}", folder_uri=uri)
        )
    (folder / f"{_PLAIN}.mtl").write_text(f"newmtl {_PLAIN}\nKd 1 1 1\n", "ascii")
    (folder / "scenery.material").write_text("\n".join(script), "ascii")
    return tuple(parts)


def _material(name: str, surface: str, diffuse: Rgba, picture: str) -> str:
    red, green, blue, alpha = diffuse
    see_through = surface_named(surface).see_through
    blend = _SEEN_THROUGH if see_through else _GLASSY if alpha < 1.0 else ""
    return _MATERIAL.format(
        name=name, red=red, green=green, blue=blue, alpha=1.0 if see_through else alpha, blend=blend, picture=picture
    )


def _write_picture(surface: str, path: Path) -> None:
    pixels = texture_pixels(surface, _SEED)
    order = [2, 1, 0, 3] if pixels.shape[2] == 4 else [2, 1, 0]
    if not cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., order])):
        raise OSError(f"{path} can not be written")


def _obj(mesh: Mesh, tile_m: float) -> str:
    """Wavefront text, with one row of texture for each vertex."""
    lines = [f"mtllib {_PLAIN}.mtl", "o scenery"]
    lines += [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in mesh.vertices_m]
    lines += [f"vt {u:.5f} {v:.5f}" for u, v in mesh.uv_m / tile_m]
    lines += [f"vn {x:.4f} {y:.4f} {z:.4f}" for x, y, z in mesh.normals]
    lines.append(f"usemtl {_PLAIN}")
    lines += ["f " + " ".join(f"{corner}/{corner}/{corner}" for corner in face) for face in mesh.faces + 1]
    return "\n".join(lines) + "\n"
