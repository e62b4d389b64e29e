# SPDX-License-Identifier: Apache-2.0
"""A robot's sensors as SDF, for Gazebo 11 and for Harmonic, from the one robot description.

Gazebo 11 has no thermal camera: a ``gpu_ray`` fan over the same field of view reads the temperature that each visual carries in
its ``laser_retro``, and the bridge lays the fan onto the picture's pixels (``sim.gazebo.retro``). Lidar noise, drop-outs and
weather are the bridge's for Gazebo 11, so that they are those of the embedded simulator; the IMU's noise is Gazebo's own.
"""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import numpy as np

from sim.gazebo.backends import Flavour
from sim.gazebo.retro import fan_of
from sim.gazebo.xml import pose_text, put, put_all
from sim.robot import CameraPart, RobotModel

NEAR_M, FAR_M = 0.08, 400.0
WHEEL_ENCODERS_HZ = 50
FRAMES = {"lidar": "lidar_link", "imu": "imu_link", "gps": "gnss_link"}


def add_sensors(base: ET.Element, robot: RobotModel, sensors: frozenset[str], flavour: Flavour, name: str) -> None:
    """Add what ``sensors`` asks for to ``base_link`` of the robot ``name``, below which Harmonic's topics lie. Odometry and
    battery are no sensors of Gazebo's."""
    if sensors & {"points", "scan"}:
        _add_lidar(base, robot, flavour)
    if "scan" in sensors and flavour is Flavour.HARMONIC:
        _add_plane(base, robot)
    if "camera" in sensors:
        _add_camera(base, "camera", "camera", robot.camera_part, flavour)
    if "thermal" in sensors:
        _add_thermal(base, robot, flavour)
    if "imu" in sensors:
        _add_imu(base, robot, flavour)
    if "fix" in sensors:
        _add_gnss(base, robot, flavour)
    for topic in (*base.iter("topic"), *base.iter("camera_info_topic")):
        topic.text = f"/{name}/{topic.text}"


def _sensor(
    base: ET.Element, name: str, kind: str, rate_hz: float, at_m: tuple[float, float, float], *, pitch_rad: float = 0.0
) -> ET.Element:
    sensor = put(base, "sensor", name=name, type=kind)
    put(sensor, "pose", pose_text(at_m, (0.0, pitch_rad, 0.0)))
    return put_all(sensor, always_on=True, update_rate=rate_hz)


def _frame(sensor: ET.Element, frame_id: str, flavour: Flavour) -> None:
    if flavour is Flavour.HARMONIC:
        put(sensor, "gz_frame_id", frame_id)


def _add_lidar(base: ET.Element, robot: RobotModel, flavour: Flavour) -> None:
    part = robot.lidar
    harmonic = flavour is Flavour.HARMONIC
    sensor = _sensor(base, "lidar", "gpu_lidar" if harmonic else "gpu_ray", part.rate_hz, part.position_m)
    if harmonic:
        put(sensor, "topic", "lidar")
    _frame(sensor, FRAMES["lidar"], flavour)
    low, high = (math.radians(angle) for angle in part.elevation_deg)
    last = math.pi - 2.0 * math.pi / part.columns
    beams = _add_fan(
        sensor, "lidar" if harmonic else "ray", (part.columns, -math.pi, last), (part.rings, low, high), part.range_m
    )
    if harmonic:
        put_all(put(beams, "noise"), type="gaussian", mean=0.0, stddev=part.range_noise_m)


def _add_plane(base: ET.Element, robot: RobotModel) -> None:
    """Harmonic's bridge makes no scan of many rings, so a level ring of its own gives it."""
    part = robot.lidar
    sensor = _sensor(base, "scan", "gpu_lidar", part.rate_hz, part.position_m)
    put(sensor, "topic", "scan")
    _frame(sensor, FRAMES["lidar"], Flavour.HARMONIC)
    last = math.pi - 2.0 * math.pi / part.columns
    beams = _add_fan(sensor, "lidar", (part.columns, -math.pi, last), (1, 0.0, 0.0), part.range_m)
    put_all(put(beams, "noise"), type="gaussian", mean=0.0, stddev=part.range_noise_m)


def _add_fan(
    sensor: ET.Element,
    tag: str,
    across: tuple[int, float, float],
    up: tuple[int, float, float],
    range_m: tuple[float, float],
) -> ET.Element:
    beams = put(sensor, tag)
    scan = put(beams, "scan")
    for name, (samples, first_rad, last_rad) in (("horizontal", across), ("vertical", up)):
        put_all(put(scan, name), samples=samples, resolution=1, min_angle=first_rad, max_angle=last_rad)
    put_all(put(beams, "range"), min=range_m[0], max=range_m[1], resolution=0.001)
    return beams


def _add_camera(base: ET.Element, name: str, kind: str, part: CameraPart, flavour: Flavour) -> None:
    sensor = _sensor(base, name, kind, part.rate_hz, part.position_m, pitch_rad=math.radians(part.pitch_deg))
    if flavour is Flavour.HARMONIC:
        put(sensor, "topic", f"{name}/image_raw")
    _frame(sensor, part.frame_id, flavour)
    camera = put(sensor, "camera")
    put(camera, "horizontal_fov", math.radians(part.hfov_deg))
    image = put_all(put(camera, "image"), width=part.width_px, height=part.height_px)
    put(image, "format", "L16" if kind == "thermal_camera" else "R8G8B8")
    put_all(put(camera, "clip"), near=NEAR_M, far=FAR_M)
    if flavour is Flavour.HARMONIC:
        put(camera, "camera_info_topic", f"{name}/camera_info")
        put(camera, "optical_frame_id", part.frame_id)


def _add_thermal(base: ET.Element, robot: RobotModel, flavour: Flavour) -> None:
    part = robot.thermal_part
    if flavour is Flavour.HARMONIC:
        _add_camera(base, "thermal", "thermal_camera", part, flavour)
        return
    fan = fan_of(part)
    sensor = _sensor(base, "thermal", "gpu_ray", part.rate_hz, part.position_m, pitch_rad=math.radians(part.pitch_deg))
    _add_fan(
        sensor,
        "ray",
        (len(fan.azimuths_rad), float(fan.azimuths_rad[0]), float(fan.azimuths_rad[-1])),
        (len(fan.elevations_rad), float(fan.elevations_rad[0]), float(fan.elevations_rad[-1])),
        (NEAR_M, FAR_M),
    )


def _add_imu(base: ET.Element, robot: RobotModel, flavour: Flavour) -> None:
    part = robot.imu
    sensor = _sensor(base, "imu", "imu", part.rate_hz, part.position_m)
    if flavour is Flavour.HARMONIC:
        put(sensor, "topic", "imu")
    _frame(sensor, FRAMES["imu"], flavour)
    imu = put(sensor, "imu")
    for tag, noise, bias in (
        ("angular_velocity", part.gyro_noise_radps, part.gyro_bias_radps),
        ("linear_acceleration", part.accelerometer_noise_mps2, part.accelerometer_bias_mps2),
    ):
        quantity = put(imu, tag)
        for axis in "xyz":
            put_all(put(put(quantity, axis), "noise", type="gaussian"), mean=0.0, stddev=noise, bias_mean=0.0, bias_stddev=bias)


def _add_gnss(base: ET.Element, robot: RobotModel, flavour: Flavour) -> None:
    part = robot.gnss
    harmonic = flavour is Flavour.HARMONIC
    sensor = _sensor(base, "gps", "navsat" if harmonic else "gps", part.rate_hz, part.position_m)
    if not harmonic:
        return
    put(sensor, "topic", "fix")
    _frame(sensor, FRAMES["gps"], flavour)
    sensing = put(put(sensor, "navsat"), "position_sensing")
    for tag, white in (("horizontal", part.horizontal_noise_m), ("vertical", part.vertical_noise_m)):
        sigma = float(np.hypot(white, part.drift_m))
        put_all(put(put(sensing, tag), "noise", type="gaussian"), mean=0.0, stddev=sigma)
