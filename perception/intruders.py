# SPDX-License-Identifier: Apache-2.0
"""Who of those that break a rule was already reported, so that one intruder raises one alert.

The camera sees little of the site at a time, and a person seen again after a gap looks like anyone. So the question is not
"is it the same person?" but "must it be another one?". It must be when both are in sight at once, or when the known one could
not have come here in the time. Until then it is the same intruder, whose alert still stands (a lower bound on how many there
are, as in counting people by exclusion). After ``quiet_s`` without a sight the matter is closed and the next sight is news.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.percepts import GroundPosition, Track
from perception.rules import SameConfig

_SIGMAS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A track that breaks the rule in this picture, and where it is on the map."""

    track_id: int
    ground: GroundPosition


@dataclass(slots=True, kw_only=True)
class _Intruder:
    """A reported intruder: its present or last track, and where and when it was last in sight."""

    track_id: int
    seen_ns: int
    position_m: Floats
    std_m: float


class Intruders:
    """The reported intruders of one rule."""

    def __init__(self, config: SameConfig) -> None:
        self._config = config
        self._known: list[_Intruder] = []
        self._beside_since_ns: dict[int, int] = {}

    def new_among(self, suspects: Sequence[Suspect], tracks: Iterable[Track], now_ns: int) -> frozenset[int]:
        """The track ids of those ``suspects`` that must be someone not yet reported; from now on they are.

        ``tracks`` are all tracks of the same picture: they tell which reported intruders are in sight.
        """
        in_sight = {track.track_id: track.ground for track in tracks if track.ground is not None and self._is_in_sight(track)}
        self._follow(in_sight, now_ns)
        known = {item.track_id for item in self._known}
        strangers = self._recognise([item for item in suspects if item.track_id not in known], in_sight, now_ns)
        self._beside_since_ns = {
            item.track_id: self._beside_since_ns[item.track_id] for item in strangers if item.track_id in self._beside_since_ns
        }
        return frozenset(item.track_id for item in strangers if self._is_someone_else(item, in_sight, now_ns))

    def _is_in_sight(self, track: Track) -> bool:
        return track.state == "confirmed" and track.score >= self._config.in_sight_score

    def _follow(self, in_sight: Mapping[int, GroundPosition], now_ns: int) -> None:
        """Move those in sight; forget those unseen for too long."""
        for item in self._known:
            ground = in_sight.get(item.track_id)
            if ground is not None:
                item.seen_ns, item.position_m, item.std_m = now_ns, ground.position_m, _std_m(ground)
        self._known = [item for item in self._known if seconds(now_ns - item.seen_ns) <= self._config.quiet_s]

    def _recognise(self, suspects: Sequence[Suspect], in_sight: Mapping[int, GroundPosition], now_ns: int) -> tuple[Suspect, ...]:
        """Let suspects take over the unseen intruders within whose reach they are, nearest first; return who is left."""
        unseen = [item for item in self._known if item.track_id not in in_sight]
        pairs = sorted(
            ((_distance_m(item, suspect), i, j) for i, item in enumerate(unseen) for j, suspect in enumerate(suspects)),
        )
        left = dict(enumerate(suspects))
        free = dict(enumerate(unseen))
        for distance_m, i, j in pairs:
            if i in free and j in left and distance_m <= self._reach_m(free[i], left[j], now_ns):
                self._take_over(free.pop(i), left.pop(j), now_ns)
        return tuple(left.values())

    def _take_over(self, item: _Intruder, suspect: Suspect, now_ns: int) -> None:
        item.track_id, item.seen_ns = suspect.track_id, now_ns
        item.position_m, item.std_m = suspect.ground.position_m, _std_m(suspect.ground)

    def _is_someone_else(self, suspect: Suspect, in_sight: Mapping[int, GroundPosition], now_ns: int) -> bool:
        """Whether ``suspect`` is one more. Beside one in sight it may be a second track of the same body for a moment."""
        beside = any(
            _distance_m(item, suspect) <= self._reach_m(item, suspect, now_ns)
            for item in self._known
            if item.track_id in in_sight
        )
        if beside:
            since_ns = self._beside_since_ns.setdefault(suspect.track_id, now_ns)
            if seconds(now_ns - since_ns) < self._config.together_s:
                return False
        self._known.append(
            _Intruder(
                track_id=suspect.track_id,
                seen_ns=now_ns,
                position_m=suspect.ground.position_m,
                std_m=_std_m(suspect.ground),
            )
        )
        return True

    def _reach_m(self, item: _Intruder, suspect: Suspect, now_ns: int) -> float:
        """How far from where ``item`` was last seen it may be found now."""
        doubt_m = _SIGMAS * float(np.hypot(item.std_m, _std_m(suspect.ground)))
        return self._config.slack_m + doubt_m + self._config.speed_mps * seconds(now_ns - item.seen_ns)


def _std_m(ground: GroundPosition) -> float:
    """Along the longest axis of the covariance."""
    return float(np.sqrt(max(np.linalg.eigvalsh(ground.covariance_m2)[1], 0.0)))


def _distance_m(item: _Intruder, suspect: Suspect) -> float:
    return float(np.hypot(*(suspect.ground.position_m - item.position_m)))
