# SPDX-License-Identifier: Apache-2.0
"""Launch descriptions for an ordinary ROS 2 installation, made from the table of processes.

Only launch files import this module; the supervisor of the repository needs neither ``launch`` nor ``launch_ros``.
"""

from __future__ import annotations

from typing import Any

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from patrol_bringup.environment import share_folder
from patrol_bringup.settings import RunSettings, polite
from patrol_bringup.table import Backend, Process, processes_for

_TYPES: dict[str, type] = {
    "seed": int,
    "laps": int,
    "berth": int,
    "factor": float,
    "mapping": bool,
    "autostart": bool,
    "hearing": bool,
}
_DERIVED = ("state_folder",)


def describe(backend: Backend, *, without: frozenset[str] = frozenset()) -> LaunchDescription:
    """Every process of the table for ``backend``, and a launch argument for each setting that one of them takes."""
    rows = processes_for(backend, without=without)
    settings = sorted({name for row in rows for name in row.takes if name not in _DERIVED} | {"robot_id", "run_folder"})
    profile = str(share_folder() / "config" / "fastdds.xml")
    return LaunchDescription(
        [
            SetEnvironmentVariable("FASTRTPS_DEFAULT_PROFILES_FILE", profile),
            *(DeclareLaunchArgument(name, default_value=_default(name)) for name in settings),
            *(_node(row, backend) for row in rows),
        ]
    )


def _node(row: Process, backend: Backend) -> Node:
    parameters: dict[str, Any] = {name: _value(name) for name in row.takes}
    parameters["use_sim_time"] = backend is not Backend.ROBOT and not row.tells_time
    return Node(
        package=row.module.split(".")[0],
        executable=row.name,
        name=row.name,
        namespace=LaunchConfiguration("robot_id"),
        parameters=[parameters],
        prefix=" ".join(polite(row)),
        respawn=not row.ends,
        respawn_delay=row.first_wait_s,
        output="screen",
    )


def _value(name: str) -> Any:
    if name == "state_folder":
        return ParameterValue([LaunchConfiguration("run_folder"), "/state"], value_type=str)
    return ParameterValue(LaunchConfiguration(name), value_type=_TYPES.get(name, str))


def _default(name: str) -> str:
    """The default of the run's settings; empty where there is none."""
    default = RunSettings.model_fields[name].get_default()
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if isinstance(default, str | int | float) else ""
