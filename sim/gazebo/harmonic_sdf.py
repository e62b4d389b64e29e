# SPDX-License-Identifier: Apache-2.0
"""What Gazebo Harmonic needs in a world besides models: gz-sim systems for the world and for a robot.

File names and elements as the gz-sim 8 documentation has them (gazebosim.org/api/sim/8).
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from sim.gazebo.robot_sdf import BASE_LINK, joint_name
from sim.gazebo.xml import put, put_all
from sim.robot import RobotModel
from sim.thermal import surface_kelvin
from sim.weather import Weather

_SURFACE = re.compile(r"([a-z]+)_\d+\Z")
WORLD_SYSTEMS: dict[str, str] = {
    "gz-sim-physics-system": "gz::sim::systems::Physics",
    "gz-sim-user-commands-system": "gz::sim::systems::UserCommands",
    "gz-sim-scene-broadcaster-system": "gz::sim::systems::SceneBroadcaster",
    "gz-sim-sensors-system": "gz::sim::systems::Sensors",
    "gz-sim-imu-system": "gz::sim::systems::Imu",
    "gz-sim-navsat-system": "gz::sim::systems::NavSat",
}
DIFF_DRIVE = ("gz-sim-diff-drive-system", "gz::sim::systems::DiffDrive")
BATTERY = ("gz-sim-linearbatteryplugin-system", "gz::sim::systems::LinearBatteryPlugin")
THERMAL = ("gz-sim-thermal-system", "gz::sim::systems::Thermal")
BATTERY_NAME = "main"


def add_world_systems(world: ET.Element) -> None:
    """Physics, commands, scene, rendering sensors, IMU and satellite navigation."""
    for filename, name in WORLD_SYSTEMS.items():
        plugin = put(world, "plugin", filename=filename, name=name)
        if filename == "gz-sim-sensors-system":
            put(plugin, "render_engine", "ogre2")


def warm(world: ET.Element, weather: Weather) -> None:
    """Give every visual the temperature of its surface; the air's is the scene's."""
    atmosphere = put(world, "atmosphere", type="adiabatic")
    put(atmosphere, "temperature", weather.air_k)
    for visual in world.iter("visual"):
        match = _SURFACE.match(visual.get("name", ""))
        kelvin = surface_kelvin(match.group(1) if match else "", weather)
        put(put(visual, "plugin", filename=THERMAL[0], name=THERMAL[1]), "temperature", kelvin)


def add_robot_systems(model: ET.Element, robot: RobotModel, sensors: frozenset[str]) -> None:
    """The drive with its odometry and transform, and the battery. Topics lie below the model's name."""
    drive, name = robot.drive, model.get("name", "")
    plugin = put(model, "plugin", filename=DIFF_DRIVE[0], name=DIFF_DRIVE[1])
    put_all(
        plugin,
        left_joint=joint_name("left"),
        right_joint=joint_name("right"),
        wheel_separation=drive.track_m,
        wheel_radius=drive.wheel_radius_m,
        odom_publish_frequency=robot.odometry.rate_hz,
        max_linear_velocity=drive.forward_limit_mps,
        min_linear_velocity=-drive.forward_limit_mps,
        max_angular_velocity=drive.turn_limit_radps,
        min_angular_velocity=-drive.turn_limit_radps,
        max_linear_acceleration=drive.forward_acceleration_mps2,
        min_linear_acceleration=-drive.forward_acceleration_mps2,
        max_angular_acceleration=drive.turn_acceleration_radps2,
        min_angular_acceleration=-drive.turn_acceleration_radps2,
        topic=f"/{name}/cmd_vel",
        odom_topic=f"/{name}/odom",
        tf_topic=f"/{name}/tf",
        frame_id="odom",
        child_frame_id=BASE_LINK,
    )
    if "battery" in sensors:
        _add_battery(model, robot)


def battery_topic(model: str) -> str:
    """Where the battery of ``model`` tells its state; gz-sim gives it no other name."""
    return f"/model/{model}/battery/{BATTERY_NAME}/state"


def _add_battery(model: ET.Element, robot: RobotModel) -> None:
    part = robot.battery
    capacity_ah = part.capacity_wh / (0.5 * (part.full_v + part.empty_v))
    put_all(
        put(model, "plugin", filename=BATTERY[0], name=BATTERY[1]),
        battery_name=BATTERY_NAME,
        voltage=part.full_v,
        open_circuit_voltage_constant_coef=part.full_v,
        open_circuit_voltage_linear_coef=part.empty_v - part.full_v,
        initial_charge=capacity_ah,
        capacity=capacity_ah,
        resistance=0.0,
        smooth_current_tau=1.0,
        power_load=part.idle_w,
    )
