# SPDX-License-Identifier: Apache-2.0
"""What ``ros_gz_bridge`` carries between Gazebo Harmonic and the stack's topics, from the one table of topics.

Type pairs as the documentation of ros_gz_bridge for ROS 2 Jazzy lists them. ``python -m patrol_gazebo.bridge`` writes the file
for the robot ``rover`` that this package ships.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from patrol.topics import TOPICS, Side, topic
from sim.gazebo.harmonic_sdf import battery_topic

GZ_TYPES: dict[str, str] = {
    "rosgraph_msgs/msg/Clock": "gz.msgs.Clock",
    "sensor_msgs/msg/LaserScan": "gz.msgs.LaserScan",
    "sensor_msgs/msg/PointCloud2": "gz.msgs.PointCloudPacked",
    "sensor_msgs/msg/Imu": "gz.msgs.IMU",
    "sensor_msgs/msg/NavSatFix": "gz.msgs.NavSat",
    "sensor_msgs/msg/Image": "gz.msgs.Image",
    "sensor_msgs/msg/CameraInfo": "gz.msgs.CameraInfo",
    "sensor_msgs/msg/BatteryState": "gz.msgs.BatteryState",
    "nav_msgs/msg/Odometry": "gz.msgs.Odometry",
    "tf2_msgs/msg/TFMessage": "gz.msgs.Pose_V",
    "geometry_msgs/msg/Twist": "gz.msgs.Twist",
}
NOT_BRIDGED = frozenset({"tf_static", "diagnostics", "audio"})
"""Published by nodes of the launch file, not by Gazebo, which has no microphones."""
COMMAND = "cmd_vel"
SHIPPED = Path(__file__).resolve().parent.parent / "config" / "bridge.yaml"


def bridged() -> tuple[str, ...]:
    """The topics that Gazebo publishes or hears, by their names in the table."""
    rows = [row.name for row in TOPICS if row.publisher is Side.BACKEND and row.name not in NOT_BRIDGED]
    return (*rows, "tf", COMMAND)


def gz_topic(name: str, robot: str) -> str:
    """What Gazebo calls a topic of the table."""
    if name == "/clock":
        return name
    if name == "battery_state":
        return battery_topic(robot)
    return f"/{robot}/lidar/points" if name == "points" else f"/{robot}/{name}"


def bridge_yaml(robot: str) -> str:
    """The configuration of ``parameter_bridge`` for the robot in the namespace ``robot``."""
    lines = ["# SPDX-License-Identifier: Apache-2.0", "# Written by python -m patrol_gazebo.bridge"]
    for name in bridged():
        row = topic(name)
        lines += [
            f'- ros_topic_name: "{name if name.startswith("/") else f"/{robot}/{name}"}"',
            f'  gz_topic_name: "{gz_topic(name, robot)}"',
            f'  ros_type_name: "{row.type}"',
            f'  gz_type_name: "{GZ_TYPES[row.type]}"',
            f"  direction: {'ROS_TO_GZ' if name == COMMAND else 'GZ_TO_ROS'}",
            "  lazy: false",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the shipped file, or one for another robot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--robot", default="rover", help="namespace of the robot")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    arguments = parser.parse_args()
    arguments.out.write_text(bridge_yaml(arguments.robot), "utf-8")


if __name__ == "__main__":
    main()
