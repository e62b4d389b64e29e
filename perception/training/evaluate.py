# SPDX-License-Identifier: Apache-2.0
"""Average precision of a detector on labelled pictures (PASCAL VOC, all points; IoU 0.5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.sensors import Image
from perception.boxes import as_array, iou_matrix
from perception.detector import Detector
from perception.training.architecture import CLASSES
from perception.training.labelled import Labelled

IOU_MIN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Detections of one class in one picture: ``scores`` (N,), ``right`` (N,); and ``wanted``, how many there were to find."""

    scores: Floats
    right: npt.NDArray[np.bool_]
    wanted: int


def judge(scores: Floats, boxes: Floats, truth: Floats, counted: npt.NDArray[np.bool_]) -> Judged:
    """Match ``boxes`` (N, 4), best score first, to ``truth`` (M, 4). Matches with boxes that do not count are left out."""
    right, kept, _ = _match(scores, boxes, truth, counted)
    return Judged(scores=scores[kept], right=right[kept], wanted=int(counted.sum()))


def _match(
    scores: Floats, boxes: Floats, truth: Floats, counted: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which ``boxes`` (N,) are right, which of them are judged at all, and which of ``truth`` (M,) nothing was found for."""
    overlap = iou_matrix(boxes, truth)
    free = np.ones(len(truth), dtype=np.bool_)
    right, kept = np.zeros(len(boxes), dtype=np.bool_), np.ones(len(boxes), dtype=np.bool_)
    for row in np.argsort(-scores, kind="stable"):
        candidates = np.where(free & counted, overlap[row], -1.0)
        if candidates.size and candidates.max() >= IOU_MIN:
            right[row] = True
            free[candidates.argmax()] = False
        elif overlap[row].size and overlap[row, ~counted].max(initial=0.0) >= 0.3:
            kept[row] = False
    return right, kept, free & counted


def mistakes(detector: Detector, picture: Labelled, *, score_min: float) -> Floats:
    """Boxes (N, 4) px around what ``detector``, believed from ``score_min`` on, overlooks or sees where it is not."""
    image = Image(stamp_ns=0, frame_id="camera_optical_frame", encoding="bgr8", pixels=picture.read())
    believed = [item for item in detector.detect(image) if item.score >= score_min]
    wrong = []
    for index, name in enumerate(CLASSES):
        found = [item for item in believed if item.label == name]
        boxes, truth = as_array([item.box for item in found]), picture.boxes[picture.classes == index]
        scores = np.array([item.score for item in found])
        right, kept, missed = _match(scores, boxes, truth, picture.counted[picture.classes == index])
        wrong += [boxes[kept & ~right], truth[missed]]
    return np.concatenate(wrong)


def average_precision(judged: list[Judged]) -> float:
    """Area under the precision-recall curve, precision made monotonic; NaN when there was nothing to find."""
    wanted = sum(item.wanted for item in judged)
    if wanted == 0:
        return float("nan")
    scores = np.concatenate([item.scores for item in judged])
    right = np.concatenate([item.right for item in judged])[np.argsort(-scores, kind="stable")]
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[right].sum() / wanted)


def measure(detector: Detector, pictures: tuple[Labelled, ...], *, height_min_px: float = 0.0) -> dict[str, float]:
    """AP50 per class of CLASSES; truth lower than ``height_min_px`` is not asked for."""
    judged: dict[str, list[Judged]] = {name: [] for name in CLASSES}
    for number, picture in enumerate(pictures):
        image = Image(stamp_ns=number, frame_id="camera_optical_frame", encoding="bgr8", pixels=picture.read())
        detections = detector.detect(image)
        large = (picture.boxes[:, 3] - picture.boxes[:, 1]) >= height_min_px
        for index, name in enumerate(CLASSES):
            found = [item for item in detections if item.label == name]
            same = picture.classes == index
            judged[name].append(
                judge(
                    np.array([item.score for item in found]),
                    as_array([item.box for item in found]),
                    picture.boxes[same],
                    (picture.counted & large)[same],
                )
            )
    return {name: average_precision(items) for name, items in judged.items()}
