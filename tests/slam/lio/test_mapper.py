# SPDX-License-Identifier: Apache-2.0
"""Mapping in space: loops, the graph, the look of places, the mesh, and the figures on real data."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import open3d as o3d
import pytest

from benchmarks.lidar_odometry import kitti_07, pairs
from patrol.checks import Floats
from patrol.errors import BadValue
from patrol.geometry import Pose3
from patrol.sensors import PointCloud
from slam.cloud import ColouredCloud
from slam.lio.config import LioConfig, MeshConfig
from slam.lio.graph import Edge3, PoseGraph3
from slam.lio.mapper import LioMapper
from slam.lio.mesh import mesh_of, save_mesh
from slam.lio.places import alike, place_of
from tests.slam.lio.course import Course, mounts, start, true_at

DATA = Path(os.environ.get("PATROL_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")) / "slam" / "3d"
NOWHERE = Pose3(np.zeros(3), np.eye(3))


def shift(x_m: float, yaw_rad: float = 0.0) -> Pose3:
    return Pose3.from_xyz_rpy(x_m, 0.0, 0.0, 0.0, 0.0, yaw_rad)


def test_one_revolution_a_second_makes_a_map_whose_loops_close() -> None:
    mapper, updates = LioMapper(LioConfig(), mounts(), start()), []
    for event in Course(lasts_s=43.0, every_s=1.0).events():
        if isinstance(event, PointCloud):
            updates.append(mapper.add_cloud(event))
        else:
            mapper.add_reading(event)
    assert any(update.loop_closed for update in updates)
    closures = [edge for edge in mapper.edges if edge.is_closure]
    assert all(edge.to_id - edge.from_id > 10 for edge in closures)
    mapper.settle()
    trajectory = mapper.trajectory()
    truth = np.array([(p.x_m, p.y_m) for p in (true_at(round(stamp * 1e9)) for stamp in trajectory.stamps_s)])
    assert len(trajectory) == len(updates)
    assert np.linalg.norm(trajectory.positions_m[:, :2] - truth, axis=1).max() < 0.06
    assert np.abs(trajectory.positions_m[:, 2]).max() < 0.1  # nothing but the ground tells heights


def test_no_trajectory_before_the_first_revolution() -> None:
    with pytest.raises(BadValue, match="no revolution"):
        LioMapper(LioConfig(), mounts(), start()).trajectory()


def test_a_loop_brings_the_graph_home_and_a_wrong_one_does_not_break_it() -> None:
    step_information = np.diag([1e4] * 3 + [1e2] * 3)
    graph = PoseGraph3(NOWHERE, robust_sigma=2.0)
    for row in range(1, 9):
        measured = Pose3.from_xyz_rpy(1.05, 0.0, 0.0, 0.0, 0.0, math.pi / 4.0)
        graph.add_key_scan(Edge3(from_id=row - 1, to_id=row, from_to=measured, information=step_information))
    sure = np.diag([1e6] * 6)
    right = Edge3(from_id=0, to_id=8, from_to=NOWHERE, information=sure, is_closure=True)
    also = Edge3(from_id=0, to_id=4, from_to=graph.pose(4), information=sure, is_closure=True)
    graph.close_loops([right, also])
    wrong = Edge3(from_id=1, to_id=6, from_to=shift(40.0), information=sure, is_closure=True)
    before = np.array([pose.translation_m for pose in graph.poses()])
    graph.settle([wrong])
    after = np.array([pose.translation_m for pose in graph.poses()])
    assert np.linalg.norm(graph.pose(8).translation_m) < 0.05
    assert np.abs(after - before).max() < 0.2


def test_a_direction_without_information_is_left_to_the_others() -> None:
    graph = PoseGraph3(NOWHERE, robust_sigma=2.0)
    graph.add_key_scan(Edge3(from_id=0, to_id=1, from_to=shift(10.0), information=np.diag([1e4] * 3 + [1e2] * 3)))
    along_unknown = np.diag([1e6, 1e6, 1e6, 0.0, 1e4, 1e4])
    moved = Pose3.from_xyz_rpy(13.0, 0.05, 0.0, 0.0, 0.0, 0.0)
    graph.close_loops([Edge3(from_id=0, to_id=1, from_to=moved, information=along_unknown, is_closure=True)])
    x_m, y_m, _ = graph.pose(1).translation_m
    assert x_m == pytest.approx(10.0, abs=0.01)
    assert y_m > 0.03


def test_a_place_is_known_again_at_any_heading() -> None:
    (cloud,) = [event for event in Course(lasts_s=0.2).events() if isinstance(event, PointCloud)]
    points = mounts().base_from_lidar.apply(cloud.points_m)
    for yaw in (-2.4, 0.6, 3.0):
        turned = Pose3.from_xyz_rpy(0.0, 0.0, 0.0, 0.0, 0.0, yaw).inverse().apply(points)
        score, found = alike(place_of(points), place_of(turned))
        assert score > 0.7
        assert abs(math.remainder(found - yaw, 2.0 * math.pi)) < 0.12
    assert alike(place_of(points), place_of(points * (1.0, 0.3, 1.0)))[0] < score


def floor_and_wall() -> tuple[ColouredCloud, Floats]:
    grid = np.stack(np.meshgrid(np.arange(0.0, 4.0, 0.1), np.arange(0.0, 4.0, 0.1)), axis=-1).reshape(-1, 2)
    zeros = np.zeros(len(grid))
    points = np.vstack((np.column_stack((grid, zeros)), np.column_stack((grid[:, 0], zeros, grid[:, 1]))))
    towards = np.tile((0.0, 0.6, 0.8), (len(points), 1))
    rgb = np.tile(np.array((200, 100, 50), dtype=np.uint8), (len(points), 1))
    return ColouredCloud(points_m=points.astype(np.float32), rgb=rgb), towards


def test_the_mesh_lies_on_the_points_and_faces_who_saw_them(tmp_path: Path) -> None:
    cloud, towards = floor_and_wall()
    mesh = mesh_of(cloud, towards, MeshConfig())
    assert len(mesh.faces) > 500
    flat = np.minimum(np.abs(mesh.vertices_m[:, 1]), np.abs(mesh.vertices_m[:, 2]))
    assert np.percentile(flat, 95) < 0.1
    assert np.abs(np.median(mesh.rgb, axis=0) - (200, 100, 50)).max() <= 3
    corners = mesh.vertices_m[mesh.faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert np.mean(normals @ np.array((0.0, 0.6, 0.8)) > 0.0) > 0.95
    save_mesh(tmp_path / "mesh.ply", mesh)
    read = o3d.io.read_triangle_mesh(tmp_path / "mesh.ply")
    assert np.allclose(np.asarray(read.vertices), mesh.vertices_m)
    assert np.array_equal(np.asarray(read.triangles), mesh.faces)


def test_too_few_points_make_no_mesh() -> None:
    cloud, towards = floor_and_wall()
    few = ColouredCloud(points_m=cloud.points_m[:50], rgb=cloud.rgb[:50])
    with pytest.raises(BadValue, match="50 points"):
        mesh_of(few, towards[:50], MeshConfig())


@pytest.mark.skipif(not (DATA / "kitti00").is_dir(), reason="PATROL_DATA has no slam/3d/kitti00")
def test_real_pairs_are_registered_at_least_as_well_as_the_library_does() -> None:
    limits = {"kitti_00_94_95": (0.009, 0.021), "kitti_00_198_199": (0.015, 0.051)}
    for pair in pairs(DATA, LioConfig()):
        if pair.name in limits:
            assert pair.ours[0] <= limits[pair.name][0]
            assert pair.ours[1] <= limits[pair.name][1]


@pytest.mark.skipif(not (DATA / "kitti_07_dump").is_dir(), reason="PATROL_DATA has no slam/3d/kitti_07_dump")
def test_real_key_scans_close_loops() -> None:
    figures = kitti_07(DATA / "kitti_07_dump")
    assert figures["kitti_07_closures"] >= 3
    assert figures["kitti_07_closure_median_m"] < 0.03
    assert figures["kitti_07_end_after_m"] < 0.7 * figures["kitti_07_end_before_m"]
