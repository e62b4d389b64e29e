# SPDX-License-Identifier: Apache-2.0
"""CLEAR MOT (Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance", EURASIP JIVP 2008)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from patrol.checks import Floats
from perception.metrics.overlaps import Indices, Moment, Overlaps

OVERLAP_MIN = 0.5
_KEPT = 1e3
_NEVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """Counts over a sequence. ``mota`` is one minus all mistakes per true box; ``motp`` the mean IoU of the matches."""

    truths: int
    matches: int
    false_positives: int
    misses: int
    switches: int
    motp: float

    @property
    def mota(self) -> float:
        return 1.0 - (self.false_positives + self.misses + self.switches) / self.truths


def clear(pairs: Overlaps) -> Clear:
    """Score ``pairs`` at IoU 0.5. A true id that was matched keeps its track as long as the two overlap enough; the rest is
    assigned for the largest overlap. A switch is a match with another track than the last, however long ago that was."""
    last = np.full(pairs.truths, _NEVER, dtype=np.int64)
    before = last.copy()
    misses = false_positives = switches = matches = 0
    overlap = 0.0
    for moment in pairs.moments:
        rows, columns = _matched(moment, before)
        truth, track = moment.labelled[rows], moment.tracks[columns]
        switches += int(((last[truth] != _NEVER) & (last[truth] != track)).sum())
        last[truth] = track
        before = np.full(pairs.truths, _NEVER, dtype=np.int64)
        before[truth] = track
        matches += len(rows)
        misses += len(moment.labelled) - len(rows)
        false_positives += len(moment.tracks) - len(columns)
        overlap += float(moment.overlap[rows, columns].sum())
    return Clear(
        truths=matches + misses,
        matches=matches,
        false_positives=false_positives,
        misses=misses,
        switches=switches,
        motp=overlap / matches if matches else 0.0,
    )


def _matched(moment: Moment, before: Indices) -> tuple[Indices, Indices]:
    """Rows and columns of the pairs that are matched in this picture; ``before`` (truths,): the track each had just now."""
    kept: Floats = _KEPT * (before[moment.labelled][:, None] == moment.tracks[None, :])
    worth = np.where(moment.overlap >= OVERLAP_MIN - np.finfo(float).eps, moment.overlap + kept, 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    real = worth[rows, columns] > 0.0
    return rows[real].astype(np.int64), columns[real].astype(np.int64)
