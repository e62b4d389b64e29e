# SPDX-License-Identifier: Apache-2.0
"""What is remembered of every track: where it was in the last seconds, and for how long it has been lying."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.percepts import GroundPosition, Track
from perception.rulebook.places import std_m, surely_apart_m

_PACE_OVER_S, _PACE_LEAST_S, _PACE_STD_M = 2.0, 1.0, 0.75
_LYING_TOP_M, _LYING_ASPECT, _UP_FOR_S = 0.95, 0.85, 0.6
_PATH_EVERY_S = 0.5


@dataclass(slots=True, kw_only=True)
class _Known:
    places: deque[tuple[int, GroundPosition]] = field(default_factory=deque)
    first: GroundPosition | None = None
    moved_m: float = 0.0
    lying_since_ns: int | None = None
    lay_ns: int = 0


class Memory:
    """Takes in the tracks of every scene, once."""

    def __init__(self, keep_s: float) -> None:
        self._keep_s = max(keep_s, _PACE_OVER_S)
        self._known: dict[int, _Known] = {}

    def take_in(self, tracks: Iterable[Track], now_ns: int) -> None:
        """Remember where tracks are; forget those that ended."""
        live = {}
        for track in tracks:
            if track.state != "ended":
                known = live[track.track_id] = self._known.get(track.track_id) or _Known()
                self._note(known, track, now_ns)
        self._known = live

    def _note(self, known: _Known, track: Track, now_ns: int) -> None:
        if track.ground is not None:
            known.places.append((now_ns, track.ground))
            known.first = track.ground if known.first is None else known.first
            known.moved_m = max(known.moved_m, surely_apart_m(known.first, track.ground))
        while known.places and seconds(now_ns - known.places[0][0]) > self._keep_s:
            known.places.popleft()
        lies = _lies(track)
        if lies:
            known.lay_ns = now_ns
            known.lying_since_ns = now_ns if known.lying_since_ns is None else known.lying_since_ns
        elif lies is False and seconds(now_ns - known.lay_ns) > _UP_FOR_S:
            known.lying_since_ns = None

    def measures(self, track: Track, ground: GroundPosition, now_ns: int) -> dict[str, float]:
        """What every kind of rule measures of a track."""
        return {
            "hits": float(track.hits),
            "score": track.score,
            "speed_mps": float(np.hypot(*ground.velocity_mps)),
            "pace_mps": self._pace_mps(track.track_id, now_ns),
            "position_std_m": std_m(ground),
            "cold_s": track.cold_s,
            "lying_s": self._lying_s(track.track_id, now_ns),
            "moved_m": self._moved_m(track),
        }

    def path_m(self, track_id: int) -> Floats:
        """Where the track was (N, 2) m in map, twice a second, oldest first."""
        known = self._known.get(track_id)
        kept: list[Floats] = []
        last_ns = None
        for stamp_ns, ground in known.places if known is not None else ():
            if last_ns is None or seconds(stamp_ns - last_ns) >= _PATH_EVERY_S:
                kept.append(ground.position_m)
                last_ns = stamp_ns
        return np.array(kept).reshape(-1, 2)

    def _pace_mps(self, track_id: int, now_ns: int) -> float:
        """Mean speed over the last two seconds that is surely reached: two standard deviations of the way are taken off it. Only
        places that are known well count: what is known badly jumps when it becomes known better."""
        places = self._known[track_id].places if track_id in self._known else ()
        recent = [place for place in places if seconds(now_ns - place[0]) <= _PACE_OVER_S and std_m(place[1]) <= _PACE_STD_M]
        if not recent or seconds(recent[-1][0] - recent[0][0]) < _PACE_LEAST_S:
            return 0.0
        (began_ns, first), (ended_ns, last) = recent[0], recent[-1]
        return surely_apart_m(first, last) / seconds(ended_ns - began_ns)

    def _moved_m(self, track: Track) -> float:
        """How far a lidar saw it drive, or else the way from where the track was first seen."""
        if track.drove_m is not None:
            return track.drove_m
        return self._known[track.track_id].moved_m if track.track_id in self._known else 0.0

    def _lying_s(self, track_id: int, now_ns: int) -> float:
        known = self._known.get(track_id)
        return 0.0 if known is None or known.lying_since_ns is None else seconds(now_ns - known.lying_since_ns)


def _lies(track: Track) -> bool | None:
    """Whether the box is low above the ground and about as wide as high; None where this picture does not tell."""
    if track.top_m is None or track.box is None or track.last_seen_ns != track.stamp_ns:
        return None
    return track.top_m <= _LYING_TOP_M and track.box.width_px >= _LYING_ASPECT * track.box.height_px
