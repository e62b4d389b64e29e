# SPDX-License-Identifier: Apache-2.0
"""Smooth closed meshes made from cross-sections, for limbs, heads, coats and car bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats

Faces = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Ring:
    """One cross-section at height ``z_m``: a superellipse about (``x_m``, ``y_m``).

    ``square`` 2 gives an ellipse, more gives rounder and rounder boxes.
    """

    z_m: float
    half_x_m: float
    half_y_m: float
    x_m: float = 0.0
    y_m: float = 0.0
    square: float = 2.0


@dataclass(frozen=True, slots=True)
class Mesh:
    """``vertices_m`` (N, 3), outward unit ``normals`` (N, 3), ``texcoords`` (N, 2) in 0..1, ``faces`` (M, 3).

    Texture: the middle column faces +x, the left half +y; the top row is the mesh's upper end.
    """

    vertices_m: Floats
    normals: Floats
    texcoords: Floats
    faces: Faces


def loft(rings: Sequence[Ring], *, segments: int = 12, bottom_m: float = 0.0, top_m: float = 0.0) -> Mesh:
    """Skin ``rings`` (lowest first) and close both ends by domes ``bottom_m`` and ``top_m`` high."""
    sections = [*_dome(rings[0], -bottom_m), *rings, *reversed(_dome(rings[-1], top_m))]
    angles = np.linspace(-np.pi, np.pi, segments + 1)
    grid = np.stack([_outline(ring, angles) for ring in sections])
    heights = np.array([ring.z_m for ring in sections])
    share = (heights - heights[0]) / (heights[-1] - heights[0])
    texcoords = np.empty((len(sections), segments + 1, 2))
    texcoords[..., 0] = 0.5 - angles / (2.0 * np.pi)
    texcoords[..., 1] = 1.0 - share[:, None]
    return Mesh(grid.reshape(-1, 3), _normals(grid).reshape(-1, 3), texcoords.reshape(-1, 2), _quads(len(sections), segments + 1))


def turned(mesh: Mesh, rotation: Floats, shift_m: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Mesh:
    """The mesh turned by ``rotation`` (3, 3) and then shifted."""
    return Mesh(mesh.vertices_m @ rotation.T + shift_m, mesh.normals @ rotation.T, mesh.texcoords, mesh.faces)


def pushed(mesh: Mesh, offsets_m: Floats) -> Mesh:
    """The mesh with each vertex moved by ``offsets_m`` (N,) along its normal; normals stay."""
    return Mesh(mesh.vertices_m + mesh.normals * offsets_m[:, None], mesh.normals, mesh.texcoords, mesh.faces)


def add_mesh(spec: mujoco.MjSpec, name: str, mesh: Mesh) -> None:
    """Add ``mesh`` to ``spec`` under ``name``."""
    spec.add_mesh(
        name=name,
        uservert=mesh.vertices_m.astype(np.float32).ravel(),
        usernormal=mesh.normals.astype(np.float32).ravel(),
        usertexcoord=mesh.texcoords.astype(np.float32).ravel(),
        userface=mesh.faces.ravel(),
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
    )


def _dome(edge: Ring, height_m: float) -> list[Ring]:
    """From the tip to just before ``edge``, a quarter of an ellipse; a flat lid when the height is zero."""
    tip = 0.02
    if height_m == 0.0:
        return [_shrunk(edge, tip, 0.0)]
    steps = (1.0, 0.85, 0.5)
    return [_shrunk(edge, max(tip, float(np.sqrt(1.0 - step * step))), step * height_m) for step in steps]


def _shrunk(edge: Ring, share: float, lift_m: float) -> Ring:
    return Ring(edge.z_m + lift_m, edge.half_x_m * share, edge.half_y_m * share, edge.x_m, edge.y_m, edge.square)


def _outline(ring: Ring, angles: Floats) -> Floats:
    cos, sin = np.cos(angles), np.sin(angles)
    power = 2.0 / ring.square
    x = ring.x_m + ring.half_x_m * np.sign(cos) * np.abs(cos) ** power
    y = ring.y_m + ring.half_y_m * np.sign(sin) * np.abs(sin) ** power
    return np.column_stack((x, y, np.full_like(x, ring.z_m)))


def _normals(grid: Floats) -> Floats:
    """Outward normals of a (rings, columns, 3) grid whose first and last column coincide."""
    around = np.roll(grid[:, :-1], -1, axis=1) - np.roll(grid[:, :-1], 1, axis=1)
    around = np.concatenate((around, around[:, :1]), axis=1)
    normals: Floats = np.cross(around, np.gradient(grid, axis=0))
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals = normals / np.maximum(length, 1e-12)
    normals[0], normals[-1] = (0.0, 0.0, -1.0), (0.0, 0.0, 1.0)
    return normals


def _quads(rows: int, columns: int) -> Faces:
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    corner = (row * columns + column).ravel()
    right, above = corner + 1, corner + columns
    lower = np.column_stack((corner, right, above + 1))
    upper = np.column_stack((corner, above + 1, above))
    faces = np.concatenate((lower, upper)).astype(np.int32)
    bottom = _lid(np.arange(columns - 1), flip=True)
    top = _lid((rows - 1) * columns + np.arange(columns - 1), flip=False)
    return np.concatenate((faces, bottom, top)).astype(np.int32)


def _lid(indices: npt.NDArray[np.int64], *, flip: bool) -> Faces:
    first, second, third = np.full(len(indices) - 2, indices[0]), indices[1:-1], indices[2:]
    fan = (first, third, second) if flip else (first, second, third)
    return np.column_stack(fan).astype(np.int32)
