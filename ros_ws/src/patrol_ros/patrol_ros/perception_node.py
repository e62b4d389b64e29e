# SPDX-License-Identifier: Apache-2.0
"""Perception: pictures, lidar and pose in; tracks, alerts and the picture that may leave the robot out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from evidence.sealing import Sealer, read_public
from patrol.clock import SystemClock, seconds
from patrol.config import load_config
from patrol.estimate import PoseEstimate
from patrol.sensors import CameraModel, Image
from patrol.site_file import read_site
from patrol_ros.backend import CAMERA_FRAME
from patrol_ros.conversions.clouds import cloud_from_ros
from patrol_ros.conversions.inspections import inspection_from_ros, inspection_report_to_ros
from patrol_ros.conversions.maps import estimate_from_ros
from patrol_ros.conversions.percepts import alert_to_ros, tracks_to_ros
from patrol_ros.conversions.pictures import camera_from_ros, image_from_ros, image_to_ros
from patrol_ros.conversions.sensors import odometry_from_ros
from patrol_ros.health import Ages, Status, report_health, stale_status
from patrol_ros.link import Link, run_node
from patrol_ros.mounts import Mounts
from patrol_ros.slot import Worker
from perception.inspecting.inspector import Inspector, InspectorConfig
from perception.inspecting.telling import alert_of
from perception.pipeline import Perception, PerceptionConfig
from perception.rulebook.book import book_for

log = logging.getLogger(__name__)
LIDAR_FRAME = "lidar_link"
THERMAL_FRAME = "thermal_optical_frame"


class PerceptionNode:
    """Looks at the newest picture in a thread; a picture that came while it was busy is replaced by the next. It leaves as soon
    as it is safe, before anybody judges it. Lidar and thermal pictures are taken in by another thread, so that they keep no
    picture waiting; what takes its time is done between two pictures."""

    def __init__(self, link: Link) -> None:
        self._link = link
        site = link.path("site")
        self._site = read_site(site) if site is not None else None
        self._config = load_config(PerceptionConfig, link.path("perception_config"))
        self._rules = book_for(site, link.path("rules"), self._site)
        self._core: Perception | None = None
        self._camera: CameraModel | None = None
        self._inspector: Inspector | None = None
        self._thermal_is_known = False
        self._estimate: PoseEstimate | None = None
        self._covered, self._took_s = "", 0.0
        self._lens = ""
        self._ages = Ages(("camera/image_raw",))
        self._publishers = {name: link.publisher(name) for name in ("tracks", "alerts", "camera/image_safe", "inspection_report")}
        self._worker: Worker[Image] = Worker("perception", self._work)
        self._beside: Worker[Callable[[], None]] = Worker("lidar and heat", lambda take: take(), limit=4)
        self._sealer = _sealer_of(link)
        self._seals: Worker[Callable[[], object]] = Worker("seals", lambda keep: keep(), limit=16)
        self._core_lock, self._inspector_lock = threading.Lock(), threading.Lock()
        self._mounts = Mounts(link, lambda: None)
        link.subscribe("camera/camera_info", self._on_camera)
        link.subscribe("localisation", self._on_localisation)
        link.subscribe("odom", self._on_odometry)
        link.subscribe("points", self._on_cloud)
        link.subscribe("camera/image_raw", self._on_image)
        link.subscribe("thermal/camera_info", self._on_thermal_camera)
        link.subscribe("thermal/image_raw", self._on_thermal)
        link.subscribe("inspection", self._on_inspection)
        report_health(link, self._status)
        link.closing.add(self._worker.close)
        link.closing.add(self._beside.close)
        link.closing.add(self._seals.close)

    def _on_camera(self, message: Any) -> None:
        mount = self._mounts.base_from(CAMERA_FRAME)
        if self._camera is None and mount is not None:
            self._camera = camera_from_ros(message, mount)

    def _on_localisation(self, message: Any) -> None:
        self._estimate = estimate_from_ros(message)

    def _on_odometry(self, message: Any) -> None:
        if self._core is not None:
            self._core.on_odometry(odometry_from_ros(message))

    def _on_cloud(self, message: Any) -> None:
        estimate = self._estimate
        if estimate is not None:
            self._beside.offer(partial(self._take_cloud, message, estimate))

    def _on_thermal_camera(self, message: Any) -> None:
        mount = self._mounts.base_from(THERMAL_FRAME)
        if not self._thermal_is_known and mount is not None:
            thermal, self._thermal_is_known = camera_from_ros(message, mount), self._core is not None
            self._beside.offer(partial(self._know_thermal, thermal))

    def _on_thermal(self, message: Any) -> None:
        self._beside.offer(partial(self._take_thermal, message, self._estimate))

    def _on_image(self, message: Any) -> None:
        self._ages.heard("camera/image_raw", self._link.now_ns())
        self._worker.offer(image_from_ros(message))

    def _work(self, image: Image) -> None:
        core = self._core or self._build()
        if core is None:
            return
        with self._core_lock:
            seen = core.see(image, self._estimate)
        self._covered = seen.safe.covered_because
        self._publishers["camera/image_safe"].publish(image_to_ros(seen.safe.image))
        with self._core_lock:
            percepts = core.judge(seen)
        self._lens = "well" if percepts.lens is None else percepts.lens.value
        self._publishers["tracks"].publish(tracks_to_ros(image.stamp_ns, image.frame_id, percepts.tracks, sky=percepts.sky))
        with self._inspector_lock:
            if self._inspector is not None:
                self._inspector.on_picture(percepts.safe, percepts.covered_because, self._estimate)
        for alert in percepts.alerts:
            self._publishers["alerts"].publish(alert_to_ros(alert))
            self._seal(alert.alert_id, image)
        self._took_s = seconds(self._link.now_ns() - image.stamp_ns)
        with self._core_lock:
            core.look_around()

    def _seal(self, alert_id: str, image: Image) -> None:
        """Seal the original beside the pictures' way, where there is a key to seal it to."""
        if self._sealer is not None:
            self._seals.offer(partial(self._sealer.keep, alert_id, image))

    def _take_cloud(self, message: Any, estimate: PoseEstimate) -> None:
        """What came beside the pictures is for the core, once there is one; it is read before the core is held up."""
        cloud = cloud_from_ros(message)
        if self._core is not None:
            with self._core_lock:
                self._core.on_cloud(cloud, estimate)
        with self._inspector_lock:
            if self._inspector is not None:
                self._inspector.on_cloud(cloud, estimate)

    def _take_thermal(self, message: Any, estimate: PoseEstimate | None) -> None:
        image = image_from_ros(message)
        if self._core is not None:
            with self._core_lock:
                self._core.on_thermal(image, estimate)
        with self._inspector_lock:
            if self._inspector is not None:
                self._inspector.on_thermal(image)

    def _know_thermal(self, thermal: CameraModel) -> None:
        if self._core is not None:
            with self._core_lock:
                self._core.know_thermal(thermal)
        with self._inspector_lock:
            if self._inspector is not None:
                self._inspector.know_thermal(thermal)

    def _on_inspection(self, message: Any) -> None:
        with self._inspector_lock:
            report = None if self._inspector is None else self._inspector.follow(inspection_from_ros(message))
        if report is not None:
            self._publishers["inspection_report"].publish(inspection_report_to_ros(report))
            self._publishers["alerts"].publish(alert_to_ros(alert_of(report)))

    def _build(self) -> Perception | None:
        """The core, once the camera is known. The detector is opened here: in the worker's thread."""
        if self._camera is not None:
            lidar = self._mounts.base_from(LIDAR_FRAME)
            self._inspector = Inspector(InspectorConfig(), self._camera, lidar)
            self._core = Perception(
                self._config, self._camera, self._site, rules=self._rules, base_from_lidar=lidar, clock=SystemClock()
            )
        return self._core

    def _status(self) -> Status:
        worker = self._worker
        latency = f"{self._took_s:.3f}"
        seen = {"lens": self._lens} if self._lens else {}
        counts = {"pictures": worker.done, "dropped": worker.dropped, "latency_s": latency}
        status = stale_status(self._ages, self._link.now_ns(), **counts, **seen)
        covered = f"pictures are covered: {self._covered}" if self._covered else ""
        blind = f"the camera is {self._lens}" if self._lens not in ("", "well") else ""
        trouble = worker.trouble or self._beside.trouble or self._seals.trouble
        return Status(wrong=status.wrong or trouble or covered or blind, values=status.values)


def _sealer_of(link: Link) -> Sealer | None:
    """Without a key or a folder no original is kept at all. Raises BadInput for a file that is no key."""
    key, folder = link.path("evidence_key"), link.path("run_folder")
    return None if key is None or folder is None else Sealer(read_public(key), folder)


def main() -> None:
    """Entry point of ``ros2 run patrol_ros perception``."""
    run_node("perception", PerceptionNode)


if __name__ == "__main__":
    main()
