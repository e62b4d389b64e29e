# SPDX-License-Identifier: Apache-2.0
"""The site in space from a patrol's recording: IMU and wheels at their full rate carry the pose between the revolutions kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from app.recorded import decoded
from evidence.cdr import picture_from_compressed
from patrol.clock import nanoseconds
from patrol.errors import BadInput, BadValue, Fault
from patrol.geometry import IDENTITY2, Pose2, Pose3
from patrol.odometry_buffer import OdometryBuffer
from patrol.sensors import CameraModel, Image, PointCloud
from patrol_ros.conversions.clouds import cloud_from_ros
from patrol_ros.conversions.geometry import transforms_from_ros
from patrol_ros.conversions.maps import estimate_from_ros
from patrol_ros.conversions.pictures import camera_from_ros
from patrol_ros.conversions.sensors import BASE_FRAME, IMU_FRAME, imu_from_ros, odometry_from_ros
from slam.cloud import CameraView, CloudMapper, piece_of
from slam.cloud_files import save_ply
from slam.lio.cloud_check import CloudOutcome
from slam.lio.config import LioConfig
from slam.lio.mapper import LioMapper, MapUpdate3
from slam.lio.mesh import mesh_of, save_mesh
from slam.lio.odometry import Mounts3
from slam.lio.reckoning import Reading
from slam.stamped_poses import write_tum

CLOUD_FILE, MESH_FILE, TRAJECTORY_FILE = "cloud.ply", "mesh.ply", "trajectory.tum"
_PICTURE = "camera/image_safe/compressed"
_TOPICS = frozenset({"points", "imu", "odom", "tf_static", "localisation", "diagnostics", "camera/camera_info", _PICTURE})
_PICTURES_KEPT = 40
_REVOLUTIONS_WAITING, _READINGS_WAITING = 30, 10_000
_LATE_NS = nanoseconds(2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudResult:
    """What became of a recording: revolutions by outcome, doubts by how often, and what was written."""

    outcomes: Mapping[str, int]
    doubts: Mapping[str, int]
    frame: str
    loops: int
    path_m: float
    points: int
    faces: int


def map_cloud(recording: Path, folder: Path, config: LioConfig, *, mesh: bool) -> CloudResult:
    """Build cloud, mesh and trajectory from ``recording`` into ``folder``. Raises BadInput when it holds too little."""
    run = _Run(recording, config)
    for name, message in decoded(recording, _TOPICS):
        run.hear(name, message)
    return run.finish(folder, mesh=mesh)


@dataclass(slots=True)
class _Heard:
    """What was said last."""

    mounts: dict[str, Pose3] = field(default_factory=dict)
    map_from_odom: Pose2 | None = None
    camera_info: Any = None
    is_covered: bool = False
    newest_ns: int = 0


class _Run:
    """One recording, from its beginning. A revolution waits until IMU and wheels have told what was during it."""

    def __init__(self, path: Path, config: LioConfig) -> None:
        self._path, self._config = path, config
        self._heard, self._odometry = _Heard(), OdometryBuffer(keep_s=10.0)
        self._pictures: deque[tuple[int, bytes]] = deque(maxlen=_PICTURES_KEPT)
        self._waiting: deque[PointCloud] = deque()
        self._early: list[Reading] = []
        self._mapper: LioMapper | None = None
        self._cloud = CloudMapper(config.cloud)
        self._keys: dict[int, int] = {}
        self._outcomes: dict[str, int] = {}
        self._doubts: dict[str, int] = {}
        self._loops = 0
        self._frame = "map"

    def hear(self, name: str, message: Any) -> None:
        """Take in the next message."""
        if name == _PICTURE:
            self._hear_picture(message)
        else:
            {
                "tf_static": self._hear_mounts,
                "localisation": self._hear_estimate,
                "camera/camera_info": self._hear_camera,
                "diagnostics": self._hear_diagnostics,
                "imu": self._hear_imu,
                "odom": self._hear_odometry,
                "points": self._hear_points,
            }[name](message)

    def finish(self, folder: Path, *, mesh: bool) -> CloudResult:
        """Take in what still waits, settle, write."""
        self._serve(force=True)
        mapper = self._mapper
        if mapper is None or not self._keys:
            raise BadInput(self._path, [Fault(field="points", value=dict(self._outcomes), because="no revolution can be mapped")])
        mapper.settle()
        poses = mapper.key_poses()
        self._cloud.move_to({stamp_ns: poses[key_id] for stamp_ns, key_id in self._keys.items()})
        folder.mkdir(parents=True, exist_ok=True)
        cloud, trajectory = self._cloud.cloud(), mapper.trajectory()
        save_ply(folder / CLOUD_FILE, cloud)
        write_tum(folder / TRAJECTORY_FILE, trajectory)
        faces = 0
        if mesh:
            try:
                surface = mesh_of(cloud, self._cloud.views(), self._config.mesh)
            except BadValue as error:
                raise BadInput(self._path, [Fault(field="points", value=len(cloud), because=str(error))]) from error
            save_mesh(folder / MESH_FILE, surface)
            faces = len(surface.faces)
        steps = np.linalg.norm(np.diff(trajectory.positions_m, axis=0), axis=1)
        return CloudResult(
            outcomes=self._outcomes,
            doubts=self._doubts,
            frame=self._frame,
            loops=self._loops,
            path_m=float(steps.sum()),
            points=len(cloud),
            faces=faces,
        )

    def _hear_picture(self, cdr: bytes) -> None:
        if not self._heard.is_covered:
            self._pictures.append(picture_from_compressed(cdr))

    def _hear_mounts(self, message: Any) -> None:
        for transform in transforms_from_ros(message):
            if transform.parent == BASE_FRAME:
                self._heard.mounts[transform.child] = transform.parent_from_child

    def _hear_estimate(self, message: Any) -> None:
        estimate = estimate_from_ros(message)
        if self._heard.map_from_odom is None and not estimate.doubt:
            self._heard.map_from_odom = estimate.map_from_odom

    def _hear_camera(self, message: Any) -> None:
        self._heard.camera_info = message

    def _hear_diagnostics(self, message: Any) -> None:
        """A covered picture shows no colours of the site."""
        for status in message.status:
            if status.name == "perception":
                self._heard.is_covered = "pictures are covered" in status.message

    def _hear_imu(self, message: Any) -> None:
        imu = imu_from_ros(message)
        self._heard.newest_ns = max(self._heard.newest_ns, imu.stamp_ns)
        self._add_reading(imu)
        self._serve()

    def _hear_odometry(self, message: Any) -> None:
        odometry = odometry_from_ros(message)
        self._odometry.add(odometry)
        self._add_reading(odometry)

    def _hear_points(self, message: Any) -> None:
        self._waiting.append(cloud_from_ros(message))
        self._serve()

    def _add_reading(self, reading: Reading) -> None:
        if self._mapper is None:
            self._early.append(reading)
            del self._early[:-_READINGS_WAITING]
        else:
            self._mapper.add_reading(reading)

    def _serve(self, *, force: bool = False) -> None:
        """Map the revolutions whose time the readings have reached; without readings those that are late."""
        while self._waiting:
            cloud = self._waiting[0]
            end_ns = cloud.stamp_ns + nanoseconds(float(np.nan_to_num(cloud.time_s).max(initial=0.0)))
            is_late = self._waiting[-1].stamp_ns - end_ns > _LATE_NS
            if not (force or is_late or self._heard.newest_ns >= end_ns):
                return
            mapper = self._mapper or self._begin(cloud, force=force)
            if mapper is None:
                return
            self._waiting.popleft()
            self._take(cloud, mapper.add_cloud(cloud))

    def _begin(self, cloud: PointCloud, *, force: bool) -> LioMapper | None:
        """The mapper, once it is known where the lidar sits and where the robot stands in the map; in odom when nothing says
        the latter for long."""
        known, mounts_known = self._heard.map_from_odom, cloud.frame_id in self._heard.mounts
        if (known is None or not mounts_known) and not force and len(self._waiting) < _REVOLUTIONS_WAITING:
            return None
        self._frame = "odom" if known is None else "map"
        odom_from_base = self._odometry.at(cloud.stamp_ns) or IDENTITY2
        start = Pose3.from_pose2((known or IDENTITY2) @ odom_from_base)
        mounts = Mounts3(base_from_lidar=self._mount(cloud.frame_id), base_from_imu=self._heard.mounts.get(IMU_FRAME))
        self._mapper = LioMapper(self._config, mounts, start)
        for reading in self._early:
            self._add_reading(reading)
        return self._mapper

    def _mount(self, frame_id: str) -> Pose3:
        mount = self._heard.mounts.get(frame_id)
        if mount is None:
            raise BadInput(self._path, [Fault(field="tf_static", value=frame_id, because="does not tell where this frame is")])
        return mount

    def _take(self, cloud: PointCloud, mapped: MapUpdate3) -> None:
        update = mapped.update
        self._outcomes[update.outcome] = self._outcomes.get(update.outcome, 0) + 1
        for doubt in update.doubts:
            self._doubts[doubt] = self._doubts.get(doubt, 0) + 1
        self._loops += mapped.loop_closed
        if mapped.key_id is None or update.outcome not in (CloudOutcome.REGISTERED, CloudOutcome.GAP):
            return
        lidar = self._mount(cloud.frame_id)
        piece = piece_of(update.points_m, update.stamp_ns, lidar, self._config.cloud, view=self._view(update.stamp_ns))
        self._cloud.add(piece, mapped.map_from_base)
        self._keys[update.stamp_ns] = mapped.key_id

    def _view(self, stamp_ns: int) -> CameraView | None:
        """The picture nearest in time, and where the base was then."""
        if not self._pictures or self._heard.camera_info is None:
            return None
        then_ns, file = min(self._pictures, key=lambda kept: abs(kept[0] - stamp_ns))
        here, there = self._odometry.at(stamp_ns), self._odometry.at(then_ns)
        camera = self._camera()
        pixels = cv2.imdecode(np.frombuffer(file, dtype=np.uint8), cv2.IMREAD_COLOR)
        if here is None or there is None or camera is None or pixels is None:
            return None
        image = Image(stamp_ns=then_ns, frame_id=camera.frame_id, encoding="bgr8", pixels=np.asarray(pixels))
        return CameraView(image=image, camera=camera, base_from_then=Pose3.from_pose2(here.inverse() @ there))

    def _camera(self) -> CameraModel | None:
        mount = self._heard.mounts.get(self._heard.camera_info.header.frame_id)
        return None if mount is None else camera_from_ros(self._heard.camera_info, mount)
