# SPDX-License-Identifier: Apache-2.0
"""The whole stack with Gazebo Harmonic: ``gz sim`` through ros_gz_sim, the bridge, the sensors' frames, and the nodes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from patrol_bringup.launching import describe
from patrol_bringup.table import Backend
from patrol_gazebo.bridge import bridge_yaml
from patrol_gazebo.harmonic import harmonic_world, static_transform_arguments
from sim.robot import read_robot


def _gazebo(context: Any) -> list[Any]:
    """Write world and bridge for the scenario, and start what reads them."""
    robot = LaunchConfiguration("robot_id").perform(context)
    scenario = Path(LaunchConfiguration("scenario").perform(context))
    folder = Path(tempfile.mkdtemp(prefix="patrol-harmonic-"))
    world, bridge = folder / "world.sdf", folder / "bridge.yaml"
    world.write_text(harmonic_world(scenario, robot), "utf-8")
    bridge.write_text(bridge_yaml(robot), "utf-8")
    gz_sim = Path(get_package_share_directory("ros_gz_sim")) / "launch" / "gz_sim.launch.py"
    options = "-r -s --headless-rendering" if LaunchConfiguration("headless").perform(context) == "true" else "-r"
    return [
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(gz_sim)),
            launch_arguments={"gz_args": f"{options} {world}", "on_exit_shutdown": "true"}.items(),
        ),
        Node(
            package="ros_gz_bridge",
            executable="parameter_bridge",
            name="gazebo_bridge",
            parameters=[{"config_file": str(bridge), "use_sim_time": True}],
            output="screen",
        ),
        *(
            Node(
                package="tf2_ros",
                executable="static_transform_publisher",
                name=f"{frame}_mount",
                namespace=robot,
                remappings=[("/tf_static", "tf_static")],
                arguments=static_transform_arguments(frame, pose),
            )
            for frame, pose in read_robot().mounts.items()
        ),
    ]


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch patrol_gazebo harmonic.launch.py`` starts."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("scenario", description="scenario file (YAML)"),
            DeclareLaunchArgument("headless", default_value="false", description="true: no window, pictures drawn off screen"),
            *describe(Backend.HARMONIC).entities,
            OpaqueFunction(function=_gazebo),
        ]
    )
