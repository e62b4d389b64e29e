# SPDX-License-Identifier: Apache-2.0
"""What simulator and replay have in common: measurements and time become the topics of a robot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rosgraph_msgs.msg import Clock

from patrol.geometry import Pose3
from patrol.sensors import Battery, CameraModel, Fix, Image, Imu, Odometry, PointCloud, Scan
from patrol.sound import SoundBlock
from patrol_ros.conversions import clouds, pictures, sensors, sounds
from patrol_ros.conversions.geometry import Transform, transforms_to_ros
from patrol_ros.conversions.stamps import stamp_to_ros
from patrol_ros.link import Link

Measurement = Scan | PointCloud | Image | Imu | Odometry | Fix | Battery | SoundBlock
CAMERA_FRAME = "camera_optical_frame"


class BackendTopics:
    """Publishes the rows of the topic table that belong to the backend."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._publishers: dict[str, Any] = {}
        self._cameras: dict[str, CameraModel] = {}

    def open(self, topics: Iterable[str]) -> None:
        """Announce these rows before there is anything to say on them, so that who listens is connected by then."""
        for topic in topics:
            self._publisher(topic)

    def are_heard(self) -> bool:
        """Whether every subscription that the graph shows for the announced rows is connected, and there is one at all."""
        connected = {topic: publisher.get_subscription_count() for topic, publisher in self._publishers.items()}
        shown = {topic: self._link.node.count_subscribers(topic) for topic in connected}
        return any(shown.values()) and all(connected[topic] >= shown[topic] for topic in shown)

    def tell_time(self, now_ns: int) -> None:
        """Publish ``/clock``."""
        self._publish("/clock", Clock(clock=stamp_to_ros(now_ns)))

    def tell_mounts(self, stamp_ns: int, base_from: dict[str, Pose3]) -> None:
        """Publish where each sensor frame sits on ``base_link``."""
        transforms = [
            Transform(stamp_ns=stamp_ns, parent=sensors.BASE_FRAME, child=frame, parent_from_child=pose)
            for frame, pose in base_from.items()
        ]
        self._publish("tf_static", transforms_to_ros(transforms))

    def know_cameras(self, cameras: Iterable[CameraModel]) -> None:
        """Their models are published beside their pictures."""
        self._cameras = {camera.frame_id: camera for camera in cameras}

    def tell(self, measurement: Measurement) -> None:
        """Publish one measurement under its topic."""
        match measurement:
            case Scan():
                self._publish("scan", sensors.scan_to_ros(measurement))
            case PointCloud():
                self._publish("points", clouds.cloud_to_ros(measurement))
            case Image():
                self._tell_image(measurement)
            case Imu():
                self._publish("imu", sensors.imu_to_ros(measurement))
            case Odometry():
                self._tell_odometry(measurement)
            case Fix():
                self._publish("fix", sensors.fix_to_ros(measurement))
            case Battery():
                self._publish("battery_state", sensors.battery_to_ros(measurement))
            case SoundBlock():
                self._publish("audio", sounds.block_to_ros(measurement))

    def publish_raw(self, topic: str, cdr: bytes) -> None:
        """Publish an already serialised message."""
        self._publish(topic, cdr)

    def _tell_image(self, image: Image) -> None:
        side = "camera" if image.frame_id == CAMERA_FRAME else "thermal"
        camera = self._cameras.get(image.frame_id)
        if camera is not None:
            self._publish(f"{side}/camera_info", pictures.camera_to_ros(camera, image.stamp_ns))
        self._publish(f"{side}/image_raw", pictures.image_to_ros(image))

    def _tell_odometry(self, odometry: Odometry) -> None:
        self._publish("odom", sensors.odometry_to_ros(odometry))
        moved = Transform(
            stamp_ns=odometry.stamp_ns,
            parent=sensors.ODOM_FRAME,
            child=sensors.BASE_FRAME,
            parent_from_child=Pose3.from_pose2(odometry.odom_from_base),
        )
        self._publish("tf", transforms_to_ros([moved]))

    def _publish(self, topic: str, message: Any) -> None:
        self._publisher(topic).publish(message)

    def _publisher(self, topic: str) -> Any:
        if topic not in self._publishers:
            self._publishers[topic] = self._link.publisher(topic)
        return self._publishers[topic]
