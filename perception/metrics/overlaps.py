# SPDX-License-Identifier: Apache-2.0
"""Truth and tracks side by side, picture by picture: what all tracking scores start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.errors import BadValue
from perception.boxes import iou_matrix
from perception.metrics.mot_file import MotRows

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One picture: indices (N,) of the labelled ids, (M,) of the tracks' ids, and their boxes' IoU (N, M)."""

    labelled: Indices
    tracks: Indices
    overlap: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """All pictures with anything in them, in order. Ids are numbered from 0: ``truths`` and ``tracks`` say how many there are."""

    moments: tuple[Moment, ...]
    truths: int
    tracks: int

    def boxes_per_truth(self) -> Indices:
        """How many boxes every true id has (truths,)."""
        return np.bincount(np.concatenate([item.labelled for item in self.moments]), minlength=self.truths).astype(np.int64)

    def boxes_per_track(self) -> Indices:
        """How many boxes every track has (tracks,)."""
        return np.bincount(np.concatenate([item.tracks for item in self.moments]), minlength=self.tracks).astype(np.int64)


def overlaps(truth: MotRows, tracks: MotRows) -> Overlaps:
    """Set ``tracks`` against ``truth``. Raises BadValue when the truth is empty or an id stands twice in one picture."""
    if not len(truth.picture):
        raise BadValue("truth: holds no box to score against")
    true_ids, true_index = np.unique(truth.track_id, return_inverse=True)
    track_ids, track_index = np.unique(tracks.track_id, return_inverse=True)
    moments = []
    for picture in np.union1d(truth.picture, tracks.picture).tolist():
        here, there = truth.picture == picture, tracks.picture == picture
        moment = Moment(
            labelled=true_index[here].astype(np.int64),
            tracks=track_index[there].astype(np.int64),
            overlap=iou_matrix(truth.boxes[here], tracks.boxes[there]),
        )
        _require_single(moment, picture)
        moments.append(moment)
    return Overlaps(moments=tuple(moments), truths=len(true_ids), tracks=len(track_ids))


def _require_single(moment: Moment, picture: int) -> None:
    for name, ids in (("truth", moment.labelled), ("tracks", moment.tracks)):
        if len(np.unique(ids)) != len(ids):
            raise BadValue(f"{name}: an id stands twice in picture {picture}")
