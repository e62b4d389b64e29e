# SPDX-License-Identifier: Apache-2.0
"""The camera and the detector behind it: a covered lens, and tracks that can not be."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from mission.facts.fact import Fact, Observed
from patrol.clock import seconds
from patrol.config import Config
from patrol.percepts import Label, Track
from patrol.sensors import Image

_STRIDE = 8


class EyeConfig(Config):
    """A lens is covered when the contrast of its pictures falls to ``covered_share`` of what it was, or below
    ``blank_contrast`` where that was above it. Tracks are nonsense when there are more than ``most_tracks``, when people
    run at ``person_mps``, or when more than ``most_new`` tracks begin within a second."""

    covered_share: float = Field(default=0.25, gt=0, lt=1)
    blank_contrast: float = Field(default=3.0, ge=0)
    least_contrast: float = Field(default=8.0, gt=0)
    memory_s: float = Field(default=20.0, gt=0)
    most_tracks: int = Field(default=60, ge=1)
    most_new: int = Field(default=40, ge=1)
    person_mps: float = Field(default=15.0, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSeen:
    """What one picture shows at a glance: the standard deviation of its grey values, 0 to about 128."""

    stamp_ns: int
    contrast: float


def picture_seen(image: Image) -> PictureSeen:
    """Glance at one picture: every eighth pixel of every eighth row."""
    sample = image.pixels[::_STRIDE, ::_STRIDE].astype(np.float64)
    grey = sample.mean(axis=2) if sample.ndim == 3 else sample
    return PictureSeen(stamp_ns=image.stamp_ns, contrast=float(grey.std()))


class LensWatch:
    """Remembers the contrast while the lens is free; a night that is dark from the start covers nothing."""

    def __init__(self, config: EyeConfig) -> None:
        self._config = config
        self._usual: float | None = None
        self._stamp_ns: int | None = None
        self._covered = False

    def hear(self, seen: PictureSeen) -> None:
        """Take one glance."""
        config = self._config
        elapsed_s = seconds(seen.stamp_ns - self._stamp_ns) if self._stamp_ns is not None else 0.0
        self._stamp_ns = seen.stamp_ns
        usual = seen.contrast if self._usual is None else self._usual
        was_clear = usual >= config.least_contrast
        self._covered = was_clear and seen.contrast < max(config.covered_share * usual, config.blank_contrast)
        if not self._covered:
            usual += min(max(elapsed_s, 0.0) / config.memory_s, 1.0) * (seen.contrast - usual)
        self._usual = usual

    def facts(self) -> Iterator[Observed]:
        """Whether the lens is covered."""
        if self._covered:
            yield Observed(fact=Fact.LENS_COVERED)


class ModelWatch:
    """Judges the newest tracks, and how fast new ones begin."""

    def __init__(self, config: EyeConfig) -> None:
        self._config = config
        self._highest = -1
        self._new: deque[tuple[int, int]] = deque(maxlen=256)
        self._nonsense = ""

    def hear(self, tracks: tuple[Track, ...], now_ns: int) -> None:
        """Take the tracks of the newest picture."""
        config = self._config
        fresh = sum(track.track_id > self._highest for track in tracks)
        self._highest = max((track.track_id for track in tracks), default=self._highest)
        if fresh:
            self._new.append((now_ns, fresh))
        while self._new and seconds(now_ns - self._new[0][0]) > 1.0:
            self._new.popleft()
        if len(tracks) > config.most_tracks:
            self._nonsense = f"more than {config.most_tracks} things at once"
        elif any(_is_a_runner(track, config.person_mps) for track in tracks):
            self._nonsense = f"a person faster than {config.person_mps:g} m/s"
        elif sum(count for _, count in self._new) > config.most_new:
            self._nonsense = f"more than {config.most_new} new things in a second"
        else:
            self._nonsense = ""

    def facts(self) -> Iterator[Observed]:
        """Whether the tracks can not be."""
        if self._nonsense:
            yield Observed(fact=Fact.MODEL_NONSENSE, detail=self._nonsense)


def _is_a_runner(track: Track, limit_mps: float) -> bool:
    if track.ground is None or track.label is not Label.PERSON:
        return False
    speed = float(np.hypot(*track.ground.velocity_mps))
    return not speed <= limit_mps
