# SPDX-License-Identifier: Apache-2.0
"""Sensor data, poses and maps survive the way into their ROS messages, through the wire, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import BadInput, BadValue
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Pose3, Twist2
from patrol.grid import OccupancyGrid
from patrol.sensors import Battery, CameraModel, Fix, Image, Imu, Odometry, PointCloud, Scan

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")


from sensor_msgs.msg import PointCloud2, PointField

from patrol_ros.conversions import clouds, geometry, maps, pictures, sensors, stamps
from tests.ros.conversion_cases import ANGLES, METRES, POSES, SEEDS, STAMPS, TEXT, TWISTS, UNIT, assert_same_pose, through_wire


@given(STAMPS)
def test_stamps_keep_every_nanosecond(stamp_ns: int) -> None:
    assert stamps.stamp_from_ros(through_wire(stamps.stamp_to_ros(stamp_ns))) == stamp_ns


@pytest.mark.parametrize("stamp_ns", [2**31 * 10**9, -(2**31) * 10**9 - 1])
def test_a_stamp_beyond_32_bits_of_seconds_is_refused(stamp_ns: int) -> None:
    with pytest.raises(BadValue, match="stamp_ns"):
        stamps.stamp_to_ros(stamp_ns)


@given(POSES)
def test_pose(pose: Pose2) -> None:
    assert_same_pose(geometry.pose_from_ros(through_wire(geometry.pose_to_ros(pose))), pose)
    assert geometry.pose2d_from_ros(through_wire(geometry.pose2d_to_ros(pose))) == pose


def test_a_quaternion_of_zeros_is_no_pose() -> None:
    message = geometry.pose_to_ros(Pose2(0.0, 0.0, 0.0))
    message.orientation.w = 0.0
    with pytest.raises(BadValue, match="orientation"):
        geometry.pose_from_ros(message)


@given(TWISTS)
def test_twist(twist: Twist2) -> None:
    assert geometry.twist_from_ros(through_wire(geometry.twist_to_ros(twist))) == twist


@given(STAMPS, METRES, ANGLES, st.floats(-1.5, 1.5), ANGLES)
def test_transforms(stamp_ns: int, x_m: float, roll: float, pitch: float, yaw: float) -> None:
    sent = geometry.Transform(
        stamp_ns=stamp_ns,
        parent="base_link",
        child="lidar_link",
        parent_from_child=Pose3.from_xyz_rpy(x_m, 1, 2, roll, pitch, yaw),
    )
    (got,) = geometry.transforms_from_ros(through_wire(geometry.transforms_to_ros([sent])))
    assert (got.stamp_ns, got.parent, got.child) == (stamp_ns, "base_link", "lidar_link")
    np.testing.assert_allclose(got.parent_from_child.rotation, sent.parent_from_child.rotation, atol=1e-9)
    np.testing.assert_array_equal(got.parent_from_child.translation_m, sent.parent_from_child.translation_m)


@given(STAMPS, st.lists(st.floats(0, 100, width=32) | st.just(math.inf) | st.just(math.nan), max_size=50))
def test_scan_keeps_its_ranges(stamp_ns: int, ranges: list[float]) -> None:
    scan = Scan(
        stamp_ns=stamp_ns,
        frame_id="lidar_link",
        angle_min_rad=-math.pi,
        angle_step_rad=0.007,
        range_min_m=0.1,
        range_max_m=40.0,
        ranges_m=np.array(ranges, dtype=np.float32),
        beam_step_s=1e-4,
    )
    got = sensors.scan_from_ros(through_wire(sensors.scan_to_ros(scan)))
    np.testing.assert_array_equal(got.ranges_m, scan.ranges_m)
    assert (got.stamp_ns, got.frame_id) == (stamp_ns, "lidar_link")
    expected = (scan.angle_min_rad, scan.angle_step_rad, scan.range_min_m, scan.range_max_m, scan.beam_step_s)
    assert (got.angle_min_rad, got.angle_step_rad, got.range_min_m, got.range_max_m, got.beam_step_s) == pytest.approx(expected)


@given(STAMPS, SEEDS)
def test_imu(stamp_ns: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(2, 3))
    imu = Imu(stamp_ns=stamp_ns, frame_id="imu_link", angular_velocity_radps=values[0], linear_acceleration_mps2=values[1])
    message = through_wire(sensors.imu_to_ros(imu))
    got = sensors.imu_from_ros(message)
    np.testing.assert_array_equal(got.angular_velocity_radps, values[0])
    np.testing.assert_array_equal(got.linear_acceleration_mps2, values[1])
    assert (got.stamp_ns, message.orientation_covariance[0]) == (stamp_ns, -1.0)


@given(STAMPS, POSES, TWISTS)
def test_odometry(stamp_ns: int, pose: Pose2, twist: Twist2) -> None:
    message = through_wire(sensors.odometry_to_ros(Odometry(stamp_ns=stamp_ns, odom_from_base=pose, twist=twist)))
    got = sensors.odometry_from_ros(message)
    assert_same_pose(got.odom_from_base, pose)
    assert (got.stamp_ns, got.twist) == (stamp_ns, twist)
    assert (message.header.frame_id, message.child_frame_id) == ("odom", "base_link")


@given(stamp_ns=STAMPS, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), altitude=METRES, valid=st.booleans())
def test_fix(*, stamp_ns: int, latitude: float, longitude: float, altitude: float, valid: bool) -> None:
    fix = Fix(
        stamp_ns=stamp_ns,
        latitude_deg=latitude,
        longitude_deg=longitude,
        altitude_m=altitude,
        covariance_m2=np.diag((1.0, 2.0, 9.0)),
        valid=valid,
    )
    got = sensors.fix_from_ros(through_wire(sensors.fix_to_ros(fix)))
    assert (got.latitude_deg, got.longitude_deg, got.altitude_m) == (latitude, longitude, altitude)
    assert (got.stamp_ns, got.valid) == (stamp_ns, valid)
    np.testing.assert_array_equal(got.covariance_m2, fix.covariance_m2)


@given(STAMPS, UNIT, st.floats(0, 60), st.floats(-50, 50))
def test_battery(stamp_ns: int, charge: float, voltage_v: float, current_a: float) -> None:
    battery = Battery(stamp_ns=stamp_ns, charge=charge, voltage_v=voltage_v, current_a=current_a)
    got = sensors.battery_from_ros(through_wire(sensors.battery_to_ros(battery)))
    assert got.stamp_ns == stamp_ns
    assert (got.charge, got.voltage_v, got.current_a) == pytest.approx((charge, voltage_v, current_a), abs=1e-5)


def test_a_charge_that_is_not_known_is_refused() -> None:
    message = sensors.battery_to_ros(Battery(stamp_ns=0, charge=0.5, voltage_v=24.0, current_a=-1.0))
    message.percentage = math.nan
    with pytest.raises(BadValue, match="charge"):
        sensors.battery_from_ros(message)


@pytest.mark.parametrize(
    ("encoding", "shape", "dtype"),
    [("bgr8", (7, 5, 3), np.uint8), ("mono8", (3, 4), np.uint8), ("mono16", (3, 4), np.uint16), ("bgr8", (0, 0, 3), np.uint8)],
)
def test_image_keeps_its_bytes(encoding: Any, shape: tuple[int, ...], dtype: Any) -> None:
    pixels = np.random.default_rng(3).integers(0, np.iinfo(dtype).max, size=shape, endpoint=True).astype(dtype)
    image = Image(stamp_ns=12, frame_id="camera_optical_frame", encoding=encoding, pixels=pixels)
    got = pictures.image_from_ros(through_wire(pictures.image_to_ros(image)))
    np.testing.assert_array_equal(got.pixels, pixels)
    assert (got.encoding, got.stamp_ns, got.frame_id) == (encoding, 12, "camera_optical_frame")


def test_image_with_padded_rows_and_other_byte_order() -> None:
    pixels = np.arange(6, dtype=np.uint16).reshape(2, 3) * 1000
    message = pictures.image_to_ros(Image(stamp_ns=0, frame_id="f", encoding="mono16", pixels=pixels))
    message.step, message.is_bigendian = 8, 1
    message.data = b"".join(row.astype(">u2").tobytes() + b"\xff\xff" for row in pixels)
    np.testing.assert_array_equal(pictures.image_from_ros(through_wire(message)).pixels, pixels)


def test_rgb_becomes_bgr() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    message = pictures.image_to_ros(Image(stamp_ns=0, frame_id="f", encoding="bgr8", pixels=pixels))
    message.encoding = "rgb8"
    np.testing.assert_array_equal(pictures.image_from_ros(message).pixels, pixels[:, :, ::-1])


@pytest.mark.parametrize(("field", "value"), [("encoding", "yuv422"), ("height", 3), ("step", 1)])
def test_image_that_does_not_add_up_is_refused(field: str, value: Any) -> None:
    message = pictures.image_to_ros(Image(stamp_ns=0, frame_id="f", encoding="mono8", pixels=np.zeros((2, 2), np.uint8)))
    setattr(message, field, value)
    with pytest.raises(BadValue, match=r"encoding|image"):
        pictures.image_from_ros(message)


def test_camera_model_and_its_distortion() -> None:
    mount = Pose3.from_xyz_rpy(0.2, 0.0, 0.9, -math.pi / 2, 0.0, -math.pi / 2)
    camera = CameraModel.from_hfov("camera_optical_frame", 640, 480, math.radians(75), mount)
    message = through_wire(pictures.camera_to_ros(camera, 5))
    got = pictures.camera_from_ros(message, mount)
    assert (got.fx_px, got.fy_px, got.cx_px, got.cy_px) == (camera.fx_px, camera.fy_px, 320.0, 240.0)
    assert (got.width_px, got.height_px, got.frame_id) == (640, 480, "camera_optical_frame")
    message.d = [0.1, 0.0, 0.0, 0.0, 0.0]
    with pytest.raises(BadValue, match="distortion"):
        pictures.camera_from_ros(message, mount)


@given(st.integers(0, 40), SEEDS)
def test_point_cloud(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cloud = PointCloud(
        stamp_ns=9,
        frame_id="lidar_link",
        points_m=rng.normal(size=(count, 3)).astype(np.float32),
        intensity=rng.random(count, dtype=np.float32),
        ring=rng.integers(0, 16, count).astype(np.uint8),
        time_s=rng.random(count, dtype=np.float32),
    )
    got = clouds.cloud_from_ros(through_wire(clouds.cloud_to_ros(cloud)))
    for name in ("points_m", "intensity", "ring", "time_s"):
        np.testing.assert_array_equal(getattr(got, name), getattr(cloud, name))
    assert (got.stamp_ns, got.frame_id) == (9, "lidar_link")


def test_point_cloud_without_a_field_names_it() -> None:
    points = np.zeros((2, 3))
    message = clouds.coloured_cloud_to_ros(0, "map", points, np.zeros((2, 3), np.uint8))
    with pytest.raises(BadInput, match=r"(?s)intensity.*ring"):
        clouds.cloud_from_ros(message)
    assert clouds.structured_from_ros(message, ("x", "rgb")).shape == (2,)


def test_a_cloud_without_times_was_measured_at_one_moment() -> None:
    """As Gazebo's bridge lays a point out: x, y and z, a gap, intensity, ring."""
    points = np.zeros(
        3, np.dtype({"names": ["x", "i", "ring"], "formats": ["<f4", "<f4", "<u2"], "offsets": [0, 16, 20], "itemsize": 32})
    )
    points["x"], points["i"], points["ring"] = (1.0, np.inf, 3.0), (0.2, 0.3, 0.4), (0, 1, 15)
    message = PointCloud2(height=1, width=3, point_step=32, row_step=96, is_dense=False)
    for name, offset, kind in (("x", 0, 7), ("y", 4, 7), ("z", 8, 7), ("intensity", 16, 7), ("ring", 20, 4)):
        message.fields.append(PointField(name=name, offset=offset, datatype=kind, count=1))
    message.data = points.tobytes()
    got = clouds.cloud_from_ros(message)
    assert got.points_m[:, 0].tolist() == [1.0, 3.0]
    assert got.ring.tolist() == [0, 15]
    assert got.intensity.tolist() == pytest.approx([0.2, 0.4])
    assert got.time_s.tolist() == [0.0, 0.0]


def test_coloured_cloud_packs_its_colours() -> None:
    rgb = np.array([[255, 128, 1]], np.uint8)
    message = through_wire(clouds.coloured_cloud_to_ros(0, "map", np.array([[1.0, 2.0, 3.0]]), rgb))
    packed = clouds.structured_from_ros(message, ("rgb",))["rgb"].astype(np.float32).view(np.uint32)
    assert packed[0] == 0xFF8001


@given(st.integers(1, 8), st.integers(1, 8), SEEDS)
def test_grid(height: int, width: int, seed: int) -> None:
    cells = np.random.default_rng(seed).integers(-1, 101, size=(height, width)).astype(np.int8)
    grid = OccupancyGrid(stamp_ns=4, resolution_m=0.0625, origin_x_m=-3.0, origin_y_m=7.5, cells=cells)
    got = maps.grid_from_ros(through_wire(maps.grid_to_ros(grid)))
    np.testing.assert_array_equal(got.cells, cells)
    assert (got.stamp_ns, got.resolution_m, got.origin_x_m, got.origin_y_m) == (4, 0.0625, -3.0, 7.5)


@given(STAMPS, POSES, POSES, TEXT, st.integers(-3, 20), SEEDS)
def test_estimate(stamp_ns: int, map_from_odom: Pose2, odom_from_base: Pose2, doubt: str, floor: int, seed: int) -> None:
    half = np.random.default_rng(seed).normal(size=(3, 3))
    estimate = PoseEstimate(
        stamp_ns=stamp_ns,
        map_from_odom=map_from_odom,
        odom_from_base=odom_from_base,
        covariance=half @ half.T,
        doubt=doubt,
        floor=floor,
    )
    got = maps.estimate_from_ros(through_wire(maps.estimate_to_ros(estimate)))
    assert (got.stamp_ns, got.doubt, got.floor) == (stamp_ns, doubt, floor)
    assert (got.map_from_odom, got.odom_from_base) == (map_from_odom, odom_from_base)
    np.testing.assert_array_equal(got.covariance, estimate.covariance)
    standard = geometry.estimate_pose_to_ros(estimate).pose
    assert_same_pose(geometry.pose_from_ros(standard.pose), estimate.map_from_base)
    assert standard.covariance.reshape(6, 6)[1, 5] == estimate.covariance[1, 2]
