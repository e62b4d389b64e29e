# SPDX-License-Identifier: Apache-2.0
"""IDF1 (Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", ECCVW 2016)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from perception.metrics.overlaps import Overlaps

OVERLAP_MIN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Boxes that carry the right id under the best one-to-one matching of whole tracks to true ids, and those that do not."""

    right: int
    wrong: int
    missed: int

    @property
    def idf1(self) -> float:
        return 2.0 * self.right / (2.0 * self.right + self.wrong + self.missed)


def identity(pairs: Overlaps) -> Identity:
    """Score ``pairs`` at IoU 0.5. A true id may stay unmatched at the cost of all its boxes; so may a track."""
    together = np.zeros((pairs.truths, pairs.tracks))
    for moment in pairs.moments:
        rows, columns = np.nonzero(moment.overlap >= OVERLAP_MIN)
        together[moment.labelled[rows], moment.tracks[columns]] += 1.0
    rows, columns = linear_sum_assignment(together, maximize=True)
    right = round(float(together[rows, columns].sum()))
    return Identity(
        right=right, wrong=int(pairs.boxes_per_track().sum()) - right, missed=int(pairs.boxes_per_truth().sum()) - right
    )
