# SPDX-License-Identifier: Apache-2.0
"""The world of a scenario for Gazebo Harmonic, and where its robot's sensors sit: ``python -m patrol_gazebo.harmonic``."""

from __future__ import annotations

import argparse
from pathlib import Path

from patrol.geometry import Pose3
from patrol.local_frame import LocalFrame
from patrol.site_file import read_site
from sim.gazebo.backends import Flavour
from sim.gazebo.world_sdf import WorldPlan, write_world
from sim.robot import ROVER, read_robot
from sim.scenario import read_scenario
from sim.sensor_suite import ALL_SENSORS
from sim.stage import start_pose
from sim.weather import weather_at


def harmonic_world(scenario_path: Path, robot_name: str, robot_path: Path = ROVER) -> str:
    """The SDF text. Raises BadInput for a broken file."""
    scenario, robot = read_scenario(scenario_path), read_robot(robot_path)
    site = read_site(scenario.site)
    plan = WorldPlan(
        world=scenario.world,
        datum=LocalFrame(site.datum).datum,
        weather=weather_at(scenario.weather, site.datum, scenario.start_ns),
        robot=robot,
        robots={robot_name: start_pose(scenario, site)},
        sensors=ALL_SENSORS,
    )
    return write_world(plan, Flavour.HARMONIC)


def static_transform_arguments(frame: str, pose: Pose3) -> list[str]:
    """The command line of tf2_ros' ``static_transform_publisher`` for one sensor frame."""
    x, y, z = (f"{value:.6g}" for value in pose.translation_m)
    qx, qy, qz, qw = (f"{value:.9g}" for value in pose.quaternion_xyzw())
    words = {"x": x, "y": y, "z": z, "qx": qx, "qy": qy, "qz": qz, "qw": qw, "frame-id": "base_link", "child-frame-id": frame}
    return [word for key, value in words.items() for word in (f"--{key}", value)]


def main() -> None:
    """Write the world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", type=Path)
    parser.add_argument("--robot", default="rover", help="name and namespace of the robot")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.write_text(harmonic_world(arguments.scenario, arguments.robot), "utf-8")


if __name__ == "__main__":
    main()
