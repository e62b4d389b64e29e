# SPDX-License-Identifier: Apache-2.0
"""What sensors measure: shapes are checked, arrays frozen, geometry right."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import BadValue
from patrol.geometry import Pose2, Pose3, Twist2
from patrol.grid import OccupancyGrid
from patrol.odometry_buffer import OdometryBuffer
from patrol.sensors import Battery, CameraModel, Encoding, Fix, Image, Imu, Odometry, PointCloud, Scan

OPTICAL = Pose3.from_xyz_rpy(0.2, 0.0, 0.9, -math.pi / 2, 0.0, -math.pi / 2)


def scan(ranges: list[float]) -> Scan:
    return Scan(
        stamp_ns=1,
        frame_id="lidar_link",
        angle_min_rad=0.0,
        angle_step_rad=math.pi / 2,
        range_min_m=0.1,
        range_max_m=40.0,
        ranges_m=np.array(ranges, dtype=np.float32),
    )


def odometry(stamp_ns: int, x_m: float, speed_mps: float = 1.0) -> Odometry:
    return Odometry(stamp_ns=stamp_ns, odom_from_base=Pose2(x_m, 0.0, 0.0), twist=Twist2(speed_mps, 0.0, 0.0))


def test_scan_keeps_only_returns_within_limits() -> None:
    measured = scan([2.0, math.inf, math.nan, 3.0, 0.01, 41.0])
    assert measured.valid().tolist() == [True, False, False, True, False, False]
    np.testing.assert_allclose(measured.points_m(), [[2, 0], [0, -3]], atol=1e-6)


def test_scan_is_frozen_and_its_source_stays_free() -> None:
    ranges = np.ones(4, dtype=np.float32)
    measured = Scan(stamp_ns=1, frame_id="l", angle_min_rad=0, angle_step_rad=0.1, range_min_m=0, range_max_m=9, ranges_m=ranges)
    ranges[0] = 7.0
    assert measured.ranges_m[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        measured.ranges_m[0] = 2.0
    with pytest.raises(BadValue, match="shape"):
        replace(measured, ranges_m=np.ones((2, 2), dtype=np.float32))


def test_cloud_needs_one_value_a_point() -> None:
    points = np.zeros((3, 3), dtype=np.float32)
    three, four = np.zeros(3, dtype=np.float32), np.zeros(4, dtype=np.float32)
    rings = np.zeros(3, dtype=np.uint8)
    cloud = PointCloud(stamp_ns=1, frame_id="l", points_m=points, intensity=three, ring=rings, time_s=three)
    assert cloud.points_m.shape == (3, 3)
    with pytest.raises(BadValue, match="intensity"):
        PointCloud(stamp_ns=1, frame_id="l", points_m=points, intensity=four, ring=rings, time_s=three)


@pytest.mark.parametrize(
    ("encoding", "shape", "dtype"), [("bgr8", (4, 6, 3), np.uint8), ("mono8", (4, 6), np.uint8), ("mono16", (4, 6), np.uint16)]
)
def test_images_are_as_their_encoding_says(encoding: Encoding, shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    image = Image(stamp_ns=1, frame_id="c", encoding=encoding, pixels=np.zeros(shape, dtype))
    assert (image.width_px, image.height_px) == (6, 4)
    with pytest.raises(BadValue, match="pixels"):
        Image(stamp_ns=1, frame_id="c", encoding=encoding, pixels=np.zeros((4, 6, 2), dtype))


@given(x=st.floats(-5, 5), y=st.floats(-5, 5), depth=st.floats(0.5, 50))
def test_rays_go_through_the_pixels_that_points_project_to(x: float, y: float, depth: float) -> None:
    camera = CameraModel.from_hfov("c", 640, 480, math.radians(75), OPTICAL)
    pixel = camera.project([[x, y, depth]])
    np.testing.assert_allclose(camera.rays(pixel)[0] * depth, (x, y, depth), atol=1e-9)


def test_camera_looks_ahead_and_not_behind() -> None:
    camera = CameraModel.from_hfov("c", 640, 480, math.radians(90), OPTICAL)
    ahead_in_optical = camera.base_from_optical.inverse().apply([[10.2, 0.0, 0.9], [10.2, 10.0, 0.9], [-5.0, 0.0, 0.9]])
    pixels = camera.project(ahead_in_optical)
    np.testing.assert_allclose(pixels[0], (320, 240), atol=1e-6)
    np.testing.assert_allclose(pixels[1], (0, 240), atol=1e-6)
    assert np.isnan(pixels[2]).all()
    with pytest.raises(BadValue, match="width_px"):
        CameraModel.from_hfov("c", 0, 480, 1.0, OPTICAL)


def test_vectors_have_three_components_and_charge_is_a_share() -> None:
    with pytest.raises(BadValue, match="angular_velocity_radps"):
        Imu(stamp_ns=1, frame_id="i", angular_velocity_radps=np.zeros(2), linear_acceleration_mps2=np.zeros(3))
    with pytest.raises(BadValue, match="covariance_m2"):
        Fix(stamp_ns=1, latitude_deg=0, longitude_deg=0, altitude_m=0, covariance_m2=np.zeros(3))
    for charge in (-0.01, 1.01, math.nan):
        with pytest.raises(BadValue, match="charge"):
            Battery(stamp_ns=1, charge=charge, voltage_v=24.0, current_a=-1.0)


@given(rows=st.integers(1, 40), columns=st.integers(1, 40), x=st.floats(-100, 100), step=st.floats(0.02, 1.0))
def test_grid_cells_and_their_centres_belong_together(rows: int, columns: int, x: float, step: float) -> None:
    grid = OccupancyGrid(stamp_ns=0, resolution_m=step, origin_x_m=x, origin_y_m=-x, cells=np.zeros((rows, columns), np.int8))
    cells = np.argwhere(np.ones((rows, columns)))
    assert np.array_equal(grid.rows_cols(grid.centres_m(cells)), cells)
    assert grid.contains(cells).all()
    outside = grid.rows_cols([[x - 0.01, -x], [x + columns * step + 0.01, -x], [x, -x - 0.01]])
    assert not grid.contains(outside).any()


def test_odometry_between_two_stamps_lies_between() -> None:
    buffer = OdometryBuffer(keep_s=1.0, reach_s=0.1)
    assert buffer.newest is None
    assert buffer.at(0) is None
    for step in range(5):
        buffer.add(odometry(step * 100_000_000, 0.1 * step))
    middle, beyond = buffer.at(150_000_000), buffer.at(450_000_000)
    assert middle is not None
    assert beyond is not None
    assert middle.x_m == pytest.approx(0.15)
    assert beyond.x_m == pytest.approx(0.45)
    assert buffer.at(-1) is None
    assert buffer.at(500_000_001) is None


def test_odometry_forgets_and_starts_over_when_time_goes_back() -> None:
    buffer = OdometryBuffer(keep_s=0.2)
    for step in range(10):
        buffer.add(odometry(step * 100_000_000, float(step)))
    assert buffer.at(600_000_000) is None
    buffer.add(odometry(5, 0.0))
    assert buffer.newest is not None
    assert buffer.newest.stamp_ns == 5
    assert buffer.at(900_000_000) is None
