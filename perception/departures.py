# SPDX-License-Identifier: Apache-2.0
"""Whether vehicles drove: the lidar sees that a place where one stood is empty, or that the place where it stands was.

Where a long thing is seen to stand changes while the robot goes round it, and a track may go over to the vehicle beside its own.
By their places alone both seem to drive; yet neither leaves a place empty or comes to one that was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from pydantic import Field

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.config import Config
from patrol.geometry import Pose3
from patrol.percepts import GroundPosition, Label, Track
from perception.rulebook.places import std_m, surely_apart_m


class DepartureConfig(Config):
    """``radius_m``: how large a place is. Beams ``lowest_m`` to ``highest_m`` above it tell: something stands there where
    ``ended_min`` of them end. It is empty where, left of its middle and right of it, ``passed_min`` go by and are
    ``passed_share`` of those that would: of a long thing seen aslant, one side alone is in the way. Looks older than ``keep_s``
    are forgotten."""

    radius_m: float = Field(default=1.0, gt=0.0)
    lowest_m: float = Field(default=0.25, ge=0.0)
    highest_m: float = Field(default=1.5, gt=0.0)
    ended_min: int = Field(default=3, ge=1)
    passed_min: int = Field(default=2, ge=1)
    passed_share: float = Field(default=0.75, gt=0.0, le=1.0)
    place_std_max_m: float = Field(
        default=0.5, gt=0.0, description="a place that is known worse says nothing of what stands there"
    )
    keep_s: float = Field(default=12.0, gt=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One revolution: where the lidar was (3,) and where its beams ended (N, 3), in map; the places of the vehicles that stood
    there, by track id."""

    stamp_ns: int
    origin_m: Floats
    ends_m: Floats
    stood: dict[int, GroundPosition] = field(default_factory=dict)


class Departures:
    """Looks at a lidar revolution now and then."""

    def __init__(self, config: DepartureConfig) -> None:
        self._config = config
        self._looks: deque[_Look] = deque()
        self._drove_m: dict[int, float] = {}

    def look(self, points_m: Floats, map_from_lidar: Pose3, tracks: Sequence[Track], stamp_ns: int) -> None:
        """Take in the returns (N, 3) m of a revolution in the lidar's frame, and where the camera has the vehicles just now."""
        seen = _Look(stamp_ns=stamp_ns, origin_m=map_from_lidar.translation_m, ends_m=map_from_lidar.apply(points_m))
        for track in tracks:
            if self._is_placed(track) and track.ground is not None and self._stands(seen, track.ground.position_m):
                seen.stood[track.track_id] = track.ground
        live = {track.track_id for track in tracks if track.state != "ended"}
        self._drove_m = {track_id: drove_m for track_id, drove_m in self._drove_m.items() if track_id in live}
        for track_id, ground in seen.stood.items():
            for before in self._looks:
                self._compare(track_id, before, seen, ground)
        self._looks.append(seen)
        while seconds(stamp_ns - self._looks[0].stamp_ns) > self._config.keep_s:
            self._looks.popleft()

    def told(self, tracks: tuple[Track, ...]) -> tuple[Track, ...]:
        """The tracks, the vehicles with ``drove_m``."""
        return tuple(
            replace(track, drove_m=self._drove_m.get(track.track_id, 0.0)) if track.label is Label.VEHICLE else track
            for track in tracks
        )

    def _compare(self, track_id: int, before: _Look, now: _Look, ground: GroundPosition) -> None:
        """Note how far the vehicle that stands at ``ground`` ``now`` drove since ``before``, if that is farther than is known."""
        stood = before.stood.get(track_id)
        if stood is None:
            return
        apart_m = surely_apart_m(stood, ground)
        if apart_m <= max(self._drove_m.get(track_id, 0.0), self._config.radius_m):
            return
        if self._is_empty(now, stood.position_m) or self._is_empty(before, ground.position_m):
            self._drove_m[track_id] = apart_m

    def _is_placed(self, track: Track) -> bool:
        is_seen = track.label is Label.VEHICLE and track.state == "confirmed"
        return is_seen and track.ground is not None and std_m(track.ground) <= self._config.place_std_max_m

    def _stands(self, look: _Look, place_m: Floats) -> bool:
        ended = np.hypot(*(look.ends_m[:, :2] - place_m).T) <= self._config.radius_m
        return int(np.count_nonzero(ended & self._is_in_band(look.ends_m[:, 2]))) >= self._config.ended_min

    def _is_empty(self, look: _Look, place_m: Floats) -> bool:
        config, away = self._config, look.ends_m - look.origin_m
        reach_m = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-6)
        ahead, (east_m, north_m) = away[:, :2] / reach_m[:, None], place_m - look.origin_m[:2]
        along_m, across_m = ahead @ np.array([east_m, north_m]), ahead[:, 0] * north_m - ahead[:, 1] * east_m
        heights_m = look.origin_m[2] + away[:, 2] * along_m / reach_m
        comes_by = (along_m > config.radius_m) & (np.abs(across_m) <= config.radius_m) & self._is_in_band(heights_m)
        passed = reach_m > along_m + config.radius_m
        return all(self._is_free(passed[comes_by & side]) for side in (across_m >= 0.0, across_m < 0.0))

    def _is_free(self, passed: npt.NDArray[np.bool_]) -> bool:
        """Whether enough of the beams (N,) that come by passed."""
        return int(np.count_nonzero(passed)) >= max(self._config.passed_min, self._config.passed_share * len(passed))

    def _is_in_band(self, heights_m: Floats) -> npt.NDArray[np.bool_]:
        """Mask (N,) of the heights at which a vehicle has its hull."""
        return (heights_m >= self._config.lowest_m) & (heights_m <= self._config.highest_m)
