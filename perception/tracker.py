# SPDX-License-Identifier: Apache-2.0
"""Follows things from picture to picture.

Strong detections are matched first, faint ones then keep alive what is left (Zhang et al., "ByteTrack", ECCV 2022), and new
tracks come last. Predictions are carried by the camera's own motion. Ids count up from 1 in the order
of the detections, so that the same pictures give the same ids. No appearance is remembered: place and motion only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from patrol.clock import nanoseconds, seconds
from patrol.config import Config
from patrol.percepts import Box, Detection, Label, Track, TrackState
from perception.association import Side, associate
from perception.box_filter import BoxFilter, BoxNoise
from perception.boxes import as_array, iou_matrix
from perception.ego_motion import CameraMotion

_LABELS = tuple(Label)
_TOLD, _EXPECTED = BoxNoise(), BoxNoise(cut=2.0)


class TrackerConfig(Config):
    """Scores that make a detection strong or start a track, strong hits that confirm one, and how long an unseen one is kept.

    Faint detections alone carry a track on (somebody half hidden), yet not for ever: a track that drifted on to a post would
    live as long as the post is in view. After ``sure_s`` without a strong one it is only coasting, after ``faint_coast_s`` it
    ends. They do not bring back a track that was unseen for more than ``faint_after_s``: by then the faint thing near it is
    more often another. No track starts where one is already (overlap above ``start_overlap_max``). Below ``faint_score``
    a detection counts for nothing here.
    """

    faint_score: float = Field(default=0.10, ge=0.0, le=1.0)
    strong_score: float = Field(default=0.40, ge=0.0, le=1.0)
    start_score: float = Field(default=0.50, ge=0.0, le=1.0)
    confirm_hits: int = Field(default=3, ge=1)
    tentative_coast_s: float = Field(default=0.35, ge=0.0)
    coast_s: float = Field(default=1.5, ge=0.0)
    sure_s: float = Field(default=1.0, ge=0.0)
    faint_coast_s: float = Field(default=4.0, ge=0.0)
    faint_after_s: float = Field(default=0.1, ge=0.0)
    start_overlap_max: float = Field(default=0.6, gt=0.0, le=1.0)
    pace_memory_s: float = Field(default=0.7, gt=0.0, description="time constant with which an unseen track slows down")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """One round of matching: ``strong`` or faint detections, with tentative tracks or without, and how near is near."""

    strong: bool
    tentative: bool
    overlap_min: float
    reach: float


_ROUNDS = (
    _Round(strong=True, tentative=False, overlap_min=0.20, reach=0.25),
    _Round(strong=False, tentative=False, overlap_min=0.55, reach=0.0),
    _Round(strong=True, tentative=True, overlap_min=0.30, reach=0.25),
    _Round(strong=False, tentative=True, overlap_min=0.55, reach=0.0),
)


class _Following:
    """What the tracker keeps about one thing: ``told`` follows its detections closely; by ``expected``, which does not so quickly
    believe that it grew or shrank, the next ones are looked for."""

    def __init__(self, track_id: int, detection: Detection) -> None:
        self.track_id = track_id
        self.told, self.expected = BoxFilter(detection.box, _TOLD), BoxFilter(detection.box, _EXPECTED)
        self.first_seen_ns = self.last_seen_ns = self._sure_ns = detection.stamp_ns
        self.hits = self._strong_hits = 1
        self.score = detection.score
        self.by_heat = detection.source == "thermal"
        self.state: TrackState = "tentative"
        self._votes = {detection.label: detection.score}

    @property
    def filters(self) -> tuple[BoxFilter, BoxFilter]:
        return self.told, self.expected

    @property
    def label(self) -> Label:
        """The label with the most score behind it."""
        return max(_LABELS, key=lambda label: self._votes.get(label, 0.0))

    def continue_with(self, detection: Detection, config: TrackerConfig) -> None:
        for kept in self.filters:
            kept.correct(detection.box, detection.score)
        self.last_seen_ns = detection.stamp_ns
        self.by_heat = detection.source == "thermal"
        self.hits += 1
        self.score = 0.7 * self.score + 0.3 * detection.score
        self._votes[detection.label] = self._votes.get(detection.label, 0.0) + detection.score
        if detection.score >= config.strong_score:
            self._strong_hits += 1
            self._sure_ns = detection.stamp_ns

    def judge(self, stamp_ns: int, config: TrackerConfig) -> None:
        """Say what state the track is in after the picture at ``stamp_ns``."""
        unseen_s, unsure_s = seconds(stamp_ns - self.last_seen_ns), seconds(stamp_ns - self._sure_ns)
        coast_s = config.tentative_coast_s if self.state == "tentative" else config.coast_s
        if unseen_s > coast_s or unsure_s > config.faint_coast_s:
            self.state = "ended"
        elif self._strong_hits >= config.confirm_hits:
            self.state = "coasting" if unseen_s > 0.0 or unsure_s > config.sure_s else "confirmed"


class Tracker:
    """One per camera."""

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self._followed: list[_Following] = []
        self._next_id = 1
        self._stamp_ns: int | None = None

    @property
    def by_heat(self) -> frozenset[int]:
        """Ids of the tracks whose last detection came from a thermal picture."""
        return frozenset(item.track_id for item in self._followed if item.by_heat)

    def update(self, detections: Sequence[Detection], stamp_ns: int, motion: CameraMotion | None = None) -> tuple[Track, ...]:
        """Take in the detections of the picture at ``stamp_ns``, later than the last; ``motion`` is the camera's since then.

        Returns every track, in the order of ids; one that ended is returned once more, as ended and without a box.
        """
        before_ns = self._stamp_ns
        self._predict(stamp_ns, motion)
        unmatched = self._match(detections, stamp_ns if before_ns is None else before_ns)
        for following in self._followed:
            following.judge(stamp_ns, self._config)
        self._start(unmatched)
        tracks = tuple(_track(following, stamp_ns) for following in self._followed)
        self._followed = [following for following in self._followed if following.state != "ended"]
        return tracks

    def _predict(self, stamp_ns: int, motion: CameraMotion | None) -> None:
        dt_s = 0.0 if self._stamp_ns is None else seconds(stamp_ns - self._stamp_ns)
        self._stamp_ns = stamp_ns
        for following in self._followed:
            is_unseen = following.last_seen_ns < stamp_ns - nanoseconds(dt_s)
            for kept in following.filters:
                kept.predict(dt_s)
                if is_unseen:
                    kept.lose_pace(dt_s, self._config.pace_memory_s)
        if motion is not None and self._followed:
            filters = [kept for following in self._followed for kept in following.filters]
            moved = motion.warp(np.stack([kept.row() for kept in filters]))
            for kept, row in zip(filters, moved, strict=True):
                kept.move_to(row)

    def _match(self, detections: Sequence[Detection], before_ns: int) -> list[Detection]:
        """Run all rounds; return the detections that continue no track. ``before_ns`` is the stamp of the picture before."""
        left = [item for item in detections if item.score >= self._config.faint_score]
        waiting = list(self._followed)
        for stage in _ROUNDS:
            tracks = [item for item in waiting if self._takes_part(item, stage, before_ns)]
            usable = [item for item in left if (item.score >= self._config.strong_score) == stage.strong]
            sides = _tracks_side(tracks, before_ns), _detections_side(usable)
            pairs = associate(*sides, overlap_min=stage.overlap_min, reach=stage.reach)
            for row, column in pairs:
                tracks[row].continue_with(usable[column], self._config)
                waiting.remove(tracks[row])
                left.remove(usable[column])
        return left

    def _takes_part(self, item: _Following, stage: _Round, before_ns: int) -> bool:
        recent = stage.strong or seconds(before_ns - item.last_seen_ns) <= self._config.faint_after_s
        return recent and (stage.tentative or item.state != "tentative")

    def _start(self, detections: Sequence[Detection]) -> None:
        """Start a track for every detection that is sure enough, unless one of its label is there already."""
        for detection in detections:
            if detection.score < self._config.start_score:
                continue
            there = [item.expected.row() for item in self._followed if item.state != "ended" and item.label is detection.label]
            overlap = iou_matrix(as_array([detection.box]), np.array(there).reshape(-1, 4))
            if overlap.max(initial=0.0) <= self._config.start_overlap_max:
                self._followed.append(_Following(self._next_id, detection))
                self._next_id += 1


def _tracks_side(tracks: Sequence[_Following], before_ns: int) -> Side:
    return Side(
        boxes=np.array([item.expected.row() for item in tracks]).reshape(-1, 4),
        labels=np.array([_LABELS.index(item.label) for item in tracks], dtype=np.int64),
        scores=np.ones(len(tracks)),
        unseen_s=np.array([seconds(before_ns - item.last_seen_ns) for item in tracks]),
    )


def _detections_side(detections: Sequence[Detection]) -> Side:
    return Side(
        boxes=as_array([item.box for item in detections]),
        labels=np.array([_LABELS.index(item.label) for item in detections], dtype=np.int64),
        scores=np.array([item.score for item in detections]),
        unseen_s=np.zeros(len(detections)),
    )


def _track(following: _Following, stamp_ns: int) -> Track:
    box: Box | None = None if following.state == "ended" else following.told.box()
    return Track(
        track_id=following.track_id,
        label=following.label,
        state=following.state,
        stamp_ns=stamp_ns,
        first_seen_ns=following.first_seen_ns,
        last_seen_ns=following.last_seen_ns,
        hits=following.hits,
        score=min(following.score, 1.0),
        box=box,
        ground=None,
    )
