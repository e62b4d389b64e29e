# SPDX-License-Identifier: Apache-2.0
"""The package for Gazebo Harmonic: every topic of the table is bridged, with types that go together, and the launch file."""

from __future__ import annotations

import re
import runpy
import sys
import types
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import yaml

from patrol.geometry import Pose3
from patrol.topics import TOPICS, Side, topic
from patrol_bringup.table import Backend, processes_for
from patrol_gazebo.bridge import COMMAND, GZ_TYPES, NOT_BRIDGED, SHIPPED, bridge_yaml, bridged, gz_topic
from patrol_gazebo.harmonic import harmonic_world, static_transform_arguments
from sim.robot import read_robot
from sim.scenario import SCENARIOS
from tests.house.files import ROOT
from tests.ros.test_bringup import Recorded

SCENARIO = SCENARIOS / "depot_quiet.yaml"
PACKAGE = ROOT / "ros_ws" / "src" / "patrol_gazebo"
KEYS = {"ros_topic_name", "gz_topic_name", "ros_type_name", "gz_type_name", "direction", "lazy"}


def entries(robot: str = "rover") -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load(bridge_yaml(robot))
    return loaded


def test_the_shipped_bridge_is_what_the_program_writes() -> None:
    assert SHIPPED.read_text("utf-8") == bridge_yaml("rover")


def test_every_topic_of_the_backend_is_bridged_with_its_type() -> None:
    found = {entry["ros_topic_name"].removeprefix("/rover/"): entry for entry in entries()}
    wanted = {row.name for row in TOPICS if row.publisher is Side.BACKEND} - NOT_BRIDGED | {"tf", COMMAND}
    assert set(found) == wanted
    for name, entry in found.items():
        assert set(entry) == KEYS
        assert entry["ros_type_name"] == topic(name).type
        assert entry["gz_type_name"] == GZ_TYPES[topic(name).type]
        assert entry["direction"] == ("ROS_TO_GZ" if name == COMMAND else "GZ_TO_ROS")


def test_gazebo_publishes_what_the_bridge_reads() -> None:
    root = ET.fromstring(harmonic_world(SCENARIO, "rover"))
    said = {element.text for tag in ("topic", "camera_info_topic", "odom_topic", "tf_topic") for element in root.iter(tag)}
    said |= {f"{name}/points" for name in said} | {"/clock", "/model/rover/battery/main/state"}
    assert {gz_topic(name, "rover") for name in bridged()} <= said
    assert all(re.fullmatch(r"/[a-z0-9_/]+", gz_topic(name, "rover")) for name in bridged())


def test_another_robot_has_topics_of_its_own() -> None:
    first, second = ({entry["gz_topic_name"] for entry in entries(name)} for name in ("rover", "mule"))
    assert first & second == {"/clock"}


def test_mounts_come_back_from_the_command_line() -> None:
    for frame, pose in read_robot().mounts.items():
        words = static_transform_arguments(frame, pose)
        given = dict(zip(words[::2], words[1::2], strict=True))
        turn = [float(given[f"--q{axis}"]) for axis in "xyzw"]
        back = Pose3.from_quaternion([float(given[f"--{axis}"]) for axis in "xyz"], turn)
        assert np.allclose(back.rotation, pose.rotation, atol=1e-6)
        assert np.allclose(back.translation_m, pose.translation_m)
        assert (given["--frame-id"], given["--child-frame-id"]) == ("base_link", frame)


def test_the_package_says_what_it_needs_and_installs_what_it_has() -> None:
    root = ET.parse(PACKAGE / "package.xml").getroot()
    needs = {element.text for element in root.iter("exec_depend")}
    assert {"ros_gz_sim", "ros_gz_bridge", "tf2_ros", "launch_ros", "patrol_bringup"} <= needs
    listed = (PACKAGE / "CMakeLists.txt").read_text("utf-8")
    assert "config" in listed
    assert "*.launch.py" in listed


@pytest.fixture
def launch_stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The parts of launch, launch_ros and ament that the launch file uses, where they are not installed."""
    names = {
        "launch": ("LaunchDescription",),
        "launch.actions": ("DeclareLaunchArgument", "SetEnvironmentVariable", "IncludeLaunchDescription", "OpaqueFunction"),
        "launch.launch_description_sources": ("PythonLaunchDescriptionSource",),
        "launch.substitutions": ("LaunchConfiguration",),
        "launch_ros": (),
        "launch_ros.actions": ("Node",),
        "launch_ros.parameter_descriptions": ("ParameterValue",),
        "ament_index_python": (),
        "ament_index_python.packages": (),
    }
    for module_name, classes in names.items():
        module = types.ModuleType(module_name)
        for class_name in classes:
            setattr(module, class_name, type(class_name, (Recorded,), {}))
        monkeypatch.setitem(sys.modules, module_name, module)
    given = {"robot_id": "rover", "scenario": str(SCENARIO), "headless": "true"}
    configuration: Any = sys.modules["launch.substitutions"]
    configuration.LaunchConfiguration.perform = lambda self, _context: given[self.arguments[0]]
    description: Any = sys.modules["launch"]
    description.LaunchDescription.entities = property(lambda self: self.arguments[0])
    packages: Any = sys.modules["ament_index_python.packages"]
    packages.get_package_share_directory = lambda name: f"/opt/share/{name}"
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: str(tmp_path))
    monkeypatch.delitem(sys.modules, "patrol_bringup.launching", raising=False)


@pytest.mark.usefixtures("launch_stand_in")
def test_the_launch_file_starts_gazebo_the_bridge_and_the_stack(tmp_path: Path) -> None:
    launch = PACKAGE / "patrol_gazebo" / "launch" / "harmonic.launch.py"
    actions = runpy.run_path(str(launch))["generate_launch_description"]().arguments[0]
    stack = [action.named["executable"] for action in actions if type(action).__name__ == "Node"]
    assert stack == [row.name for row in processes_for(Backend.HARMONIC)]
    assert all(action.named["parameters"][0]["use_sim_time"] is True for action in actions if type(action).__name__ == "Node")
    (opaque,) = (action for action in actions if type(action).__name__ == "OpaqueFunction")
    include, bridge, *static = opaque.named["function"](None)
    assert dict(include.named["launch_arguments"])["gz_args"] == f"-r -s --headless-rendering {tmp_path}/world.sdf"
    assert bridge.named["parameters"][0]["config_file"] == f"{tmp_path}/bridge.yaml"
    assert yaml.safe_load((tmp_path / "bridge.yaml").read_text("utf-8")) == entries()
    assert len(static) == len(read_robot().mounts)
    assert ET.parse(tmp_path / "world.sdf").getroot().get("version") == "1.9"
