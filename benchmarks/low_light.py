# SPDX-License-Identifier: Apache-2.0
"""Recall of a detector in little light, relative to its recall in full light.

``python -m benchmarks.low_light SEQUENCE... [--light 0.06] [--detector NAME]``. Pictures are multiplied by ``--light`` and
rounded to 8 bits. A labelled person is found when a detection from ``--score`` on overlaps them by half or more.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from app.track import TrackConfig, open_video
from benchmarks.figures import tell
from benchmarks.tracking import rate_of, video_of
from patrol.percepts import Label
from patrol.sensors import Image
from perception.boxes import as_array, iou_matrix
from perception.detector import Detector, open_detector
from perception.metrics.mot_file import MotRows, read_mot


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequences", type=Path, nargs="+")
    parser.add_argument("--light", type=float, default=0.06)
    parser.add_argument("--detector", default=TrackConfig().detector.detector)
    parser.add_argument("--score", type=float, default=TrackConfig().tracker.strong_score)
    parser.add_argument("--every", type=int, default=2, help="look at every n-th picture")
    given = parser.parse_args()
    config = TrackConfig().detector.model_copy(update={"detector": given.detector})
    detector = open_detector(config)
    people, lit, dark = 0, 0, 0
    for folder in given.sequences:
        truth = read_mot(folder / "gt.txt", truth=True)
        for number, image in enumerate(open_video(video_of(folder), rate_of(folder)).images(), 1):
            if number % given.every == 0:
                people += int((truth.picture == number).sum())
                lit += found(detector, image, truth, number, given.score)
                dark += found(detector, dimmed(image, given.light), truth, number, given.score)
    tell(
        "low_light",
        {
            "recall_full_light": round(lit / people, 3),
            "recall_low_light": round(dark / people, 3),
            "relative": round(dark / lit, 3),
            "people": people,
        },
        detector=given.detector,
        light=given.light,
    )


def dimmed(image: Image, light: float) -> Image:
    """The picture with ``light`` times the light."""
    pixels = np.rint(image.pixels.astype(np.float64) * light).astype(np.uint8)
    return Image(stamp_ns=image.stamp_ns, frame_id=image.frame_id, encoding=image.encoding, pixels=pixels)


def found(detector: Detector, image: Image, truth: MotRows, number: int, score_min: float) -> int:
    """How many of the people labelled in picture ``number`` are found."""
    boxes = [item.box for item in detector.detect(image) if item.label is Label.PERSON and item.score >= score_min]
    overlap = iou_matrix(truth.boxes[truth.picture == number], as_array(boxes))
    return int((overlap.max(axis=1, initial=0.0) >= 0.5).sum())


if __name__ == "__main__":
    main()
