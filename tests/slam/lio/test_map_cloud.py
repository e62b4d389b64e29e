# SPDX-License-Identifier: Apache-2.0
"""``patrol map cloud``: what a patrol recorded becomes a cloud, a mesh and a trajectory in its map."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

import numpy as np
from rclpy.serialization import serialize_message
from typer.testing import CliRunner

from app.maps import cli
from evidence.cdr import compressed_image
from evidence.definitions import Definitions, installed_prefixes
from evidence.recorder import Recorder, channel_for
from patrol.errors import BadInput
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose3
from patrol.sensors import Image, Imu, PointCloud
from patrol.topics import topic
from patrol_ros.conversions.clouds import cloud_to_ros
from patrol_ros.conversions.geometry import Transform, transforms_to_ros
from patrol_ros.conversions.maps import estimate_to_ros
from patrol_ros.conversions.pictures import camera_to_ros
from patrol_ros.conversions.sensors import IMU_FRAME, imu_to_ros, odometry_to_ros
from slam.cloud_files import load_ply
from slam.stamped_poses import read_tum
from tests.slam.lio.course import START_NS, Course, pose, rover, true_at

TOPICS = ("points", "imu", "odom", "tf_static", "localisation", "camera/camera_info", "camera/image_safe")
ORANGE = (40, 120, 250)


@dataclass(slots=True)
class Tape:
    """Writes a recording as the robot's recorder does."""

    recorder: Recorder
    stamp_ns: int = START_NS
    written: list[str] = field(default_factory=list)

    def write(self, name: str, message: Any) -> None:
        data = message if isinstance(message, bytes) else serialize_message(message)
        self.recorder.write(name, data, log_ns=self.stamp_ns)
        self.written.append(name)


def mounted(frame_id: str, place: Pose3) -> Transform:
    return Transform(stamp_ns=START_NS, parent="base_link", child=frame_id, parent_from_child=place)


def record(folder: Path, *, lasts_s: float, with_mounts: bool = True) -> Path:
    """Revolutions once a second, an orange picture with each, IMU and wheels in full; the mounts are told late."""
    channels = tuple(channel_for(topic(name)) for name in TOPICS)
    recorder = Recorder(folder, channels, definitions=Definitions(installed_prefixes()), provenance={}, monotonic_ns=lambda: 0)
    tape, robot = Tape(recorder), rover()
    tape.write("camera/camera_info", camera_to_ros(robot.camera, START_NS))
    estimate = PoseEstimate(stamp_ns=START_NS, map_from_odom=pose(0.0), odom_from_base=IDENTITY2, covariance=1e-4 * np.eye(3))
    picture = np.full((robot.camera.height_px, robot.camera.width_px, 3), ORANGE, dtype=np.uint8)
    for event in Course(lasts_s=lasts_s, every_s=1.0).events():
        tape.stamp_ns = event.stamp_ns
        if isinstance(event, PointCloud):
            tape.stamp_ns += 100_000_000
            tape.write("points", cloud_to_ros(event))
            image = Image(stamp_ns=tape.stamp_ns, frame_id=robot.camera.frame_id, encoding="bgr8", pixels=picture)
            tape.write("camera/image_safe/compressed", compressed_image(image))
        elif isinstance(event, Imu):
            tape.write("imu", imu_to_ros(event))
        else:
            tape.write("odom", odometry_to_ros(event))
        if tape.written.count("points") == 1 and "localisation" not in tape.written:
            tape.write("localisation", estimate_to_ros(estimate))
            if with_mounts:
                frames = {"lidar_link": robot.base_from_lidar, IMU_FRAME: robot.base_from_imu}
                frames[robot.camera.frame_id] = robot.camera.base_from_optical
                tape.write("tf_static", transforms_to_ros([mounted(name, place) for name, place in frames.items()]))
    recorder.close()
    return recorder.path


def test_a_recording_becomes_a_cloud_a_mesh_and_a_trajectory(tmp_path: Path) -> None:
    recording, space = record(tmp_path / "monday", lasts_s=4.5), tmp_path / "space"
    config = tmp_path / "lio.yaml"
    config.write_text("mesh: {cell_m: 0.4}\n", "ascii")
    result = CliRunner().invoke(cli, ["cloud", str(recording), str(space), "--config", str(config)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "registered: 5" in result.output
    assert "in map" in result.output
    assert "silent" not in result.output.replace("wheel odometry is silent: 1 time(s)", "")
    cloud, trajectory = load_ply(space / "cloud.ply"), read_tum(space / "trajectory.tum")
    assert len(cloud) > 5000
    assert np.count_nonzero((np.abs(cloud.rgb.astype(int) - ORANGE[::-1]) < 20).all(axis=1)) > 200
    for stamp_s, place in zip(trajectory.stamps_s, trajectory.positions_m, strict=True):
        here = true_at(round(stamp_s * 1e9))
        assert np.hypot(place[0] - here.x_m, place[1] - here.y_m) < 0.06
    assert (space / "mesh.ply").stat().st_size > 10_000


def test_a_recording_without_the_lidars_place_is_refused(tmp_path: Path) -> None:
    recording = record(tmp_path / "monday", lasts_s=0.3, with_mounts=False)
    with pytest.raises(BadInput, match="lidar_link"):
        CliRunner().invoke(cli, ["cloud", str(recording), str(tmp_path / "space"), "--no-mesh"], catch_exceptions=False)
    assert not (tmp_path / "space").exists()
