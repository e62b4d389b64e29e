# SPDX-License-Identifier: Apache-2.0
"""The lidar as a second witness: a lamp post that the camera takes for a person is, for the lidar, a lamp post.

Where a track's box holds nothing for a while but what goes on above it or is far behind it, or beams go through it, and nothing
of its own, what is there explains what the camera sees: a body that near would be met. The track is told with half its score, as
long as nothing of its own is seen; it stays masked all the same. Who is behind a fence is not met: where nothing but a fence was
seen for as long, it explains nothing. So is an upright person no higher than a knee where the box stands told: a stain on the
ground.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import Field

from patrol.clock import seconds
from patrol.config import Config
from patrol.geometry import Pose2
from patrol.percepts import Label, Track
from perception.ranging import Ranged

_STANDING = (Label.PERSON, Label.VEHICLE)


class WitnessConfig(Config):
    """``doubt_after_s``: so long without a look at something of its own a track is doubted; only one nearer than ``reach_m``,
    where beams are close enough together not to miss a body, and no person whose box is wider than ``upright`` of its height,
    unless it is ``tall_m`` high. Whose box is narrower is at least ``upright_least_m`` high."""

    doubt_after_s: float = Field(default=0.4, gt=0.0)
    reach_m: float = Field(default=14.0, gt=0.0)
    upright: float = Field(default=0.6, gt=0.0)
    upright_least_m: float = Field(default=0.6, ge=0.0)
    tall_m: float = Field(default=1.3, gt=0.0, description="who is that high neither lies nor crouches")
    share: float = Field(default=0.5, gt=0.0, le=1.0, description="of its score that a doubted track is told with")


@dataclass(slots=True)
class _Empty:
    """Since when the lidar has seen nothing of a track's own, and the last look that said so."""

    since_ns: int
    last_ns: int


class LidarWitness:
    """Remembers of each track since when the lidar has seen nothing of its own."""

    def __init__(self, config: WitnessConfig) -> None:
        self._config = config
        self._empty: dict[int, _Empty] = {}

    def judged(
        self, tracks: tuple[Track, ...], ranged: Mapping[int, Ranged], map_from_base: Pose2 | None, stamp_ns: int
    ) -> tuple[Track, ...]:
        """The tracks of the picture at ``stamp_ns`` with their scores; ``ranged`` as ``LidarRanger.ranges`` gives it."""
        for track in tracks:
            look = ranged.get(track.track_id)
            if look is None:
                continue
            if look.places or (look.fence_m is not None and self._is_over(track.track_id, stamp_ns)):
                self._empty.pop(track.track_id, None)
            elif look.fence_m is None and map_from_base is not None and self._can_tell(track, map_from_base):
                self._empty.setdefault(track.track_id, _Empty(stamp_ns, stamp_ns)).last_ns = stamp_ns
        live = {track.track_id for track in tracks}
        self._empty = {track_id: empty for track_id, empty in self._empty.items() if track_id in live}
        return tuple(self._scored(track, stamp_ns) for track in tracks)

    def _is_over(self, track_id: int, stamp_ns: int) -> bool:
        """Whether the last look that said something against a track is as old as the first must be to count."""
        empty = self._empty.get(track_id)
        return empty is not None and seconds(stamp_ns - empty.last_ns) >= self._config.doubt_after_s

    def _can_tell(self, track: Track, map_from_base: Pose2) -> bool:
        box, ground = track.box, track.ground
        if box is None or ground is None or track.label not in _STANDING:
            return False
        if math.dist(ground.position_m, (map_from_base.x_m, map_from_base.y_m)) > self._config.reach_m:
            return False
        is_tall = track.top_m is not None and track.top_m >= self._config.tall_m
        return track.label is Label.VEHICLE or is_tall or self._is_upright(track)

    def _is_upright(self, track: Track) -> bool:
        return track.box is not None and track.box.width_px <= self._config.upright * track.box.height_px

    def _is_stain(self, track: Track) -> bool:
        is_low = track.top_m is not None and track.top_m < self._config.upright_least_m
        return is_low and track.label is Label.PERSON and self._is_upright(track)

    def _scored(self, track: Track, stamp_ns: int) -> Track:
        empty = self._empty.get(track.track_id)
        is_explained = empty is not None and seconds(stamp_ns - empty.since_ns) >= self._config.doubt_after_s
        return replace(track, score=self._config.share * track.score) if is_explained or self._is_stain(track) else track
