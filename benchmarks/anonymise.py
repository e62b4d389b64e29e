# SPDX-License-Identifier: Apache-2.0
"""Heads that stay visible, and how much of the rest of the picture is masked.

``python -m benchmarks.anonymise SEQUENCE... [--config FILE]``. A labelled person's head is the upper 15 % of the box, 14 % of
its height wide. It is visible when more than half of it is not masked, and partly visible from a tenth on. Other pixels are
those in no labelled box. Every picture is masked at once, with what is known when it comes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.track import open_video
from benchmarks.figures import tell
from benchmarks.tracking import rate_of, video_of
from patrol.checks import Floats
from patrol.config import load_config
from perception.detector import open_detector
from perception.metrics.mot_file import read_mot
from perception.pipeline import PerceptionConfig
from perception.regions import body_regions
from perception.tracker import Tracker

Mask = npt.NDArray[np.bool_]
_DEFAULT = Path(__file__).resolve().parents[1] / "config" / "perception" / "real_camera.yaml"
_HEAD_HEIGHT, _HEAD_WIDTH = 0.15, 0.14
_VISIBLE, _PARTLY = 0.5, 0.1


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequences", type=Path, nargs="+")
    parser.add_argument("--config", type=Path, default=_DEFAULT)
    given = parser.parse_args()
    config = load_config(PerceptionConfig, given.config)
    metrics: dict[str, float | int] = {}
    for folder in given.sequences:
        key = folder.resolve().name.lower().replace("-", "_")
        metrics |= {f"{key}_{name}": value for name, value in measured(folder, config).items()}
    tell("anonymise", metrics, config=given.config.name, sequences=[folder.name for folder in given.sequences])


def measured(folder: Path, config: PerceptionConfig) -> dict[str, float | int]:
    """The figures of one sequence."""
    truth = read_mot(folder / "gt.txt", truth=True)
    video = open_video(video_of(folder), rate_of(folder))
    detector, tracker = open_detector(config.detector), Tracker(config.tracker)
    shown: list[float] = []
    masked = others = 0
    for number, image in enumerate(video.images(), 1):
        detections = detector.detect(image)
        tracks = tracker.update(detections, image.stamp_ns)
        regions = body_regions(detections, tracks, (video.width_px, video.height_px), config.anonymiser.regions)
        mask = _painted(regions.astype(np.float64), video.height_px, video.width_px)
        people = truth.boxes[truth.picture == number]
        elsewhere = ~_painted(people, video.height_px, video.width_px)
        masked += int((mask & elsewhere).sum())
        others += int(elsewhere.sum())
        shown += [1.0 - float(part.mean()) for part in (_head(mask, person) for person in people) if part.size]
    left = np.array(shown)
    return {
        "heads": len(left),
        "heads_visible_percent": round(100.0 * float((left > _VISIBLE).mean()), 2),
        "heads_partly_visible_percent": round(100.0 * float((left > _PARTLY).mean()), 2),
        "other_pixels_masked_percent": round(100.0 * masked / others, 1),
    }


def _painted(boxes: Floats, height_px: int, width_px: int) -> Mask:
    mask = np.zeros((height_px, width_px), dtype=np.bool_)
    for x0, y0, x1, y1 in boxes.tolist():
        mask[max(int(y0), 0) : max(int(np.ceil(y1)), 0), max(int(x0), 0) : max(int(np.ceil(x1)), 0)] = True
    return mask


def _head(mask: Mask, person: Floats) -> Mask:
    """The part of ``mask`` over a person's head; empty where it lies outside the picture."""
    x0, y0, x1, y1 = person.tolist()
    height, middle = y1 - y0, 0.5 * (x0 + x1)
    reach = 0.5 * _HEAD_WIDTH * height
    rows = slice(max(round(y0), 0), max(round(y0 + _HEAD_HEIGHT * height), 0))
    return mask[rows, max(round(middle - reach), 0) : max(round(middle + reach), 0)]


if __name__ == "__main__":
    main()
