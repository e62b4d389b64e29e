# SPDX-License-Identifier: Apache-2.0
"""Triangles of the shapes that worlds are made of: for drawing with texture coordinates in metres, and for lidar rays."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.geometry import Pose3
from sim.sdf import Shape

Faces = npt.NDArray[np.int32]
FINE_M = 0.005
"""Greatest distance between a round shape and its triangles where a lidar measures it."""
COARSE_M = 0.03
"""The same where it is only looked at."""
_BOX_SIDES = ((0, 1), (0, -1), (1, 1), (1, -1), (2, 1), (2, -1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """``vertices_m`` (V, 3) and unit ``normals`` (V, 3) in one frame, ``uv_m`` (V, 2) metres along the surface, ``faces`` (F, 3)
    counter-clockwise seen from outside."""

    vertices_m: Floats
    normals: Floats
    uv_m: Floats
    faces: Faces

    def moved(self, a_from_b: Pose3) -> Mesh:
        """The mesh of frame B in frame A."""
        return Mesh(
            vertices_m=a_from_b.apply(self.vertices_m),
            normals=self.normals @ a_from_b.rotation.T,
            uv_m=self.uv_m,
            faces=self.faces,
        )


def joined(meshes: Iterable[Mesh]) -> Mesh:
    """All meshes as one. Raises ValueError when there is none."""
    parts = list(meshes)
    starts = np.cumsum([0, *(len(part.vertices_m) for part in parts[:-1])])
    return Mesh(
        vertices_m=np.concatenate([part.vertices_m for part in parts]),
        normals=np.concatenate([part.normals for part in parts]),
        uv_m=np.concatenate([part.uv_m for part in parts]),
        faces=np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=True)]).astype(np.int32),
    )


def mesh_of(shape: Shape, sag_m: float = FINE_M) -> Mesh:
    """Triangles of one shape in its own frame; round shapes lie within ``sag_m`` of the true surface."""
    if shape.kind == "box":
        return _box(np.array(shape.size_m) / 2.0)
    if shape.kind == "cylinder":
        return _cylinder(shape.size_m[0], shape.size_m[1], sag_m)
    if shape.kind == "sphere":
        return _sphere(shape.size_m[0], sag_m)
    return _quad(np.zeros(3), np.array([shape.size_m[0] / 2, 0, 0]), np.array([0, shape.size_m[1] / 2, 0]))


def _quad(centre: Floats, half_u: Floats, half_v: Floats) -> Mesh:
    corners = np.array([centre - half_u - half_v, centre + half_u - half_v, centre + half_u + half_v, centre - half_u + half_v])
    normal = np.cross(half_u, half_v)
    length_u, length_v = float(np.linalg.norm(half_u)), float(np.linalg.norm(half_v))
    uv = np.array([[-length_u, -length_v], [length_u, -length_v], [length_u, length_v], [-length_u, length_v]])
    return Mesh(
        vertices_m=corners,
        normals=np.tile(normal / np.linalg.norm(normal), (4, 1)),
        uv_m=uv,
        faces=np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
    )


def _box(half: Floats) -> Mesh:
    sides = []
    for axis, sign in _BOX_SIDES:
        normal = np.zeros(3)
        normal[axis] = sign
        up = np.array([0.0, 0.0, 1.0]) if axis != 2 else np.array([0.0, 1.0, 0.0])
        along = np.cross(up, normal)
        sides.append(_quad(normal * half, along * half, up * half))
    return joined(sides)


def segments_for(radius_m: float, sag_m: float) -> int:
    """Segments that keep a polygon within ``sag_m`` of its circle; at least 12, at most 96."""
    return min(96, max(12, math.ceil(math.pi / math.acos(max(1.0 - sag_m / radius_m, 0.5)))))


def _cylinder(radius_m: float, length_m: float, sag_m: float) -> Mesh:
    count = segments_for(radius_m, sag_m)
    angles = np.linspace(0.0, 2.0 * math.pi, count + 1)
    ring = np.column_stack((np.cos(angles), np.sin(angles), np.zeros(count + 1)))
    low, high = ring * radius_m + (0, 0, -length_m / 2), ring * radius_m + (0, 0, length_m / 2)
    around = angles * radius_m
    index = np.arange(count)
    above = index + count + 1
    wall = Mesh(
        vertices_m=np.concatenate((low, high)),
        normals=np.concatenate((ring, ring)),
        uv_m=np.column_stack((np.tile(around, 2), np.repeat([-length_m / 2, length_m / 2], count + 1))),
        faces=np.concatenate((np.column_stack((index, index + 1, above + 1)), np.column_stack((index, above + 1, above)))).astype(
            np.int32
        ),
    )
    return joined((wall, _disc(high, up=True), _disc(low, up=False)))


def _disc(rim: Floats, *, up: bool) -> Mesh:
    vertices = np.concatenate((rim.mean(axis=0, keepdims=True), rim))
    vertices[0, :2] = 0.0
    index = np.arange(1, len(rim))
    first, second = (index, index + 1) if up else (index + 1, index)
    return Mesh(
        vertices_m=vertices,
        normals=np.tile((0.0, 0.0, 1.0 if up else -1.0), (len(vertices), 1)),
        uv_m=vertices[:, :2].copy(),
        faces=np.column_stack((np.zeros_like(index), first, second)).astype(np.int32),
    )


def _sphere(radius_m: float, sag_m: float) -> Mesh:
    columns = segments_for(radius_m, sag_m)
    rows = columns // 2
    azimuth, polar = np.meshgrid(np.linspace(0, 2 * math.pi, columns + 1), np.linspace(0, math.pi, rows + 1))
    normals = np.stack((np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)), axis=-1).reshape(-1, 3)
    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    here = (row * (columns + 1) + column).ravel()
    below = here + columns + 1
    faces = np.concatenate((np.column_stack((here, below, below + 1)), np.column_stack((here, below + 1, here + 1))))
    return Mesh(
        vertices_m=normals * radius_m,
        normals=normals,
        uv_m=np.column_stack((azimuth.ravel(), -polar.ravel())) * radius_m,
        faces=faces.astype(np.int32),
    )
