# SPDX-License-Identifier: Apache-2.0
"""Which parts of a picture may show a person: the boxes of detections and of tracks, enlarged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import Field

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.config import Config
from patrol.percepts import Detection, Label, Track
from perception.boxes import as_array, iou_matrix

Regions = npt.NDArray[np.int64]


class RegionsConfig(Config):
    """Margins around a body, in parts of its box's width or height, and how they grow while a track is not seen."""

    labels: tuple[Label, ...] = (Label.PERSON,)
    from_score: float = Field(default=0.15, ge=0.0, le=1.0)
    sides: float = Field(default=0.20, ge=0.0)
    head: float = Field(default=0.15, ge=0.0)
    feet: float = Field(default=0.05, ge=0.0)
    margin_min_px: float = Field(default=3.0, ge=0.0)
    agrees_from: float = Field(default=0.6, gt=0.0, le=1.0, description="overlap at which a track and a detection are one")
    growth_per_s: float = Field(default=0.25, ge=0.0, description="more margin for every second that a track is unseen")


def body_regions(
    detections: Sequence[Detection], tracks: Sequence[Track], size_px: tuple[int, int], config: RegionsConfig
) -> Regions:
    """Regions (N, 4) px, left, top, right, bottom, cut at the picture's ``size_px`` (width, height).

    Every detection above the score counts, confirmed or not, and every track that has not ended, seen or coasting: what the
    detector missed in this picture stays masked. A track seen in this picture adds nothing to a detection that it agrees with.
    """
    found = [item.box for item in detections if item.label in config.labels and item.score >= config.from_score]
    followed = [
        item
        for item in tracks
        if item.label in config.labels and item.state != "ended" and not _is_found(item, as_array(found), config)
    ]
    boxes = np.vstack((as_array(found), as_array([item.box for item in followed if item.box is not None])))
    unseen_s = np.array([0.0] * len(found) + [seconds(item.stamp_ns - item.last_seen_ns) for item in followed])
    return _cut(_with_margins(boxes, unseen_s, config), size_px)


def _is_found(track: Track, found: Floats, config: RegionsConfig) -> bool:
    if track.box is None:
        return True
    overlap = iou_matrix(as_array([track.box]), found).max(initial=0.0)
    return track.last_seen_ns == track.stamp_ns and bool(overlap >= config.agrees_from)


def _with_margins(boxes: Floats, unseen_s: Floats, config: RegionsConfig) -> Floats:
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    more = config.growth_per_s * unseen_s
    sides = np.maximum((config.sides + more) * width, config.margin_min_px)
    head = np.maximum((config.head + more) * height, config.margin_min_px)
    feet = np.maximum((config.feet + more) * height, config.margin_min_px)
    return np.column_stack((boxes[:, 0] - sides, boxes[:, 1] - head, boxes[:, 2] + sides, boxes[:, 3] + feet))


def _cut(boxes: Floats, size_px: tuple[int, int]) -> Regions:
    edges = np.concatenate((np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])), axis=1)
    cut: Regions = np.clip(edges, 0, np.array(size_px * 2)).astype(np.int64)
    return cut[(cut[:, 2] > cut[:, 0]) & (cut[:, 3] > cut[:, 1])]
