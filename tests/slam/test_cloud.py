# SPDX-License-Identifier: Apache-2.0
"""The coloured cloud: averaging, colour by projection, pieces that follow the graph, the caps, the file."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose3
from patrol.sensors import CameraModel, Image, PointCloud
from slam.cloud import CameraView, CloudMapper, CloudPiece, piece_of, points_in_base
from slam.cloud_files import save_ply
from slam.config import CloudConfig
from slam.scan_points import BodyRate

CONFIG = CloudConfig()
HERE = Pose3.from_xyz_rpy(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
OPTICAL = Pose3.from_xyz_rpy(0.0, 0.0, 0.0, -0.5 * math.pi, 0.0, -0.5 * math.pi)


def revolution(points: Floats, *, time_s: float = 0.0) -> PointCloud:
    count = len(points)
    return PointCloud(
        stamp_ns=0,
        frame_id="lidar_link",
        points_m=points.astype(np.float32),
        intensity=np.ones(count, dtype=np.float32),
        ring=np.zeros(count, dtype=np.uint8),
        time_s=np.full(count, time_s, dtype=np.float32),
    )


def piece(points: Floats, *, stamp_ns: int = 0, view: CameraView | None = None) -> CloudPiece:
    return piece_of(np.asarray(points, dtype=np.float64), stamp_ns, HERE, CONFIG, view=view)


def view(stamp_ns: int = 0) -> CameraView:
    pixels = np.zeros((48, 64, 3), dtype=np.uint8)
    pixels[:, :32] = (0, 0, 255)
    pixels[:, 32:] = (255, 0, 0)
    camera = CameraModel.from_hfov("camera_optical_frame", 64, 48, math.radians(75.0), OPTICAL)
    image = Image(stamp_ns=stamp_ns, frame_id="camera_optical_frame", encoding="bgr8", pixels=pixels)
    return CameraView(image=image, camera=camera, base_from_then=HERE)


def test_points_of_one_voxel_are_averaged_in_map() -> None:
    mapper = CloudMapper(CONFIG)
    away = Pose3.from_xyz_rpy(10.0, 0.0, 0.0, 0.0, 0.0, 0.5 * math.pi)
    mapper.add(piece(np.array([[2.02, 0.02, 0.03], [2.04, 0.02, 0.05]])), away)
    cloud = mapper.cloud()
    assert len(cloud) == 1
    assert np.allclose(cloud.points_m, [[9.98, 2.03, 0.04]], atol=1e-5)
    assert cloud.rgb.tolist() == [[128, 128, 128]]
    assert mapper.views()[0] @ (10.0 - 9.98, 0.0 - 2.03, -0.04) > 0.0


def test_colour_comes_from_the_picture_and_not_from_behind() -> None:
    points = np.array([[5.0, 1.0, 0.0], [5.0, -1.0, 0.0], [-5.0, 0.0, 0.0], [15.0, 3.0, 0.0]])
    found = piece(points, view=view())
    colours = {tuple(np.round(p).astype(int)): tuple(c) for p, c in zip(found.points_m, found.rgb, strict=True)}
    assert colours[(5, 1, 0)] == (255, 0, 0)
    assert colours[(5, -1, 0)] == (0, 0, 255)
    assert colours[(-5, 0, 0)] == (128, 128, 128)
    assert colours[(15, 3, 0)] == (128, 128, 128)


def test_a_picture_taken_elsewhere_is_projected_from_there() -> None:
    there = view()
    moved = CameraView(
        image=there.image, camera=there.camera, base_from_then=Pose3.from_xyz_rpy(0.0, 0.0, 0.0, 0.0, 0.0, math.pi)
    )
    assert piece(np.array([[-5.0, 1.0, 0.0]]), view=moved).rgb.tolist() == [[0, 0, 255]]


def test_old_picture_gives_no_colour() -> None:
    assert piece(np.array([[5.0, 1.0, 0.0]]), view=view(stamp_ns=10**9)).rgb.tolist() == [[128, 128, 128]]


def test_motion_during_the_revolution_is_taken_out() -> None:
    cloud = revolution(np.array([[5.0, 0.0, 0.0]]), time_s=0.1)
    assert np.allclose(points_in_base(cloud, HERE, BodyRate(x_mps=2.0), CONFIG), [[5.2, 0.0, 0.0]], atol=1e-5)


def test_points_that_are_not_finite_are_left_out() -> None:
    points = points_in_base(revolution(np.array([[math.nan, 0.0, 0.0], [math.inf, 1.0, 0.0]])), HERE, BodyRate(), CONFIG)
    mapper = CloudMapper(CONFIG)
    mapper.add(piece(points), HERE)
    assert len(mapper.cloud()) == 0


def test_points_move_when_the_graph_does() -> None:
    mapper = CloudMapper(CONFIG)
    for row in range(3):
        mapper.add(piece(np.array([[2.0, 0.0, 0.0]]), stamp_ns=row), Pose3.from_xyz_rpy(5.0 * row, 0.0, 0.0, 0.0, 0.0, 0.0))
    assert np.allclose(np.sort(mapper.cloud().points_m[:, 0]), [2.0, 7.0, 12.0])
    mapper.move_to({1: Pose3.from_xyz_rpy(5.0, 3.0, 0.0, 0.0, 0.0, 0.0), 99: HERE})
    cloud = mapper.cloud()
    assert sorted(map(tuple, np.round(cloud.points_m, 4).tolist())) == [(2.0, 0.0, 0.0), (7.0, 3.0, 0.0), (12.0, 0.0, 0.0)]


def test_a_preview_is_an_even_part_of_every_piece_where_it_stands_now() -> None:
    mapper = CloudMapper(CloudConfig(pieces_max=8))
    row = np.array([[2.05 + column, 0.05, 0.05] for column in range(10)])
    for number in range(12):
        mapper.add(piece(row, stamp_ns=number), Pose3.from_xyz_rpy(0.0, float(number), 0.0, 0.0, 0.0, 0.0))
    assert len(mapper.preview(1000)) == 120
    mapper.move_to({11: Pose3.from_xyz_rpy(0.0, 50.0, 0.0, 0.0, 0.0, 0.0)})
    shown = mapper.preview(40)
    assert 24 <= len(shown) <= 40
    rows = set(np.floor(shown.points_m[:, 1]).tolist())
    assert rows >= {*map(float, range(4, 11)), 50.0}
    assert len(rows) > 8
    assert shown.rgb.shape == (len(shown), 3)
    assert len(CloudMapper(CONFIG).preview(10)) == 0


def test_the_oldest_pieces_stay_where_they_are() -> None:
    mapper = CloudMapper(CloudConfig(pieces_max=2))
    for row in range(4):
        mapper.add(piece(np.array([[2.0, float(row), 0.0]]), stamp_ns=row), HERE)
    assert mapper.stamps_ns() == (2, 3)
    away = Pose3.from_xyz_rpy(0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    mapper.move_to(dict.fromkeys(range(4), away))
    assert len(mapper) == 4
    assert sorted(mapper.cloud().points_m[:, 2].tolist()) == [0.0, 0.0, 1.0, 1.0]


def test_cap_leaves_new_places_out_and_counts_them() -> None:
    mapper = CloudMapper(CloudConfig(voxels_max=3))
    mapper.add(piece(np.array([[5.05, float(n), 0.05] for n in range(3)])), HERE)
    assert len(mapper.cloud()) == 3
    mapper.add(piece(np.array([[7.05, float(n), 0.05] for n in range(4)])), HERE)
    assert np.allclose(np.sort(mapper.cloud().points_m[:, 0]), 5.05)
    assert mapper.left_out == 4


def test_ply_holds_every_point(tmp_path: Path) -> None:
    mapper = CloudMapper(CONFIG)
    mapper.add(piece(np.array([[5.0, 0.0, 0.0], [6.0, 0.0, 1.0]])), HERE)
    path = tmp_path / "cloud.ply"
    save_ply(path, mapper.cloud())
    head, body = path.read_bytes().split(b"end_header\n")
    assert b"element vertex 2" in head
    assert len(body) == 2 * 15
    assert np.frombuffer(body[:12], dtype="<f4").tolist() == [5.0, 0.0, 0.0]
