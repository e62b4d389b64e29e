# SPDX-License-Identifier: Apache-2.0
"""Which of a network's boxes become detections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats, Floats32
from patrol.percepts import Box, Detection
from patrol.sensors import Image
from perception.boxes import Indices, iou_matrix, suppress_per_class
from perception.detectors.description import LabelNames

CANDIDATES_MAX = 300
DETECTIONS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which boxes become detections: score at least ``score_min``, overlap within a class at most ``overlap_max``; with
    ``vote_from`` a box becomes the mean of those of its class that overlap it by at least that."""

    score_min: float
    overlap_max: float
    vote_from: float | None = None


def pick(image: Image, labels: LabelNames, selection: Selection, *, boxes: Floats32, scores: Floats32) -> tuple[Detection, ...]:
    """Detections from ``boxes`` (N, 4) px of the picture and ``scores`` (N, C) over ``labels``; a None label is dropped.

    Each box counts once, as its best class. Boxes are cut at the picture's edges.
    """
    wanted = np.array([label is not None for label in labels])
    masked = np.where(wanted, scores, 0.0)
    classes = masked.argmax(axis=1)
    best = masked[np.arange(len(masked)), classes]
    chosen = np.flatnonzero(best >= max(selection.score_min, 1e-6))
    chosen = chosen[np.argsort(-best[chosen], kind="stable")[:CANDIDATES_MAX]]
    cut = _cut(boxes[chosen].astype(np.float64), image)
    sure, kinds = best[chosen].astype(np.float64), classes[chosen].astype(np.int64)
    kept = suppress_per_class(cut, sure, kinds, selection.overlap_max)
    held = cut[kept] if selection.vote_from is None else _voted(cut, sure, kinds, kept, vote_from=selection.vote_from)
    return _detections(image, labels, held, kinds[kept], sure[kept])


def _voted(boxes: Floats, scores: Floats, classes: Indices, kept: Indices, *, vote_from: float) -> Floats:
    """The ``kept`` boxes (K, 4), each the mean of those that overlap it, weighed by the squares of score and overlap."""
    overlap = iou_matrix(boxes[kept], boxes)
    allies = (overlap >= vote_from) & (classes[kept][:, None] == classes[None, :])
    weights = np.where(allies, (scores[None, :] * overlap) ** 2, 0.0)
    weights[np.arange(len(kept)), kept] = np.maximum(scores[kept] ** 2, 1e-12)
    voted: Floats = weights @ boxes / weights.sum(axis=1)[:, None]
    return voted


def _cut(boxes: Floats, image: Image) -> Floats:
    limits = np.array([image.width_px, image.height_px] * 2, dtype=np.float64)
    return np.clip(boxes, 0.0, limits)


def _detections(image: Image, labels: LabelNames, boxes: Floats, classes: Indices, scores: Floats) -> tuple[Detection, ...]:
    found = []
    for (x0, y0, x1, y1), index, score in zip(boxes.tolist(), classes.tolist(), scores.tolist(), strict=True):
        label = labels[index]
        if label is None or x1 - x0 < 1.0 or y1 - y0 < 1.0:
            continue
        box = Box(x0_px=x0, y0_px=y0, x1_px=x1, y1_px=y1)
        found.append(
            Detection(
                stamp_ns=image.stamp_ns, frame_id=image.frame_id, source="camera", label=label, score=min(score, 1.0), box=box
            )
        )
    return tuple(found[:DETECTIONS_MAX])
