# SPDX-License-Identifier: Apache-2.0
"""Which detection continues which track: the one-to-one assignment with the most worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from patrol.checks import Floats
from perception.boxes import enlarged, iou_matrix

_OTHER_LABEL_WORTH = 0.7
_EDGES_STD, _EDGES_STD_PER_S = 0.10, 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Boxes (N, 4) px and label indices (N,) of one side of an assignment; of detections also the scores (N,), of tracks the
    time in s (N,) since they were last seen."""

    boxes: Floats
    labels: npt.NDArray[np.int64]
    scores: Floats
    unseen_s: Floats


def associate(tracks: Side, detections: Side, *, overlap_min: float, reach: float) -> tuple[tuple[int, int], ...]:
    """Pairs (track, detection) by index, found by the Hungarian method (Kuhn 1955) on what a pair is worth.

    Boxes are enlarged by ``reach`` of their size on each side first, so that small, quick things still meet (Yang et al.,
    "Hard to Track Objects with Irregular Motions", WACV 2023); a pair below ``overlap_min`` is worth nothing. Nothing is also
    the worth of no pair: a bad pair is never made for the sake of making one more.
    """
    if not len(tracks.boxes) or not len(detections.boxes):
        return ()
    overlap = iou_matrix(enlarged(tracks.boxes, reach), enlarged(detections.boxes, reach))
    differs = tracks.labels[:, None] != detections.labels[None, :]
    worth = overlap * _upright_likeness(tracks, detections) * detections.scores[None, :]
    worth = np.where(overlap >= overlap_min, worth * np.where(differs, _OTHER_LABEL_WORTH, 1.0), 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    return tuple((int(row), int(column)) for row, column in zip(rows, columns, strict=True) if worth[row, column] > 0.0)


def _upright_likeness(tracks: Side, detections: Side) -> Floats:
    """How well heads and feet are where they were expected (N, M), 0 to 1.

    People on one ground who pass each other differ in the height of their feet and heads in the picture, also while their
    boxes overlap: the squared overlap of the vertical extents (after Yang et al., "Hybrid-SORT", AAAI 2024), times a bell
    curve over both edges that widens while a track is unseen.
    """
    top, bottom = tracks.boxes[:, 1, None], tracks.boxes[:, 3, None]
    found_top, found_bottom = detections.boxes[None, :, 1], detections.boxes[None, :, 3]
    shared = np.maximum(np.minimum(bottom, found_bottom) - np.maximum(top, found_top), 0.0)
    either = np.maximum(bottom, found_bottom) - np.minimum(top, found_top)
    spread = (bottom - top) * (_EDGES_STD + _EDGES_STD_PER_S * tracks.unseen_s[:, None])
    surprise = ((found_top - top) ** 2 + (found_bottom - bottom) ** 2) / spread**2
    likeness: Floats = (shared / either) ** 2 * np.exp(-0.5 * surprise)
    return likeness
