# SPDX-License-Identifier: Apache-2.0
"""Whether vehicles drove: the lidar sees that a place where one stood is empty, or that the place where it stands was.

Where a long thing is seen to stand changes while the robot goes round it, and a track may go over to the vehicle beside its own.
By their places alone both seem to drive; yet neither leaves a place empty or comes to one that was. In open ground far away no
beam comes back from behind a vehicle: there the lidar can not tell, and says so.
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

_Sides = tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


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


@dataclass(slots=True, kw_only=True)
class _Known:
    """Of a vehicle, the longest way between two of its places where one was empty; where neither was; where no beams tell. And
    whether there ever was a look while its place was known well, and one at which beams told anything of it."""

    drove_m: float = 0.0
    stayed_m: float = 0.0
    untold_m: float = 0.0
    is_looked_at: bool = False
    is_met: bool = False

    @property
    def told_m(self) -> float | None:
        is_untold = not self.is_met or self.untold_m > self.stayed_m
        return None if is_untold and not self.drove_m else self.drove_m


class Departures:
    """Looks at a lidar revolution now and then."""

    def __init__(self, config: DepartureConfig) -> None:
        self._config = config
        self._looks: deque[_Look] = deque()
        self._known: dict[int, _Known] = {}

    def look(self, points_m: Floats, map_from_lidar: Pose3, tracks: Sequence[Track], stamp_ns: int) -> None:
        """Take in the returns (N, 3) m of a revolution in the lidar's frame, and where the camera has the vehicles just now."""
        seen = _Look(stamp_ns=stamp_ns, origin_m=map_from_lidar.translation_m, ends_m=map_from_lidar.apply(points_m))
        followed = [track for track in tracks if track.label is Label.VEHICLE and track.state != "ended"]
        self._known = {track.track_id: self._known.get(track.track_id, _Known()) for track in followed}
        for track in followed:
            ground, known = self._placed(track), self._known[track.track_id]
            known.is_looked_at = known.is_looked_at or ground is not None
            if ground is None or self._is_dark(self._passed(seen, ground.position_m)):
                continue
            known.is_met = True
            if self._stands(seen, ground.position_m):
                seen.stood[track.track_id] = ground
        for track_id, ground in seen.stood.items():
            for before in self._looks:
                self._compare(self._known[track_id], before, before.stood.get(track_id), seen, ground)
        self._looks.append(seen)
        while seconds(stamp_ns - self._looks[0].stamp_ns) > self._config.keep_s:
            self._looks.popleft()

    def told(self, tracks: tuple[Track, ...]) -> tuple[Track, ...]:
        """The tracks, the vehicles with ``drove_m``: None for those of which the lidar could not tell when it looked."""
        return tuple(replace(track, drove_m=self._told_m(track)) if track.label is Label.VEHICLE else track for track in tracks)

    def _told_m(self, track: Track) -> float | None:
        """See ``told``. Nobody has driven whose place is known well, but was not yet at any look: the next one tells."""
        known = self._known.get(track.track_id)
        if known is None or (not known.is_looked_at and self._placed(track) is not None):
            return 0.0
        return known.told_m

    def _compare(self, known: _Known, before: _Look, stood: GroundPosition | None, now: _Look, ground: GroundPosition) -> None:
        """Note what the beams tell of a vehicle that ``stood`` elsewhere ``before`` and stands at ``ground`` ``now``."""
        apart_m = 0.0 if stood is None else surely_apart_m(stood, ground)
        if stood is None or apart_m <= max(known.drove_m, self._config.radius_m):
            return
        left, came = self._passed(now, stood.position_m), self._passed(before, ground.position_m)
        if self._is_empty(left) or self._is_empty(came):
            known.drove_m = apart_m
        elif self._is_dark(left) and self._is_dark(came):
            known.untold_m = max(known.untold_m, apart_m)
        else:
            known.stayed_m = max(known.stayed_m, apart_m)

    def _placed(self, track: Track) -> GroundPosition | None:
        """Where it is, if that is known well enough."""
        ground = track.ground if track.state == "confirmed" else None
        return None if ground is None or std_m(ground) > self._config.place_std_max_m else ground

    def _stands(self, look: _Look, place_m: Floats) -> bool:
        ended = np.hypot(*(look.ends_m[:, :2] - place_m).T) <= self._config.radius_m
        return int(np.count_nonzero(ended & self._is_in_band(look.ends_m[:, 2]))) >= self._config.ended_min

    def _passed(self, look: _Look, place_m: Floats) -> _Sides:
        """Of the beams that come by the place, or would, left of its middle and right of it: whether each passes (N,)."""
        config, away = self._config, look.ends_m - look.origin_m
        reach_m = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1e-6)
        ahead, (east_m, north_m) = away[:, :2] / reach_m[:, None], place_m - look.origin_m[:2]
        along_m, across_m = ahead @ np.array([east_m, north_m]), ahead[:, 0] * north_m - ahead[:, 1] * east_m
        heights_m = look.origin_m[2] + away[:, 2] * along_m / reach_m
        comes_by = (along_m > config.radius_m) & (np.abs(across_m) <= config.radius_m) & self._is_in_band(heights_m)
        passed = reach_m > along_m + config.radius_m
        return passed[comes_by & (across_m >= 0.0)], passed[comes_by & (across_m < 0.0)]

    def _is_empty(self, sides: _Sides) -> bool:
        return all(
            np.count_nonzero(side) >= max(self._config.passed_min, self._config.passed_share * len(side)) for side in sides
        )

    def _is_dark(self, sides: _Sides) -> bool:
        """Whether too few beams come back from there, or from behind it, to tell."""
        return any(len(side) < self._config.passed_min for side in sides)

    def _is_in_band(self, heights_m: Floats) -> npt.NDArray[np.bool_]:
        """Mask (N,) of the heights at which a vehicle has its hull."""
        return (heights_m >= self._config.lowest_m) & (heights_m <= self._config.highest_m)
