# SPDX-License-Identifier: Apache-2.0
"""Milliseconds per picture of the perception chain at 640 x 480 on one core, piece by piece.

``python benchmarks/perception_chain.py [--detector own|omz-2004|yolox-nano] [--pictures N]``. The pictures are renderings of a
depot with an intruder, day and night, shifted a little each time; every piece is timed on the same pictures.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from shapely.geometry import box

from benchmarks.figures import tell
from patrol.checks import Bytes
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose3
from patrol.percepts import Detection
from patrol.sensors import CameraModel, Image
from patrol.site import Datum, PrivacyArea, Purpose, Site, Zone
from perception.anonymiser import Anonymiser, AnonymiserConfig, Looked
from perception.detector import Detector, DetectorConfig, open_detector
from perception.ego_motion import camera_motion
from perception.ground import GroundConfig, GroundProjector
from perception.ground_filter import Placer
from perception.pipeline import Perception, PerceptionConfig
from perception.rulebook.scene import Scene
from perception.rulebook.watch import Watch
from perception.tracker import Tracker, TrackerConfig

_STEP_NS = 100_000_000
_PICTURES = Path(__file__).resolve().parents[1] / "tests" / "perception" / "pictures"
_CAMERA = CameraModel.from_hfov(
    "camera_optical_frame", 640, 480, math.radians(75.0), Pose3.from_xyz_rpy(0.2, 0.0, 0.9, -math.pi / 2.0, 0.0, -math.pi / 2.0)
)
_SITE = Site(
    site_id="bench",
    name="Bench",
    time_zone="UTC",
    datum=Datum(latitude_deg=52.0, longitude_deg=13.0),
    perimeter=box(-60.0, -40.0, 60.0, 40.0),
    zones=(Zone(zone_id="all", name="All", purpose=Purpose.RESTRICTED, outline=box(-50.0, -30.0, 50.0, 30.0)),),
    privacy_areas=(PrivacyArea(privacy_id="flat", name="Flat", outline=box(20.0, 8.0, 26.0, 14.0), height_m=5.0),),
)


class _Remembered:
    """Says again what a detector said before, so that the rest of the chain can be timed alone."""

    def __init__(self, answers: list[tuple[Detection, ...]]) -> None:
        self._answers = iter(answers)

    def detect(self, image: Image) -> tuple[Detection, ...]:
        """The next answer; ``image`` is only counted."""
        answer = next(self._answers)
        return answer if image.width_px else ()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector", default="own")
    parser.add_argument("--pictures", type=int, default=200)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    images = _images(given.pictures)
    detector = open_detector(DetectorConfig(detector=given.detector))
    detector.detect(images[0])
    times, answers = _pieces(images, detector)
    times["chain_ms"] = _chain(images, detector)
    times["chain_without_detector_ms"] = _chain(images, _Remembered(answers))
    metrics = {f"{name}_{part}": value for name, spent in times.items() for part, value in _figures(spent).items()}
    metrics["core_share_at_10_hz_percent"] = round(metrics["chain_ms_mean"], 1)
    tell("perception_chain", metrics, detector=given.detector, pictures=len(images))


def _images(count: int) -> list[Image]:
    scenes = [np.asarray(cv2.imread(str(path)), dtype=np.uint8) for path in sorted(_PICTURES.glob("*.jpg"))]
    return [_image(scenes[number * len(scenes) // count], number) for number in range(count)]


def _image(scene: Bytes, number: int) -> Image:
    shifted = np.roll(scene, number % 40, axis=1)
    return Image(stamp_ns=(number + 1) * _STEP_NS, frame_id=_CAMERA.frame_id, encoding="bgr8", pixels=shifted)


def _estimate(stamp_ns: int) -> PoseEstimate:
    covariance = np.diag([0.03**2, 0.03**2, 0.005**2])
    return PoseEstimate(stamp_ns=stamp_ns, map_from_odom=IDENTITY2, odom_from_base=IDENTITY2, covariance=covariance)


def _pieces(images: list[Image], detector: Detector) -> tuple[dict[str, list[float]], list[tuple[Detection, ...]]]:
    """Seconds per picture of every piece alone, and what the detector answered."""
    times: dict[str, list[float]] = defaultdict(list)
    answers = []
    tracker, placer = Tracker(TrackerConfig()), Placer(GroundProjector(_CAMERA, GroundConfig()))
    watch, anonymiser = Watch(_SITE), Anonymiser(AnonymiserConfig(), _CAMERA, _SITE.privacy_areas)
    motion = camera_motion(_CAMERA, odom_from_base_before=IDENTITY2, odom_from_base=IDENTITY2)
    for image in images:
        stamps = [time.thread_time()]
        detections = detector.detect(image)
        stamps.append(time.thread_time())
        tracks = tracker.update(detections, image.stamp_ns, motion)
        stamps.append(time.thread_time())
        tracks = placer.place(tracks, _estimate(image.stamp_ns))
        stamps.append(time.thread_time())
        watch.evaluate(Scene(stamp_ns=image.stamp_ns, tracks=tracks))
        stamps.append(time.thread_time())
        looked = Looked(stamp_ns=image.stamp_ns, detections=detections, tracks=tracks)
        anonymiser.make_safe(image, looked, _estimate(image.stamp_ns))
        stamps.append(time.thread_time())
        for name, spent in zip(("detect", "track", "place", "watch", "anonymise"), np.diff(stamps).tolist(), strict=True):
            times[f"{name}_ms"].append(spent)
        answers.append(detections)
    return dict(times), answers


def _chain(images: list[Image], detector: Detector) -> list[float]:
    """Seconds per picture of the whole chain."""
    perception = Perception(PerceptionConfig(), _CAMERA, _SITE, detector=detector)
    spent = []
    for image in images:
        began = time.thread_time()
        perception.on_image(image, _estimate(image.stamp_ns))
        spent.append(time.thread_time() - began)
    return spent


def _figures(spent: list[float]) -> dict[str, float]:
    ms = 1e3 * np.array(spent)
    return {
        "mean": round(float(ms.mean()), 2),
        "p50": round(float(np.median(ms)), 2),
        "p95": round(float(np.percentile(ms, 95)), 2),
    }


if __name__ == "__main__":
    main()
