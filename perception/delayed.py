# SPDX-License-Identifier: Apache-2.0
"""Tracks told a moment late, so that they can be told better: what the next fraction of a second shows is put in.

A track's first pictures, seen before it was confirmed, are told with the rest, and a short gap is filled along the straight
line between its ends. Nothing older than ``delay_s`` changes, so a live picture can follow at that distance.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from patrol.checks import Floats
from patrol.clock import nanoseconds
from patrol.percepts import Track
from perception.boxes import as_array


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldTrack:
    """One track in one picture: ``row`` (4,) px left, top, right, bottom."""

    track_id: int
    score: float
    row: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPicture:
    """The tracks of the picture at ``stamp_ns``, in the order of ids."""

    stamp_ns: int
    tracks: tuple[ToldTrack, ...]


@dataclass(slots=True, kw_only=True)
class _Held:
    stamp_ns: int
    rows: dict[int, tuple[float, Floats]] = field(default_factory=dict)


class Delayed:
    """Holds pictures back for ``delay_s`` and completes them. With 0 every picture is told as it was."""

    def __init__(self, delay_s: float) -> None:
        self._delay_ns = nanoseconds(delay_s)
        self._held: deque[_Held] = deque()
        self._tentative: set[int] = set()
        self._last: dict[int, tuple[int, Floats]] = {}

    def add(self, tracks: tuple[Track, ...], stamp_ns: int) -> tuple[ToldPicture, ...]:
        """Take in the tracks of the picture at ``stamp_ns``; return the pictures that are now old enough, in order."""
        self._held.append(_Held(stamp_ns=stamp_ns))
        for track in tracks:
            if track.box is not None and track.last_seen_ns == stamp_ns:
                self._note(track, as_array([track.box])[0])
        self._forget({track.track_id for track in tracks if track.state == "ended"})
        ripe = []
        while self._held and stamp_ns - self._held[0].stamp_ns >= self._delay_ns:
            ripe.append(self._tell(self._held.popleft()))
        return tuple(ripe)

    def finish(self) -> tuple[ToldPicture, ...]:
        """No picture follows: the rest, in order."""
        rest = tuple(self._tell(held) for held in self._held)
        self._held.clear()
        return rest

    def _note(self, track: Track, row: Floats) -> None:
        """The track was seen: note it, and fill in what lies between this and the last time."""
        stamp_ns, track_id = self._held[-1].stamp_ns, track.track_id
        if track_id in self._last:
            last_ns, before = self._last[track_id]
            if stamp_ns - last_ns <= self._delay_ns:
                for held in self._held:
                    if last_ns < held.stamp_ns < stamp_ns:
                        part = (held.stamp_ns - last_ns) / (stamp_ns - last_ns)
                        held.rows[track_id] = (track.score, before + part * (row - before))
        self._last[track_id] = (stamp_ns, row)
        self._held[-1].rows[track_id] = (track.score, row)
        if track.state == "tentative":
            self._tentative.add(track_id)
        else:
            self._tentative.discard(track_id)

    def _forget(self, ended: set[int]) -> None:
        """What ended before it was confirmed was nothing."""
        for track_id in ended:
            self._last.pop(track_id, None)
            if track_id in self._tentative:
                for held in self._held:
                    held.rows.pop(track_id, None)
        self._tentative -= ended

    def _tell(self, held: _Held) -> ToldPicture:
        told = [
            ToldTrack(track_id=track_id, score=score, row=np.array(row))
            for track_id, (score, row) in sorted(held.rows.items())
            if track_id not in self._tentative
        ]
        return ToldPicture(stamp_ns=held.stamp_ns, tracks=tuple(told))
