# SPDX-License-Identifier: Apache-2.0
"""The one table of topics: name, type, rate, quality of service, when its data is stale, and how much of it is recorded.

Names are relative to the robot's namespace unless they start with ``/``. Simulators, replays and robots publish the rows of
``Side.BACKEND``; the stack's own nodes publish the others. Types are ROS 2 interface names; only ``ros_ws`` resolves them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """Who publishes: the robot or whatever stands in for it, a node of the stack, whoever drives it by hand, the site's own
    installations, or Nav2 where that drives."""

    BACKEND = "backend"
    SLAM = "slam"
    PERCEPTION = "perception"
    MISSION = "mission"
    STOP = "stop"
    CENTRE = "centre"
    SITE = "site"
    NAV2 = "nav2"
    EVERY = "every"


class Qos(StrEnum):
    """Profiles by use: sensor (best effort, depth 5), reliable (depth 50), latched (reliable, transient local, depth 1),
    stream (reliable, depth 5; for pictures, which must cross without loss)."""

    SENSOR = "sensor"
    STREAM = "stream"
    RELIABLE = "reliable"
    LATCHED = "latched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    name: str
    type: str
    publisher: Side
    qos: Qos
    rate_hz: float | None = None
    stale_after_s: float | None = None
    recorded_every: int = 1

    @property
    def is_recorded(self) -> bool:
        """Whether recordings hold it: all of it, or every ``recorded_every``-th message."""
        return self.recorded_every > 0


TOPICS: tuple[Topic, ...] = (
    Topic(name="/clock", type="rosgraph_msgs/msg/Clock", publisher=Side.BACKEND, qos=Qos.SENSOR, rate_hz=50, recorded_every=0),
    Topic(
        name="points",
        type="sensor_msgs/msg/PointCloud2",
        publisher=Side.BACKEND,
        qos=Qos.SENSOR,
        rate_hz=10,
        stale_after_s=0.4,
        recorded_every=10,
    ),
    Topic(name="scan", type="sensor_msgs/msg/LaserScan", publisher=Side.BACKEND, qos=Qos.SENSOR, rate_hz=10, stale_after_s=0.4),
    Topic(name="imu", type="sensor_msgs/msg/Imu", publisher=Side.BACKEND, qos=Qos.SENSOR, rate_hz=100, stale_after_s=0.2),
    Topic(name="odom", type="nav_msgs/msg/Odometry", publisher=Side.BACKEND, qos=Qos.SENSOR, rate_hz=50, stale_after_s=0.3),
    Topic(name="fix", type="sensor_msgs/msg/NavSatFix", publisher=Side.BACKEND, qos=Qos.SENSOR, rate_hz=5, stale_after_s=2.0),
    Topic(
        name="camera/image_raw",
        type="sensor_msgs/msg/Image",
        publisher=Side.BACKEND,
        qos=Qos.STREAM,
        rate_hz=10,
        stale_after_s=0.5,
        recorded_every=0,
    ),
    Topic(name="camera/camera_info", type="sensor_msgs/msg/CameraInfo", publisher=Side.BACKEND, qos=Qos.STREAM, rate_hz=10),
    Topic(
        name="thermal/image_raw",
        type="sensor_msgs/msg/Image",
        publisher=Side.BACKEND,
        qos=Qos.STREAM,
        rate_hz=9,
        stale_after_s=0.6,
        recorded_every=0,
    ),
    Topic(name="thermal/camera_info", type="sensor_msgs/msg/CameraInfo", publisher=Side.BACKEND, qos=Qos.STREAM, rate_hz=9),
    Topic(
        name="battery_state",
        type="sensor_msgs/msg/BatteryState",
        publisher=Side.BACKEND,
        qos=Qos.RELIABLE,
        rate_hz=1,
        stale_after_s=5.0,
    ),
    Topic(
        name="audio",
        type="patrol_msgs/msg/SoundBlock",
        publisher=Side.BACKEND,
        qos=Qos.STREAM,
        stale_after_s=1.0,
        recorded_every=0,
    ),
    Topic(name="tf", type="tf2_msgs/msg/TFMessage", publisher=Side.EVERY, qos=Qos.RELIABLE, rate_hz=50),
    Topic(name="tf_static", type="tf2_msgs/msg/TFMessage", publisher=Side.BACKEND, qos=Qos.LATCHED),
    Topic(
        name="pose",
        type="geometry_msgs/msg/PoseWithCovarianceStamped",
        publisher=Side.SLAM,
        qos=Qos.RELIABLE,
        rate_hz=10,
        stale_after_s=0.6,
    ),
    Topic(
        name="localisation",
        type="patrol_msgs/msg/Localisation",
        publisher=Side.SLAM,
        qos=Qos.RELIABLE,
        rate_hz=10,
        stale_after_s=0.6,
    ),
    Topic(name="map", type="nav_msgs/msg/OccupancyGrid", publisher=Side.SLAM, qos=Qos.LATCHED),
    Topic(name="georeference", type="geometry_msgs/msg/PoseWithCovarianceStamped", publisher=Side.SLAM, qos=Qos.LATCHED),
    Topic(name="map_cloud", type="sensor_msgs/msg/PointCloud2", publisher=Side.SLAM, qos=Qos.LATCHED),
    Topic(
        name="tracks",
        type="patrol_msgs/msg/TrackArray",
        publisher=Side.PERCEPTION,
        qos=Qos.RELIABLE,
        rate_hz=10,
        stale_after_s=0.6,
    ),
    Topic(name="alerts", type="patrol_msgs/msg/Alert", publisher=Side.PERCEPTION, qos=Qos.RELIABLE),
    Topic(
        name="camera/image_safe",
        type="sensor_msgs/msg/Image",
        publisher=Side.PERCEPTION,
        qos=Qos.STREAM,
        rate_hz=10,
        stale_after_s=0.6,
    ),
    Topic(name="sounds", type="patrol_msgs/msg/SoundEventArray", publisher=Side.PERCEPTION, qos=Qos.RELIABLE),
    Topic(name="beliefs", type="patrol_msgs/msg/BeliefArray", publisher=Side.MISSION, qos=Qos.RELIABLE),
    Topic(name="inspection", type="patrol_msgs/msg/InspectionState", publisher=Side.MISSION, qos=Qos.RELIABLE),
    Topic(name="inspection_report", type="patrol_msgs/msg/InspectionReport", publisher=Side.PERCEPTION, qos=Qos.RELIABLE),
    Topic(
        name="cmd_vel_nav",
        type="geometry_msgs/msg/Twist",
        publisher=Side.MISSION,
        qos=Qos.RELIABLE,
        rate_hz=20,
        stale_after_s=0.3,
    ),
    Topic(name="nav2/cmd_vel", type="geometry_msgs/msg/Twist", publisher=Side.NAV2, qos=Qos.RELIABLE, stale_after_s=0.3),
    Topic(name="nav2/plan", type="nav_msgs/msg/Path", publisher=Side.NAV2, qos=Qos.RELIABLE),
    Topic(name="cmd_vel_hand", type="geometry_msgs/msg/Twist", publisher=Side.CENTRE, qos=Qos.SENSOR, stale_after_s=0.25),
    Topic(name="route", type="nav_msgs/msg/Path", publisher=Side.MISSION, qos=Qos.LATCHED),
    Topic(name="plan", type="nav_msgs/msg/Path", publisher=Side.MISSION, qos=Qos.RELIABLE),
    Topic(
        name="robot_state",
        type="patrol_msgs/msg/RobotState",
        publisher=Side.MISSION,
        qos=Qos.RELIABLE,
        rate_hz=5,
        stale_after_s=1.0,
    ),
    Topic(name="door_request", type="patrol_msgs/msg/DoorRequest", publisher=Side.MISSION, qos=Qos.RELIABLE),
    Topic(name="door_state", type="patrol_msgs/msg/DoorState", publisher=Side.SITE, qos=Qos.RELIABLE, stale_after_s=3.0),
    Topic(name="lift_request", type="patrol_msgs/msg/LiftRequest", publisher=Side.MISSION, qos=Qos.RELIABLE),
    Topic(name="lift_state", type="patrol_msgs/msg/LiftState", publisher=Side.SITE, qos=Qos.RELIABLE, stale_after_s=3.0),
    Topic(name="weather", type="patrol_msgs/msg/Weather", publisher=Side.SITE, qos=Qos.LATCHED, stale_after_s=1800.0),
    Topic(name="/team", type="patrol_msgs/msg/TeamWord", publisher=Side.MISSION, qos=Qos.SENSOR, rate_hz=4, recorded_every=4),
    Topic(name="assignment", type="patrol_msgs/msg/Assignment", publisher=Side.MISSION, qos=Qos.RELIABLE, stale_after_s=10.0),
    Topic(name="passages", type="patrol_msgs/msg/PassagesHeld", publisher=Side.MISSION, qos=Qos.RELIABLE, stale_after_s=1.5),
    Topic(name="waypoint_outcome", type="patrol_msgs/msg/WaypointOutcome", publisher=Side.MISSION, qos=Qos.RELIABLE),
    Topic(name="cmd_vel", type="geometry_msgs/msg/Twist", publisher=Side.STOP, qos=Qos.RELIABLE, rate_hz=20, stale_after_s=0.2),
    Topic(
        name="stop_state", type="patrol_msgs/msg/StopState", publisher=Side.STOP, qos=Qos.RELIABLE, rate_hz=10, stale_after_s=0.3
    ),
    Topic(name="diagnostics", type="diagnostic_msgs/msg/DiagnosticArray", publisher=Side.EVERY, qos=Qos.RELIABLE, rate_hz=1),
)

_BY_NAME = {topic.name: topic for topic in TOPICS}


def topic(name: str) -> Topic:
    """The row of the table called ``name``. Raises KeyError when there is none."""
    return _BY_NAME[name]
