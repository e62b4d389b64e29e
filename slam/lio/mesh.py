# SPDX-License-Identifier: Apache-2.0
"""The site as a surface: screened Poisson reconstruction (Kazhdan and Hoppe, 2013) by Open3D."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import open3d as o3d
from scipy.spatial import cKDTree

from patrol.checks import Bytes, Floats
from patrol.errors import BadValue
from slam.cloud import ColouredCloud
from slam.lio.config import MeshConfig
from slam.map_files import write_whole

_POINTS_MIN = 100
_MARGIN = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ColouredMesh:
    """``vertices_m`` (V, 3) float32 in map with ``rgb`` (V, 3) uint8, and ``faces`` (F, 3) int32, counter-clockwise as seen
    from outside."""

    vertices_m: npt.NDArray[np.float32]
    rgb: Bytes
    faces: npt.NDArray[np.int32]


def mesh_of(cloud: ColouredCloud, towards: Floats, config: MeshConfig) -> ColouredMesh:
    """The surface through ``cloud``; ``towards`` (N, 3) is the direction to where each point was seen from. What the
    reconstruction makes up farther than ``far_m`` from every point is cut away. Raises BadValue below 100 points."""
    if len(cloud) < _POINTS_MIN:
        raise BadValue(f"cloud: {len(cloud)} points make no surface")
    points = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud.points_m.astype(np.float64)))
    points.colors = o3d.utility.Vector3dVector(cloud.rgb / 255.0)
    points.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(config.neighbours))
    normals = np.asarray(points.normals)
    backward = np.einsum("ij,ij->i", normals, towards) < 0.0
    normals[backward] *= -1.0
    extent_m = float(np.ptp(cloud.points_m, axis=0).max()) * _MARGIN
    depth = min(max(math.ceil(math.log2(max(extent_m / config.cell_m, 2.0))), 4), config.depth_max)
    surface, _ = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(points, depth=depth, n_threads=1)
    away_m, _ = cKDTree(cloud.points_m).query(np.asarray(surface.vertices))
    surface.remove_vertices_by_mask([bool(is_far) for is_far in np.asarray(away_m) > config.far_m])
    return ColouredMesh(
        vertices_m=np.asarray(surface.vertices).astype(np.float32),
        rgb=np.round(np.clip(np.asarray(surface.vertex_colors), 0.0, 1.0) * 255.0).astype(np.uint8),
        faces=np.asarray(surface.triangles).astype(np.int32),
    )


def save_mesh(path: Path, mesh: ColouredMesh) -> None:
    """Write a binary PLY file of vertices and faces, complete or not at all."""
    vertices = np.empty(len(mesh.vertices_m), dtype=np.dtype([("xyz", "<f4", (3,)), ("rgb", "u1", (3,))]))
    vertices["xyz"], vertices["rgb"] = mesh.vertices_m, mesh.rgb
    faces = np.empty(len(mesh.faces), dtype=np.dtype([("count", "u1"), ("rows", "<i4", (3,))]))
    faces["count"], faces["rows"] = 3, mesh.faces
    head = [
        "ply",
        "format binary_little_endian 1.0",
        f"element vertex {len(vertices)}",
        *(f"property float {axis}" for axis in "xyz"),
        *(f"property uchar {name}" for name in ("red", "green", "blue")),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header",
        "",
    ]
    write_whole(path, lambda part: part.write_bytes("\n".join(head).encode("ascii") + vertices.tobytes() + faces.tobytes()))
