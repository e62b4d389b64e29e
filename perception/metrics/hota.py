# SPDX-License-Identifier: Apache-2.0
"""HOTA (Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from patrol.checks import Floats
from perception.metrics.overlaps import Overlaps

ALPHAS = np.arange(0.05, 0.99, 0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hota:
    """Means over the overlaps 0.05, 0.10 ... 0.95: ``hota``, and its halves ``deta`` (detection) and ``assa`` (association)."""

    hota: float
    deta: float
    assa: float


def hota(pairs: Overlaps) -> Hota:
    """Score ``pairs``. Pictures are matched so that, over the whole sequence, true ids and tracks that belong together meet."""
    affinity = _affinity(pairs)
    matches = np.zeros((len(ALPHAS), pairs.truths, pairs.tracks))
    for moment in pairs.moments:
        rows, columns = linear_sum_assignment(affinity[np.ix_(moment.labelled, moment.tracks)] * moment.overlap, maximize=True)
        close = moment.overlap[rows, columns][None, :] >= ALPHAS[:, None] - np.finfo(float).eps
        matches[:, moment.labelled[rows], moment.tracks[columns]] += close
    true_boxes, track_boxes = pairs.boxes_per_truth(), pairs.boxes_per_track()
    right = matches.sum(axis=(1, 2))
    deta = right / (true_boxes.sum() + track_boxes.sum() - right)
    joined = true_boxes[None, :, None] + track_boxes[None, None, :] - matches
    assa = (matches * matches / np.maximum(joined, 1)).sum(axis=(1, 2)) / np.maximum(right, 1)
    return Hota(hota=float(np.sqrt(deta * assa).mean()), deta=float(deta.mean()), assa=float(assa.mean()))


def _affinity(pairs: Overlaps) -> Floats:
    """How alike a true id and a track are as wholes (truths, tracks): shared overlap, each picture shared out among rivals,
    over what both have together."""
    shared = np.zeros((pairs.truths, pairs.tracks))
    for moment in pairs.moments:
        rivals = moment.overlap.sum(axis=0)[None, :] + moment.overlap.sum(axis=1)[:, None] - moment.overlap
        part = np.divide(moment.overlap, rivals, out=np.zeros_like(moment.overlap), where=rivals > np.finfo(float).eps)
        shared[np.ix_(moment.labelled, moment.tracks)] += part
    either = pairs.boxes_per_truth()[:, None] + pairs.boxes_per_track()[None, :] - shared
    affinity: Floats = shared / np.maximum(either, np.finfo(float).eps)
    return affinity
