# SPDX-License-Identifier: Apache-2.0
"""The coloured cloud beside SLAM: about one revolution a second, coloured from pictures that the anonymiser has passed."""

from __future__ import annotations

import logging
import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image as RosImage
from sensor_msgs.msg import PointCloud2

from patrol.clock import NS_PER_S
from patrol.geometry import IDENTITY2, Pose2, Pose3
from patrol.sensors import CameraModel
from patrol_ros.backend import CAMERA_FRAME
from patrol_ros.conversions.clouds import cloud_from_ros, coloured_cloud_to_ros
from patrol_ros.conversions.pictures import camera_from_ros, image_from_ros
from patrol_ros.link import Link
from patrol_ros.mounts import Mounts
from patrol_ros.slot import BEHIND, Worker
from slam.cloud import CameraView, CloudMapper, piece_of, points_in_base
from slam.cloud_files import save_ply
from slam.config import CloudConfig
from slam.scan_points import BodyRate

log = logging.getLogger(__name__)
CLOUD_FILE = "cloud.ply"
EVERY_NS = NS_PER_S
TELL_EVERY_NS = 5 * NS_PER_S
MOVE_EVERY_NS = 5 * NS_PER_S
# A picture from the anonymiser comes a little after its revolution; after this long none will.
_PICTURE_WITHIN_NS = NS_PER_S // 2
_REVOLUTION_NS = NS_PER_S // 10
_KEPT = 12
_TOLD_MAX = 60_000
_STEP_M, _STEP_RAD = 0.25, 0.1
_READ: Any = deserialize_message
PoseAt = Callable[[int], Pose2 | None]
PosesAt = Callable[[Sequence[int]], Mapping[int, Pose2]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """One revolution and the picture of about that time, both serialised; no picture when none came."""

    cloud: bytes
    picture: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """Where the graph has revolutions now, by their stamps."""

    poses: Mapping[int, Pose2]


class SlamCloud:
    """Pairs revolutions with safe pictures, feeds the core in a thread, tells ``map_cloud`` and saves the file.

    Messages stay serialised until they are chosen, so that those left out cost next to nothing. ``pose_at`` is where the base
    was in the map at a stamp; None where that is not known.
    """

    def __init__(self, link: Link, mounts: Mounts, config: CloudConfig, pose_at: PoseAt) -> None:
        self._mounts, self._pose_at = mounts, pose_at
        self._config, self._core = config, CloudMapper(config)
        self._publisher = link.publisher("map_cloud")
        self._clouds: deque[tuple[int, bytes]] = deque(maxlen=_KEPT)
        self._camera: CameraModel | None = None
        self._taken_ns = self._told_ns = 0
        self._taken_at: Pose2 | None = None
        self._is_taken_in_colour = False
        self._is_covered = False
        self._moved_ns = 0
        self._worker: Worker[_Pair | _Moved | Path] = Worker("cloud", self._work, limit=3, niceness=BEHIND)
        link.subscribe("points", self._on_cloud, raw=True)
        link.subscribe("camera/image_safe", self._on_picture, raw=True)
        link.subscribe("camera/camera_info", self._on_camera)
        link.subscribe("diagnostics", self._on_diagnostics)

    @property
    def trouble(self) -> str:
        """What is wrong with the cloud; empty: nothing."""
        return self._worker.trouble

    def follow(self, poses_at: PosesAt, stamp_ns: int) -> bool:
        """The graph has moved: put the revolutions where ``poses_at`` has them now. False while the last time was less than five
        seconds before ``stamp_ns``."""
        if 0 <= stamp_ns - self._moved_ns < MOVE_EVERY_NS:
            return False
        self._moved_ns = stamp_ns
        self._worker.offer(_Moved(poses=poses_at(self._core.stamps_ns())))
        return True

    def save(self, folder: Path) -> None:
        """Write the cloud so far into ``folder``, in the thread."""
        self._worker.offer(folder)

    def close(self, folder: Path | None, poses_at: PosesAt | None = None) -> None:
        """End the thread, put the revolutions where ``poses_at`` has them at last, and save."""
        self._worker.close()
        if folder is not None and not self._worker.is_alive:
            if poses_at is not None:
                self._move(poses_at(self._core.stamps_ns()))
            self._save(folder)

    def _on_cloud(self, cdr: bytes) -> None:
        stamp_ns = _stamp_of(cdr)
        self._clouds.append((stamp_ns, cdr))
        if stamp_ns < self._taken_ns or stamp_ns - self._taken_ns >= EVERY_NS + _PICTURE_WITHIN_NS:
            self._take(stamp_ns, None)

    def _on_picture(self, cdr: bytes) -> None:
        stamp_ns = _stamp_of(cdr)
        if not self._is_covered and stamp_ns - self._taken_ns >= EVERY_NS:
            self._take(stamp_ns, cdr)

    def _take(self, stamp_ns: int, picture: bytes | None) -> None:
        """Choose the revolution nearest to the stamp; none where the last one was taken from the same place as well."""
        if not self._clouds:
            return
        self._taken_ns, cloud = min(self._clouds, key=lambda kept: abs(kept[0] - stamp_ns))
        here, last = self._pose_at(self._taken_ns), self._taken_at
        is_better = picture is not None and not self._is_taken_in_colour
        if here is None or last is None or is_better or _is_elsewhere(here, last):
            self._taken_at, self._is_taken_in_colour = here, picture is not None
            self._worker.offer(_Pair(cloud=cloud, picture=picture))

    def _on_camera(self, message: Any) -> None:
        mount = self._mounts.base_from(CAMERA_FRAME)
        if self._camera is None and mount is not None:
            self._camera = camera_from_ros(message, mount)

    def _on_diagnostics(self, message: Any) -> None:
        """A covered picture shows no colours of the site."""
        for status in message.status:
            if status.name == "perception":
                self._is_covered = "pictures are covered" in status.message

    def _work(self, item: _Pair | _Moved | Path) -> None:
        if isinstance(item, Path):
            self._save(item)
        elif isinstance(item, _Moved):
            self._move(item.poses)
        else:
            self._add(item)

    def _move(self, poses: Mapping[int, Pose2]) -> None:
        self._core.move_to({stamp_ns: Pose3.from_pose2(pose) for stamp_ns, pose in poses.items()})

    def _add(self, item: _Pair) -> None:
        cloud = cloud_from_ros(_READ(item.cloud, PointCloud2))
        base_from_lidar, here = self._mounts.base_from(cloud.frame_id), self._pose_at(cloud.stamp_ns)
        if base_from_lidar is None or here is None:
            return
        points = points_in_base(cloud, base_from_lidar, self._rate(cloud.stamp_ns, here), self._config)
        piece = piece_of(points, cloud.stamp_ns, base_from_lidar, self._config, view=self._view(item.picture, here))
        if len(piece.points_m):
            self._core.add(piece, Pose3.from_pose2(here))
        if not 0 <= cloud.stamp_ns - self._told_ns < TELL_EVERY_NS:
            self._told_ns = cloud.stamp_ns
            self._tell(cloud.stamp_ns)

    def _rate(self, stamp_ns: int, here: Pose2) -> BodyRate:
        """How the base moved during a revolution, by odometry; still where that is not known."""
        later = self._pose_at(stamp_ns + _REVOLUTION_NS)
        if later is None:
            return BodyRate()
        moved, per_s = here.inverse() @ later, NS_PER_S / _REVOLUTION_NS
        return BodyRate(x_mps=moved.x_m * per_s, y_mps=moved.y_m * per_s, yaw_radps=moved.yaw_rad * per_s)

    def _view(self, picture: bytes | None, here: Pose2) -> CameraView | None:
        if picture is None or self._camera is None:
            return None
        image = image_from_ros(_READ(picture, RosImage))
        there = self._pose_at(image.stamp_ns)
        if there is None:
            return None
        return CameraView(image=image, camera=self._camera, base_from_then=Pose3.from_pose2(here.inverse() @ there))

    def _tell(self, stamp_ns: int) -> None:
        """Publish an even part of the cloud; the whole lies in the file."""
        cloud = self._core.preview(_TOLD_MAX)
        self._publisher.publish(coloured_cloud_to_ros(stamp_ns, "map", cloud.points_m, cloud.rgb))

    def _save(self, folder: Path) -> None:
        cloud = self._core.cloud()
        if len(cloud):
            folder.mkdir(parents=True, exist_ok=True)
            save_ply(folder / CLOUD_FILE, cloud)


def _is_elsewhere(here: Pose2, last: Pose2) -> bool:
    moved = last.inverse() @ here
    return IDENTITY2.distance_to(moved) > _STEP_M or abs(moved.yaw_rad) > _STEP_RAD


def _stamp_of(cdr: bytes) -> int:
    """The stamp of a serialised message that begins with a header, in nanoseconds."""
    order = "<" if cdr[1] & 1 else ">"
    sec, nanosec = struct.unpack_from(f"{order}iI", cdr, 4)
    return int(sec) * NS_PER_S + int(nanosec)
