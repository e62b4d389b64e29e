# SPDX-License-Identifier: Apache-2.0
"""Which detection continues which track: the cheapest one-to-one assignment over overlaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from patrol.checks import Floats
from perception.boxes import enlarged, iou_matrix

_FORBIDDEN = 1e3
_OTHER_LABEL_COST = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Boxes (N, 4) px and label indices (N,) of one side of an assignment."""

    boxes: Floats
    labels: npt.NDArray[np.int64]


def associate(tracks: Side, detections: Side, *, overlap_min: float, reach: float) -> tuple[tuple[int, int], ...]:
    """Pairs (track, detection) by index, found by the Hungarian method (Kuhn 1955) on one minus IoU.

    Boxes are enlarged by ``reach`` of their size on each side first, so that small, quick things still meet (Yang et al.,
    "Hard to Track Objects with Irregular Motions", WACV 2023). Pairs below ``overlap_min`` are not made; a pair of two
    labels costs more than one of the same.
    """
    if not len(tracks.boxes) or not len(detections.boxes):
        return ()
    overlap = iou_matrix(enlarged(tracks.boxes, reach), enlarged(detections.boxes, reach))
    differs = tracks.labels[:, None] != detections.labels[None, :]
    cost = np.where(overlap >= overlap_min, 1.0 - overlap + _OTHER_LABEL_COST * differs, _FORBIDDEN)
    rows, columns = linear_sum_assignment(cost)
    return tuple((int(row), int(column)) for row, column in zip(rows, columns, strict=True) if cost[row, column] < _FORBIDDEN)
