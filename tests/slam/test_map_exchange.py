# SPDX-License-Identifier: Apache-2.0
"""Maps travel: everything that is written reads back the same, and what is broken is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import open3d as o3d
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.errors import BadInput
from patrol.geometry import Pose2
from patrol.grid import OccupancyGrid
from patrol.local_frame import LocalFrame
from patrol.site import Datum
from slam.cloud import ColouredCloud
from slam.cloud_files import load_pcd, load_ply, save_pcd, save_ply
from slam.map_exchange import load_g2o, load_geotiff, load_world_png, save_g2o, save_geotiff, save_world_png
from slam.map_files import load_grid, save_grid
from slam.pose_graph import Edge

FRAME = LocalFrame(Datum(latitude_deg=52.5, longitude_deg=13.4, altitude_m=35.0))
number = st.floats(-500.0, 500.0)


def some_grid(seed: int = 0) -> OccupancyGrid:
    cells = np.random.default_rng(seed).choice(np.array([-1, 0, 100], dtype=np.int8), (40, 70))
    return OccupancyGrid(stamp_ns=0, resolution_m=0.05, origin_x_m=-12.3, origin_y_m=4.55, cells=cells)


def some_cloud(count: int, seed: int = 0) -> ColouredCloud:
    rng = np.random.default_rng(seed)
    points = rng.normal(0.0, 30.0, (count, 3)).astype(np.float32)
    return ColouredCloud(points_m=points, rgb=rng.integers(0, 256, (count, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", ["map.yaml", "map.tif", "map.png"])
def test_a_grid_comes_back(tmp_path: Path, name: str) -> None:
    grid, path = some_grid(), tmp_path / name
    if name.endswith("yaml"):
        save_grid(path, grid)
        back = load_grid(path)
    elif name.endswith("tif"):
        save_geotiff(path, grid, FRAME)
        back = load_geotiff(path, FRAME, resolution_m=0.05)
    else:
        save_world_png(path, grid, FRAME)
        back = load_world_png(path, FRAME, resolution_m=0.05)
    assert np.array_equal(back.cells, grid.cells)
    assert back.origin_x_m == pytest.approx(grid.origin_x_m, abs=1e-3)
    assert back.origin_y_m == pytest.approx(grid.origin_y_m, abs=1e-3)
    assert back.resolution_m == grid.resolution_m


def test_a_world_file_says_where_the_first_pixel_lies(tmp_path: Path) -> None:
    grid = some_grid()
    save_world_png(tmp_path / "map.png", grid, FRAME)
    numbers = [float(line) for line in (tmp_path / "map.pgw").read_text("ascii").splitlines()]
    north_m = grid.origin_y_m + grid.cells.shape[0] * grid.resolution_m
    first = FRAME.to_map(np.array([numbers[4], numbers[5]]))
    assert first[0] == pytest.approx(grid.origin_x_m + 0.025, abs=2e-3)
    assert first[1] == pytest.approx(north_m - 0.025, abs=2e-3)
    assert 'AUTHORITY["EPSG","4326"]' in (tmp_path / "map.prj").read_text("ascii")


@pytest.mark.parametrize("count", [0, 1, 500])
def test_a_cloud_comes_back(tmp_path: Path, count: int) -> None:
    cloud = some_cloud(count)
    save_ply(tmp_path / "cloud.ply", cloud)
    save_pcd(tmp_path / "cloud.pcd", cloud)
    for back in (load_ply(tmp_path / "cloud.ply"), load_pcd(tmp_path / "cloud.pcd")):
        assert np.array_equal(back.points_m, cloud.points_m)
        assert np.array_equal(back.rgb, cloud.rgb)


@pytest.mark.parametrize("name", ["cloud.ply", "cloud.pcd"])
def test_another_library_reads_the_same_cloud(tmp_path: Path, name: str) -> None:
    cloud, path = some_cloud(200), tmp_path / name
    (save_ply if name.endswith("ply") else save_pcd)(path, cloud)
    read = o3d.io.read_point_cloud(path)
    assert np.allclose(np.asarray(read.points), cloud.points_m)
    assert np.allclose(np.asarray(read.colors) * 255.0, cloud.rgb, atol=0.51)


@settings(max_examples=30, deadline=None)
@given(poses=st.lists(st.tuples(number, number, st.floats(-3.1, 3.1)), min_size=2, max_size=6), spread=st.floats(1e-3, 1.0))
def test_a_pose_graph_comes_back(
    tmp_path_factory: pytest.TempPathFactory, poses: list[tuple[float, float, float]], spread: float
) -> None:
    path = tmp_path_factory.mktemp("g2o") / "graph.g2o"
    nodes = [Pose2(*pose) for pose in poses]
    covariance = spread * np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.5]])
    edges = [
        Edge(from_id=row, to_id=row + 1, from_to=nodes[row].inverse() @ nodes[row + 1], covariance=covariance)
        for row in range(len(nodes) - 1)
    ]
    save_g2o(path, nodes, edges)
    back = load_g2o(path)
    assert [pose.distance_to(node) < 1e-5 for pose, node in zip(back.poses, nodes, strict=True)] == [True] * len(nodes)
    assert [(edge.from_id, edge.to_id) for edge in back.edges] == [(edge.from_id, edge.to_id) for edge in edges]
    assert np.allclose(back.edges[0].covariance, covariance, rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "holds no VERTEX_SE2"),
        ("VERTEX_SE2 0 0 0\n", "line 1"),
        ("VERTEX_SE2 1 0 0 0\n", "not numbered"),
        ("VERTEX_SE2 0 0 0 nan\n", "line 1"),
        ("VERTEX_SE2 0 0 0 0\nEDGE_SE2 0 7 0 0 0 1 0 0 1 0 1\n", "not there"),
        ("VERTEX_SE2 0 0 0 0\nEDGE_SE2 0 0 0 0 0 0 0 0 0 0 0\n", "line 2"),
        ("VERTEX_SE3:QUAT 0 0 0 0 0 0 0 1\n", "is not VERTEX_SE2"),
    ],
)
def test_a_broken_graph_is_refused(tmp_path: Path, text: str, because: str) -> None:
    path = tmp_path / "graph.g2o"
    path.write_text(text, "ascii")
    with pytest.raises(BadInput, match=because):
        load_g2o(path)


@pytest.mark.parametrize("name", ["cloud.ply", "cloud.pcd"])
def test_a_cloud_that_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    path, load = tmp_path / name, load_ply if name.endswith("ply") else load_pcd
    (save_ply if name.endswith("ply") else save_pcd)(path, some_cloud(10))
    whole = path.read_bytes()
    for kept in (0, 20, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(BadInput):
            load(path)


def test_a_picture_without_a_place_is_refused(tmp_path: Path) -> None:
    save_world_png(tmp_path / "map.png", some_grid(), FRAME)
    with pytest.raises(BadInput, match="no place on Earth"):
        load_geotiff(tmp_path / "map.png", FRAME, resolution_m=0.05)
    (tmp_path / "map.pgw").write_text("1\n2\n", "ascii")
    with pytest.raises(BadInput, match="six numbers"):
        load_world_png(tmp_path / "map.png", FRAME, resolution_m=0.05)
    (tmp_path / "map.tif").write_bytes(b"II*\0")
    with pytest.raises(BadInput, match="picture"):
        load_geotiff(tmp_path / "map.tif", FRAME, resolution_m=0.05)
