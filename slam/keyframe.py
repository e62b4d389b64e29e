# SPDX-License-Identifier: Apache-2.0
"""What the mapper remembers of a place: one scan with the pose that tracking gave it, and submaps of successive ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from patrol.geometry import Pose2
from patrol.sensors import Scan
from slam.likelihood import LikelihoodField
from slam.scan_matcher import MatchTarget
from slam.scan_points import BodyRate, ScanPoints
from slam.surface import Surface, joined

FIELD_RESOLUTION_M = 0.1
FIELD_STD_M = 0.15
FIELD_LEVELS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyframe:
    """``track_from_base`` is the pose by scan matching alone: smooth, drifting, never corrected. ``path_m`` is the distance
    travelled until then."""

    id: int
    stamp_ns: int
    track_from_base: Pose2
    path_m: float
    points: ScanPoints
    surface: Surface
    scan: Scan
    rate: BodyRate

    @property
    def reach_m(self) -> float:
        """Median distance of what is seen from here."""
        return self.points.reach_m


def local_target(keyframes: Sequence[Keyframe], frame_from_track: Pose2, voxel_m: float) -> MatchTarget:
    """The keyframes as a target to match against, in any frame."""
    surfaces = [keyframe.surface.moved(frame_from_track @ keyframe.track_from_base) for keyframe in keyframes]
    return MatchTarget.from_surface(joined(surfaces), voxel_m)


class Submap:
    """Successive keyframes as one rigid local map in the frame of the middle one, its anchor."""

    def __init__(self, keyframes: tuple[Keyframe, ...], voxel_m: float) -> None:
        self.keyframes = keyframes
        self.anchor = keyframes[len(keyframes) // 2]
        self._voxel_m = voxel_m

    @property
    def ids(self) -> range:
        return range(self.keyframes[0].id, self.keyframes[-1].id + 1)

    @cached_property
    def target(self) -> MatchTarget:
        return local_target(self.keyframes, self.anchor.track_from_base.inverse(), self._voxel_m)

    @cached_property
    def field(self) -> LikelihoodField:
        return LikelihoodField(self.target.points_m, resolution_m=FIELD_RESOLUTION_M, std_m=FIELD_STD_M, levels=FIELD_LEVELS)
