# SPDX-License-Identifier: Apache-2.0
"""What can be replayed, as pieces in the order of their stamps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from evidence.recording import Recording
from patrol.clock import nanoseconds
from patrol.errors import BadInput, Fault
from patrol.geometry import STOPPED, Pose3
from patrol.replayable import Replayable, kind_of
from patrol.sensors import CameraModel, Image, Odometry
from patrol.topics import TOPICS, Side, Topic
from patrol_ros.backend import CAMERA_FRAME, BackendTopics, Measurement
from slam.carmen import read_carmen

# A camera on a mast that looks forward, for footage that comes without a calibration.
_HFOV_RAD = math.radians(60.0)
_MAST_M = 2.5


class Piece(Protocol):
    """One moment of a recording."""

    @property
    def stamp_ns(self) -> int: ...

    def publish(self, topics: BackendTopics) -> None: ...


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement of the stack's own types."""

    stamp_ns: int
    measurement: Measurement

    def publish(self, topics: BackendTopics) -> None:
        topics.tell(self.measurement)


@dataclass(frozen=True, slots=True)
class Serialised:
    """A message as it was recorded."""

    stamp_ns: int
    topic: str
    cdr: bytes

    def publish(self, topics: BackendTopics) -> None:
        topics.publish_raw(self.topic, self.cdr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A recording: where its sensors sit, its cameras, and its pieces from the beginning."""

    path: Path
    mounts: dict[str, Pose3] = field(default_factory=dict)
    cameras: tuple[CameraModel, ...] = ()

    @property
    def topics(self) -> tuple[str, ...]:
        """The rows of the table that the pieces may be on."""
        kind = kind_of(self.path)
        if kind is Replayable.PATROL:
            return tuple(row.name for row in _backend_rows())
        return ("camera/image_raw", "camera/camera_info") if kind is Replayable.VIDEO else ("scan", "odom", "tf")

    def pieces(self) -> Iterator[Piece]:
        """Raises BadInput where the file can not be read."""
        kind = kind_of(self.path)
        if kind is Replayable.PATROL:
            return _recorded(self.path)
        return _pictures(self.path) if kind is Replayable.VIDEO else _scans(self.path)


def open_source(path: Path) -> Source:
    """Look at the recording at ``path``. Raises BadInput when it is missing or of no kind that can be replayed."""
    kind = kind_of(path)
    if kind is Replayable.PATROL:
        return Source(path=path)
    if kind is Replayable.CARMEN:
        return Source(path=path, mounts={"lidar_link": Pose3.from_pose2(read_carmen(path).base_from_lidar)})
    camera = _camera_of(path)
    return Source(path=path, mounts={camera.frame_id: camera.base_from_optical}, cameras=(camera,))


def _scans(path: Path) -> Iterator[Piece]:
    for record in read_carmen(path):
        odometry = Odometry(stamp_ns=record.stamp_ns, odom_from_base=record.odom_from_base, twist=STOPPED)
        yield Measured(record.stamp_ns, odometry)
        yield Measured(record.stamp_ns, record.scan)


def _pictures(path: Path) -> Iterator[Piece]:
    capture = cv2.VideoCapture(str(path))
    try:
        period_s = 1.0 / (capture.get(cv2.CAP_PROP_FPS) or 25.0)
        index = 1
        while (pixels := _next_picture(capture)) is not None:
            stamp_ns = nanoseconds(index * period_s)
            yield Measured(stamp_ns, Image(stamp_ns=stamp_ns, frame_id=CAMERA_FRAME, encoding="bgr8", pixels=pixels))
            index += 1
    finally:
        capture.release()


def _next_picture(capture: cv2.VideoCapture) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None:
    there, pixels = capture.read()
    return np.asarray(pixels, dtype=np.uint8) if there else None


def _camera_of(path: Path) -> CameraModel:
    capture = cv2.VideoCapture(str(path))
    width_px, height_px = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    capture.release()
    if not (width_px and height_px):
        raise BadInput(path, [Fault(field="(file)", value=str(path), because="holds no picture")])
    mount = Pose3.from_xyz_rpy(0.0, 0.0, _MAST_M, -math.pi / 2, 0.0, -math.pi / 2)
    return CameraModel.from_hfov(CAMERA_FRAME, width_px, height_px, _HFOV_RAD, mount)


def _recorded(path: Path) -> Iterator[Piece]:
    """The backend's topics only: the stack's own nodes say the rest anew."""
    backend = {row.name: row.type for row in _backend_rows()}
    for message in Recording(path).messages():
        name = next((name for name in backend if message.topic in (name, f"/{name}") or message.topic.endswith(f"/{name}")), None)
        if name is not None and message.type == backend[name]:
            yield Serialised(message.log_ns, name, message.cdr)


def _backend_rows() -> tuple[Topic, ...]:
    return tuple(row for row in TOPICS if row.publisher is Side.BACKEND and not row.name.startswith("/"))
