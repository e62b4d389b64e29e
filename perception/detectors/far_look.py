# SPDX-License-Identifier: Apache-2.0
"""A second look at the middle of the picture, enlarged: what is far from a camera that looks about level is small, and there.

The idea is slicing-aided inference (Akyon, Altinuc, Temizel, "Slicing Aided Hyper Inference and Fine-tuning for Small Object
Detection", ICIP 2022), with the one slice where far things can be. What only one of the looks sees is believed less: that takes
away the mistakes that a larger picture adds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from pydantic import Field

from patrol.config import Config
from patrol.percepts import Box, Detection
from patrol.sensors import Image
from perception.boxes import as_array, box_from_row, iou_matrix

_EDGE_PX = 1.5


class FarLook(Config):
    """``rows``: the share of the picture's height that is looked at again, about its middle, ``scale`` times as large. Boxes of
    up to ``height_max``, a share of the picture's height, may come from there.

    Of a thing that both looks see counts the better score, ``sure`` times, and the lesser one for the rest; what one of them
    alone sees has ``alone`` times its score.
    """

    rows: float = Field(gt=0.0, le=1.0)
    scale: float = Field(gt=1.0, le=4.0)
    height_max: float = Field(gt=0.0, le=1.0)
    sure: float = Field(default=0.7, ge=0.5, le=1.0)
    alone: float = Field(default=0.8, gt=0.0, le=1.0)


class Strip(NamedTuple):
    """What is shown a second time: ``image``, the ``rows`` of the picture, with ``side_px`` as the size of the network's input;
    boxes higher than ``limit_px`` are not taken from it."""

    image: Image
    rows: range
    side_px: int
    limit_px: float

    def lowered(self, box: Box) -> Box:
        """A box in the strip's pixels, in the picture's."""
        return replace(box, y0_px=box.y0_px + self.rows.start, y1_px=box.y1_px + self.rows.start)

    def shows(self, box: Box) -> bool:
        """Whether this look counts for a box of the picture: it is small, and no edge of the strip may cut it off."""
        is_within = box.y0_px > self.rows.start + _EDGE_PX and box.y1_px < self.rows.stop - _EDGE_PX
        return is_within and box.height_px <= self.limit_px


def strip_of(image: Image, far: FarLook, side_px: int) -> Strip:
    """The middle rows of ``image``, ``scale`` times as large as a network sees it whole with ``side_px``."""
    height_px = max(round(far.rows * image.height_px), 1)
    first_px = (image.height_px - height_px) // 2
    rows = range(first_px, first_px + height_px)
    return Strip(
        image=replace(image, pixels=image.pixels[rows.start : rows.stop]),
        rows=rows,
        side_px=round(far.scale * side_px * math.sqrt(height_px / image.height_px)),
        limit_px=far.height_max * image.height_px,
    )


def joined(
    whole: Sequence[Detection], closer: Sequence[Detection], far: FarLook, strip: Strip, *, overlap_max: float, score_min: float
) -> tuple[Detection, ...]:
    """The detections of both looks, best score first: at the ``whole`` picture, and ``closer``, in pixels of the ``strip``. Those
    of one kind that overlap by more than ``overlap_max`` are one thing. No score falls below ``score_min``, from which on
    detections count: nothing that either look found is lost."""
    again = (replace(item, box=strip.lowered(item.box)) for item in closer)
    sights = [_Sight(item, by_second=False, is_shared=strip.shows(item.box)) for item in whole]
    sights += [_Sight(item, by_second=True, is_shared=True) for item in again if strip.shows(item.box)]
    found = (replace(item, score=max(item.score, score_min)) for item in _paired(sights, far, overlap_max))
    return tuple(sorted(found, key=lambda item: -item.score))


class _Sight(NamedTuple):
    """What one look saw; ``is_shared``: the other one's word counts as well."""

    item: Detection
    by_second: bool
    is_shared: bool


def _paired(sights: Sequence[_Sight], far: FarLook, overlap_max: float) -> Iterator[Detection]:
    """Every thing once, with the score that it has by all looks that count."""
    ranked = sorted(sights, key=lambda sight: (sight.is_shared, -sight.item.score))
    boxes, labels = as_array([sight.item.box for sight in ranked]), np.array([sight.item.label for sight in ranked])
    overlap = np.where(labels[:, None] == labels[None, :], iou_matrix(boxes, boxes), 0.0)
    by_second = np.array([sight.by_second for sight in ranked])
    free = np.ones(len(ranked), dtype=np.bool_)
    for index, sight in enumerate(ranked):
        if not free[index]:
            continue
        same = free & (overlap[index] > overlap_max)
        free &= ~same
        others = same & (by_second != sight.by_second)
        if not sight.is_shared:
            yield sight.item
        elif others.any():
            yield _agreed(sight.item, ranked[int(np.where(others, overlap[index], 0.0).argmax())].item, far)
        else:
            yield replace(sight.item, score=far.alone * sight.item.score)


def _agreed(first: Detection, second: Detection, far: FarLook) -> Detection:
    """What two looks see: the mean of their boxes, weighed by the squares of their scores."""
    low, high = sorted((first.score, second.score))
    box = np.average(as_array([first.box, second.box]), axis=0, weights=[first.score**2, second.score**2])
    return replace(first, box=box_from_row(box), score=far.sure * high + (1.0 - far.sure) * low)
