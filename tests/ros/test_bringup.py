# SPDX-License-Identifier: Apache-2.0
"""The table of processes, what is handed to each, and the launch files over it."""

from __future__ import annotations

import importlib.util
import runpy
import sys
import types
from configparser import ConfigParser
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from patrol.config import validate_config
from patrol.errors import BadInput, BadValue
from patrol_bringup.environment import node_environment, share_folder
from patrol_bringup.settings import RunSettings, command, parameters
from patrol_bringup.table import PROCESSES, Backend, Process, in_order, processes_for

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "ros_ws" / "src"
LAUNCH = SOURCES / "patrol_bringup" / "patrol_bringup" / "launch"
PACKAGES = [
    ROOT,
    *(SOURCES / name for name in ("patrol_msgs", "patrol_ros", "patrol_bringup", "patrol_gazebo")),
    ROOT / "ros_ws" / "overlay" / "tf2_msgs",
]


def settings(**changes: Any) -> RunSettings:
    return RunSettings.model_validate({"run_folder": Path("/run"), "site": Path("/a site.geojson")} | changes)


def by_name(name: str) -> Process:
    return next(row for row in PROCESSES if row.name == name)


@pytest.mark.parametrize("backend", list(Backend))
def test_every_process_comes_after_what_it_needs(backend: Backend) -> None:
    names = [row.name for row in processes_for(backend)]
    assert len(names) == len(set(names)) >= 3
    for row in processes_for(backend):
        assert all(names.index(need) < names.index(row.name) for need in row.needs if need in names)


def test_each_backend_has_one_that_speaks_for_the_robot() -> None:
    tells = {backend: [row.name for row in processes_for(backend) if row.tells_time] for backend in Backend}
    assert tells == {
        Backend.SIMULATION: ["simulator"],
        Backend.GAZEBO: ["gazebo"],
        Backend.HARMONIC: [],
        Backend.REPLAY: ["replay"],
        Backend.ROBOT: [],
    }


def test_only_optional_rows_can_be_left_out() -> None:
    assert "uplink" not in {row.name for row in processes_for(Backend.ROBOT, without=frozenset({"uplink"}))}
    with pytest.raises(BadValue, match="stop"):
        processes_for(Backend.ROBOT, without=frozenset({"stop"}))


def test_further_robots_of_a_team_have_their_own_of_what_drives_and_share_the_simulator() -> None:
    first = [row.name for row in processes_for(Backend.SIMULATION, team=True)]
    further = [row.name for row in processes_for(Backend.SIMULATION, further=True)]
    assert {"stop", "slam", "mission", "recorder", "uplink"} <= set(further) < set(first)
    assert "simulator" not in further
    assert not any(row.of_team for row in processes_for(Backend.SIMULATION))


def test_a_further_robot_is_told_the_same_run_with_its_own_name_berth_and_folder() -> None:
    first = settings(robots="rover,rover_2", map_folder=Path("/run/map"), laps=3)
    mate = first.for_mate("rover_2", "Rover 2", 1)
    assert first.is_team
    assert (mate.robot_id, mate.berth, mate.laps) == ("rover_2", 1, 3)
    assert (mate.run_folder, mate.map_folder) == (Path("/run/rover_2"), Path("/run/rover_2/map"))
    words = command(by_name("mission"), mate)
    assert "__ns:=/rover_2" in words
    assert "berth:=1" in words
    assert "state_folder:='/run/rover_2/state'" in words


def test_a_circle_of_needs_is_refused() -> None:
    row = by_name("slam")
    with pytest.raises(BadValue, match="circle"):
        in_order((replace(row, name="a", needs=("b",)), replace(row, name="b", needs=("a",))))


def test_a_dead_process_is_back_well_within_ten_seconds() -> None:
    assert all(row.first_wait_s <= row.longest_wait_s <= 4.0 for row in PROCESSES)


@pytest.mark.parametrize("row", PROCESSES, ids=lambda row: row.name)
def test_rows_name_modules_executables_and_settings_that_exist(row: Process) -> None:
    assert importlib.util.find_spec(row.module) is not None
    config = ConfigParser()
    config.read(SOURCES / "patrol_ros" / "setup.cfg")
    assert f"{row.name} = {row.module}:main" in config["options.entry_points"]["console_scripts"]
    assert all(hasattr(settings(), name) for name in row.takes)


def test_only_given_settings_become_parameters() -> None:
    given = parameters(by_name("mission"), settings(laps=2, mission=Path("/m.yaml")))
    assert given == {
        "use_sim_time": True,
        "site": "/a site.geojson",
        "berth": 0,
        "robot_id": "rover",
        "mission": "/m.yaml",
        "laps": 2,
        "autostart": False,
        "state_folder": "/run/state",
        "driver": "own",
    }
    assert parameters(by_name("simulator"), settings(scenario=Path("/s.yaml")))["use_sim_time"] is False
    assert parameters(by_name("slam"), settings(backend="robot"))["use_sim_time"] is False


def test_values_keep_their_types_on_the_command_line() -> None:
    words = command(by_name("simulator"), settings(factor=2.0, seed=3))
    assert "factor:=2.0" in words
    assert "seed:=3" in words
    assert "site:='/a site.geojson'" in command(by_name("slam"), settings())
    assert yaml.safe_load("'it''s'") == "it's"
    assert "robot_name:='it''s'" in command(by_name("uplink"), settings(robot_name="it's"))


def test_a_namespace_that_ros_refuses_is_refused() -> None:
    with pytest.raises(BadInput, match="robot_id"):
        validate_config(RunSettings, {"run_folder": "/run", "site": "/s", "robot_id": "rover 1"}, source="test")


def test_the_environment_keeps_discovery_on_this_machine() -> None:
    environment = node_environment({"PATH": "/bin", "OMP_NUM_THREADS": "2"}, domain_id=7, log_folder=Path("/logs"))
    assert environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert (environment["ROS_DOMAIN_ID"], environment["OMP_NUM_THREADS"], environment["PATH"]) == ("7", "2", "/bin")
    assert Path(environment["FASTRTPS_DEFAULT_PROFILES_FILE"]).is_file()
    with pytest.raises(BadValue, match="domain"):
        node_environment({}, domain_id=102, log_folder=Path("/logs"))


def test_pictures_of_720p_fit_the_shared_memory_many_times() -> None:
    tree = ET.parse(share_folder() / "config" / "fastdds.xml")
    sizes = [int(element.text or 0) for element in tree.iter() if element.tag.endswith("segment_size")]
    assert sizes == [64 * 2**20]
    assert sizes[0] > 20 * 1280 * 720 * 3


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.name)
def test_packages_are_of_format_3_and_say_how_they_build(folder: Path) -> None:
    root = ET.parse(folder / "package.xml").getroot()
    assert root.get("format") == "3"
    assert [root.findtext(name) for name in ("license", "export/build_type")] == ["Apache-2.0", "ament_cmake"]
    name = root.findtext("name")
    assert f"project({name}" in (folder / "CMakeLists.txt").read_text("utf-8")
    assert all(root.findtext(tag) for tag in ("version", "description", "maintainer"))


def test_every_interface_file_is_built() -> None:
    folder = SOURCES / "patrol_msgs"
    listed = (folder / "CMakeLists.txt").read_text("utf-8")
    files = [path for kind in ("msg", "srv", "action") for path in (folder / kind).iterdir()]
    assert len(files) >= 14
    assert [path.name for path in files if f'"{path.parent.name}/{path.name}"' not in listed] == []


class Recorded:
    """Stands in for an action of ``launch``: keeps what it was made with."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.arguments, self.named = arguments, named


@pytest.fixture
def launch_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts of launch and launch_ros that the launch files use, where they are not installed."""
    names = {
        "launch": ("LaunchDescription",),
        "launch.actions": ("DeclareLaunchArgument", "SetEnvironmentVariable"),
        "launch.substitutions": ("LaunchConfiguration",),
        "launch_ros": (),
        "launch_ros.actions": ("Node",),
        "launch_ros.parameter_descriptions": ("ParameterValue",),
    }
    for module_name, classes in names.items():
        module = types.ModuleType(module_name)
        for class_name in classes:
            setattr(module, class_name, type(class_name, (Recorded,), {}))
        monkeypatch.setitem(sys.modules, module_name, module)
    monkeypatch.delitem(sys.modules, "patrol_bringup.launching", raising=False)


@pytest.mark.usefixtures("launch_stand_in")
@pytest.mark.parametrize("backend", [backend for backend in Backend if backend is not Backend.HARMONIC])
def test_launch_files_start_the_rows_of_the_table(backend: Backend) -> None:
    described = runpy.run_path(str(LAUNCH / f"{backend.value}.launch.py"))["generate_launch_description"]()
    actions = described.arguments[0]
    nodes = [action.named for action in actions if type(action).__name__ == "Node"]
    assert [node["executable"] for node in nodes] == [row.name for row in processes_for(backend)]
    declared = {action.arguments[0] for action in actions if type(action).__name__ == "DeclareLaunchArgument"}
    taken = {name for row in processes_for(backend) for name in row.takes} - {"state_folder"}
    assert taken <= declared
    assert all(node["package"] == "patrol_ros" for node in nodes)
