# SPDX-License-Identifier: Apache-2.0
"""``patrol map locate`` and ``changes`` on a recording: where it was made on the map, and what had changed by then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

import numpy as np
from rclpy.serialization import serialize_message
from typer.testing import CliRunner

from app.map_review import review
from app.maps import cli
from evidence.definitions import Definitions, installed_prefixes
from evidence.recorder import Recorder, channel_for
from patrol.checks import Floats
from patrol.errors import BadInput
from patrol.geometry import Pose3, Twist2
from patrol.sensors import Odometry
from patrol.topics import topic
from patrol_ros.conversions.geometry import Transform, transforms_to_ros
from patrol_ros.conversions.sensors import odometry_to_ros, scan_to_ros
from slam.config import MapperConfig
from slam.map_files import load_map
from slam.mapper import Mapper
from tests.slam.raycaster import BASE_FROM_LIDAR, box, drive, hall, lap

FIRST, COUNT = 120, 130
CRATE = box(21.6, 5.0, 0.6, 0.6)


@pytest.fixture(scope="module")
def map_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("maps") / "hall"
    mapper: Mapper | None = None
    for step in drive(hall(), lap(laps=1.05), seed=3):
        mapper = mapper or Mapper(MapperConfig(), BASE_FROM_LIDAR, step.true_pose)
        mapper.add_scan(step.scan, step.odom_from_base)
    assert mapper is not None
    mapper.save(folder)
    return folder


def record(folder: Path, walls: Floats, *, with_mount: bool = True, with_odometry: bool = True, first: int = FIRST) -> Path:
    """Part of a lap of the hall, as the robot's recorder keeps it."""
    channels = tuple(channel_for(topic(name)) for name in ("scan", "odom", "tf_static"))
    recorder = Recorder(folder, channels, definitions=Definitions(installed_prefixes()), provenance={}, monotonic_ns=lambda: 0)
    mount = Transform(stamp_ns=1, parent="base_link", child="lidar_link", parent_from_child=Pose3.from_pose2(BASE_FROM_LIDAR))
    if with_mount:
        recorder.write("tf_static", serialize_message(transforms_to_ros([mount])), log_ns=1)
    for step in drive(walls, lap(laps=1.5)[first : first + COUNT], seed=5):
        scan = replace(step.scan, stamp_ns=step.scan.stamp_ns + 10**9)
        if with_odometry:
            said = Odometry(stamp_ns=scan.stamp_ns, odom_from_base=step.odom_from_base, twist=Twist2())
            recorder.write("odom", serialize_message(odometry_to_ros(said)), log_ns=scan.stamp_ns)
        recorder.write("scan", serialize_message(scan_to_ros(scan)), log_ns=scan.stamp_ns)
    recorder.close()
    return recorder.path


def told(*words: str) -> str:
    result = CliRunner().invoke(cli, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_recording_is_found_on_the_map(tmp_path: Path, map_folder: Path) -> None:
    recording, there = record(tmp_path / "monday", hall()), lap(laps=1.5)[FIRST]
    seen = review(recording, load_map(map_folder), site=None)
    assert seen.first is not None
    assert seen.last is not None
    assert seen.known_after_s == pytest.approx(0.0, abs=1.0)
    assert seen.first.distance_to(there) < 1.2
    assert seen.last.distance_to(lap(laps=1.5)[FIRST + COUNT - 1]) < 0.1
    assert seen.outcomes["matched"] >= COUNT - 10
    assert (seen.scans, seen.doubt_count, seen.findings) == (COUNT, 0, ())
    output = told("locate", str(map_folder), str(recording))
    assert "known after" in output
    assert "in doubt 0 time(s)" in output


def test_a_recording_tells_what_changed(tmp_path: Path, map_folder: Path) -> None:
    recording = record(tmp_path / "tuesday", np.vstack([hall(), CRATE]), first=70)
    output = told("changes", str(map_folder), str(recording))
    assert "1 change(s)" in output
    assert "new object at (21." in output


def test_a_recording_from_elsewhere_is_refused(tmp_path: Path, map_folder: Path) -> None:
    recording = record(tmp_path / "elsewhere", box(200, 200, 1, 1))
    with pytest.raises(BadInput, match="its place on the map was never known: only 0 of 360 beams returned"):
        told("locate", str(map_folder), str(recording))


@pytest.mark.parametrize(("missing", "word"), [("with_mount", "lidar_link"), ("with_odometry", "no scan comes with odometry")])
def test_a_recording_that_lacks_something_is_refused(tmp_path: Path, map_folder: Path, missing: str, word: str) -> None:
    recording = record(tmp_path / "monday", hall(), **{missing: False})
    with pytest.raises(BadInput, match=word):
        review(recording, load_map(map_folder), site=None)
