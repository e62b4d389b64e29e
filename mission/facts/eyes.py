# SPDX-License-Identifier: Apache-2.0
"""The camera and the detector behind it: a lens that can not see, and tracks that can not be."""

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

WELL, DIRTY = "well", "dirty"


class EyeConfig(Config):
    """Tracks are nonsense when there are more than ``most_tracks``, when people run at ``person_mps``, or when more than
    ``most_new`` tracks begin within a second."""

    most_tracks: int = Field(default=60, ge=1)
    most_new: int = Field(default=40, ge=1)
    person_mps: float = Field(default=15.0, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSeen:
    """What perception says of the cameras at one picture: ``lens`` is ``well``, or what is wrong (covered, dazzled, dirty,
    frozen, dark)."""

    stamp_ns: int
    lens: str = WELL


class LensWatch:
    """Remembers what perception last said. It takes its time there; here it counts at once."""

    def __init__(self) -> None:
        self._lens = WELL

    def hear(self, seen: PictureSeen) -> None:
        """Take one word of perception."""
        self._lens = seen.lens

    def facts(self) -> Iterator[Observed]:
        """Whether the camera can not see, and why. Through a dirty lens it still does: that is for whoever cleans it."""
        if self._lens not in (WELL, DIRTY):
            yield Observed(fact=Fact.LENS_COVERED, detail=f"it is {self._lens}")


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
