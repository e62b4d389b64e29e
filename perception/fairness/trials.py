# SPDX-License-Identifier: Apache-2.0
"""What a detector made of labelled pictures: who was found, and which pictures have somebody in them who is not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from patrol.errors import BadInput, Fault
from patrol.percepts import Label
from patrol.sensors import Image
from perception.boxes import as_array, iou_matrix
from perception.detector import Detector
from perception.fairness.labels import Groups, LabelledPicture

FOUND_FROM, SOMEBODY_FROM = 0.5, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One question to the detector and its answer. ``cluster`` is equal for trials that are not independent of one another: the
    same person in several pictures, or pictures of one place."""

    groups: Groups
    cluster: str
    happened: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """``found``: one trial a person who counts (happened: found). ``false_alarms``: one a picture (happened: somebody was
    reported where nobody is)."""

    found: tuple[Trial, ...]
    false_alarms: tuple[Trial, ...]


def ask(detector: Detector, pictures: tuple[LabelledPicture, ...], score_min: float) -> Answers:
    """Show every picture to ``detector``; people reported with a score below ``score_min`` do not count. Raises BadInput for a
    file that is no picture, and DetectorFailed."""
    found: list[Trial] = []
    false_alarms: list[Trial] = []
    for number, picture in enumerate(pictures):
        image = _read(picture, number)
        reported = [item for item in detector.detect(image) if item.label is Label.PERSON and item.score >= score_min]
        boxes = as_array([item.box for item in reported])
        scores = np.array([item.score for item in reported])
        found += _people(picture, boxes, scores, number)
        everybody = np.vstack((picture.boxes(counted=True), picture.boxes(counted=False)))
        nobody_there = iou_matrix(boxes, everybody).max(axis=1, initial=0.0) < SOMEBODY_FROM
        cluster = picture.groups.get("place", "") or f"picture {number}"
        false_alarms.append(Trial(groups=picture.groups, cluster=f"{cluster}/{number // 25}", happened=bool(nobody_there.any())))
    return Answers(found=tuple(found), false_alarms=tuple(false_alarms))


def _people(picture: LabelledPicture, boxes: np.ndarray, scores: np.ndarray, number: int) -> Iterator[Trial]:
    """Each reported box, best score first, finds the person whom it fits best and who was not found yet."""
    counted = [person for person in picture.people if person.counted]
    overlap = iou_matrix(boxes, picture.boxes(counted=True))
    met: set[int] = set()
    for row in np.argsort(-scores, kind="stable").tolist():
        free = [column for column in range(len(counted)) if column not in met]
        best = max(free, key=lambda column: overlap[row, column], default=None)
        if best is not None and overlap[row, best] >= FOUND_FROM:
            met.add(best)
    for column, person in enumerate(counted):
        groups = {**picture.groups, **person.groups}
        yield Trial(groups=groups, cluster=person.who or f"picture {number}", happened=column in met)


def _read(picture: LabelledPicture, number: int) -> Image:
    pixels = cv2.imread(str(picture.path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise BadInput(picture.path, [Fault(field="(file)", value=picture.path.name, because="is no picture")])
    return Image(stamp_ns=number, frame_id="camera_optical_frame", encoding="bgr8", pixels=np.asarray(pixels, dtype=np.uint8))
