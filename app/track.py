# SPDX-License-Identifier: Apache-2.0
"""A video file through the detector and the tracker, with one frozen configuration.

The configuration was chosen on TUD-Campus and TUD-Stadtmitte alone and holds for every other video.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field

from patrol.checks import Bytes
from patrol.clock import NS_PER_S
from patrol.config import Config
from patrol.errors import BadInput, Fault
from patrol.percepts import Detection, Label
from patrol.sensors import Image
from perception.delayed import Delayed, ToldPicture
from perception.detector import Detector, DetectorConfig, open_detector
from perception.fixed_camera import FixedCamera
from perception.ground_path import ground_paths
from perception.metrics.mot_file import MotRows
from perception.tracker import Tracker, TrackerConfig

_FRAME = "camera_optical_frame"
_RATE_MAX_HZ = 240.0
_SIZE_MIN_PX = 2.0


class TrackConfig(Config):
    """What ``patrol track`` runs. ``delay_s``: tracks are told that much later, and completed by what came in between; 0 tells
    them at once. ``workers`` detectors look at successive pictures side by side, with one thread each."""

    detector: DetectorConfig = DetectorConfig(detector="omz-2003", score_min=0.20, overlap_max=0.55, precision="fast")
    tracker: TrackerConfig = TrackerConfig(
        faint_score=0.32,
        strong_score=0.45,
        start_score=0.60,
        confirm_hits=2,
        tentative_coast_s=0.1,
        coast_s=1.2,
        sure_s=10.0,
        faint_coast_s=10.0,
    )
    label: Label = Label.PERSON
    delay_s: float = Field(default=0.4, ge=0.0, le=10.0)
    workers: int = Field(default=2, ge=1, le=16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A video file that was opened once: its size, how many pictures a second it has, and how many pictures it should have by its
    length and rate (0: it does not say)."""

    path: Path
    width_px: int
    height_px: int
    rate_hz: float
    pictures: int = 0

    def images(self) -> Iterator[Image]:
        """Its pictures in order, stamped from 0 by their number."""
        capture = cv2.VideoCapture(str(self.path))
        try:
            number = 0
            while True:
                found, pixels = capture.read()
                if not found:
                    return
                stamp_ns = round(number * NS_PER_S / self.rate_hz)
                yield Image(stamp_ns=stamp_ns, frame_id=_FRAME, encoding="bgr8", pixels=_frozen(pixels))
                number += 1
        finally:
            capture.release()


def open_video(path: Path, rate_hz: float | None = None) -> Video:
    """Open ``path``; ``rate_hz`` instead of the rate that the file states. Raises BadInput when it is no video."""
    capture = cv2.VideoCapture(str(path)) if path.is_file() else None
    try:
        found, pixels = (False, None) if capture is None else capture.read()
        if capture is None or not found or pixels is None:
            because = "is no file" if capture is None else "is not a video that can be read"
            raise BadInput(path, [Fault(field="(file)", value=path.name, because=because)])
        stated = rate_hz or float(capture.get(cv2.CAP_PROP_FPS))
        if not 0.0 < stated <= _RATE_MAX_HZ:
            raise BadInput(path, [Fault(field="rate", value=stated, because="is no rate; give one")])
        height, width = pixels.shape[:2]
        stated_count = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        return Video(path=path, width_px=width, height_px=height, rate_hz=stated, pictures=stated_count)
    finally:
        if capture is not None:
            capture.release()


def track_video(video: Video, config: TrackConfig, detectors: tuple[Detector, ...] = ()) -> Iterator[ToldPicture]:
    """The tracks of ``video``, picture by picture, each ``delay_s`` behind the picture that was read last.

    ``detectors``, one a worker, instead of those that the configuration names. Raises BadInput, ModelMissing, DetectorFailed.
    """
    ready = detectors or tuple(open_detector(config.detector) for _ in range(config.workers))
    tracker, delayed = Tracker(config.tracker), Delayed(config.delay_s)
    for image, found in _detected(video.images(), ready):
        wanted = [item for item in found if item.label is config.label]
        yield from delayed.add(tracker.update(wanted, image.stamp_ns), image.stamp_ns)
    yield from delayed.finish()


def mot_rows(pictures: Iterator[ToldPicture], video: Video) -> MotRows:
    """Boxes cut at the picture's edges, in the MOTChallenge's terms."""
    limits = np.array([video.width_px, video.height_px] * 2, dtype=np.float64)
    rows = [
        (number, track.track_id, *np.clip(track.row, 0.0, limits).tolist(), track.score)
        for number, picture in enumerate(pictures, 1)
        for track in picture.tracks
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    table = table[(table[:, 4:6] - table[:, 2:4] > _SIZE_MIN_PX).all(axis=1)]
    return MotRows(
        picture=table[:, 0].astype(np.int64),
        track_id=table[:, 1].astype(np.int64),
        boxes=table[:, 2:6],
        score=table[:, 6],
        ground_m=np.full((len(table), 2), np.nan),
    )


def with_places(rows: MotRows, camera: FixedCamera, rate_hz: float) -> MotRows:
    """The rows with where everybody stood on the ground, as ``camera`` tells, each by the boxes until a moment after it."""
    return replace(rows, ground_m=ground_paths(rows, camera, rate_hz).position_m)


def _detected(images: Iterator[Image], detectors: tuple[Detector, ...]) -> Iterator[tuple[Image, tuple[Detection, ...]]]:
    """Every picture with what was found in it, in order; each detector has one picture in hand."""
    waiting: deque[tuple[Image, Future[tuple[Detection, ...]]]] = deque()
    pools = [ThreadPoolExecutor(1) for _ in detectors]
    try:
        for number, image in enumerate(images):
            worker = number % len(detectors)
            waiting.append((image, pools[worker].submit(detectors[worker].detect, image)))
            if len(waiting) > len(detectors):
                first, answer = waiting.popleft()
                yield first, answer.result()
        for first, answer in waiting:
            yield first, answer.result()
    finally:
        for pool in pools:
            pool.shutdown(cancel_futures=True)


def _frozen(pixels: npt.ArrayLike) -> Bytes:
    """Read-only, so that no copy is made."""
    owned = np.asarray(pixels, dtype=np.uint8)
    owned.setflags(write=False)
    return owned
