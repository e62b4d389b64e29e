# SPDX-License-Identifier: Apache-2.0
"""Whether what the colour camera takes for a person is warm.

A lamp post or a poster can look like somebody in one picture after the other; the thermal camera beside the colour one does not
see the likeness. Nothing here says that a track is a person: it counts how long a track stood where it was first seen, as cold
as what surrounds it, in a thermal picture that could have told. A body that moves, one too far to be more than a few pixels of
heat, and one before surroundings as warm as clothes are never counted, so that nobody hides from the rules in a foil blanket or
on a hot day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field

from patrol.checks import Floats32
from patrol.clock import seconds
from patrol.config import Config
from patrol.geometry import Pose2
from patrol.percepts import Box, GroundPosition, Label, Track
from patrol.sensors import CameraModel, Image

_CORE_QUANTILE, _AROUND_QUANTILE = 0.95, 0.75


class WarmthConfig(Config):
    """``contrast_k`` above its surroundings makes a body warm. A thermal picture can tell of a body at least ``wide_px`` of its
    pixels wide before surroundings colder than ``surroundings_most_k``. A track has moved once it is ``moved_m`` and three
    standard deviations from where it was first placed."""

    contrast_k: float = Field(default=2.5, gt=0.0)
    wide_px: float = Field(default=3.0, gt=0.0)
    body_width_m: float = Field(default=0.45, gt=0.0)
    surroundings_most_k: float = Field(default=298.0, gt=0.0)
    moved_m: float = Field(default=1.0, ge=0.0)
    stale_after_s: float = Field(default=0.25, gt=0.0)


@dataclass(slots=True, kw_only=True)
class _Known:
    """What is known of one track: its first place, whether it left it, and since when it is cold."""

    first: GroundPosition
    moved: bool = False
    looked_ns: int = 0
    cold_s: float = 0.0


class ColdClock:
    """Counts ``Track.cold_s`` for the people of one pair of cameras."""

    def __init__(self, thermal: CameraModel, camera: CameraModel, config: WarmthConfig) -> None:
        self._thermal, self._camera, self._config = thermal, camera, config
        self._kelvin: Floats32 = np.zeros((0, 0), dtype=np.float32)
        self._stamp_ns: int | None = None
        self._known: dict[int, _Known] = {}

    def on_thermal(self, image: Image) -> None:
        """Keep a thermal picture (mono16, centikelvin)."""
        self._kelvin = image.pixels.astype(np.float32) / np.float32(100.0)
        self._stamp_ns = image.stamp_ns

    def timed(self, tracks: tuple[Track, ...], base_from_map: Pose2 | None) -> tuple[Track, ...]:
        """The tracks of one picture with ``cold_s``. ``base_from_map``: where the map is seen from the robot; None while that is
        not known."""
        timed = tuple(self._timed(track, base_from_map) for track in tracks)
        live = {track.track_id for track in tracks if track.state != "ended"}
        self._known = {track_id: known for track_id, known in self._known.items() if track_id in live}
        return timed

    def _timed(self, track: Track, base_from_map: Pose2 | None) -> Track:
        if track.label is not Label.PERSON or track.ground is None:
            return track
        known = self._known.setdefault(track.track_id, _Known(first=track.ground, looked_ns=track.stamp_ns))
        known.moved = known.moved or self._has_moved(known.first, track.ground)
        warm = None if base_from_map is None else self._is_warm(track, track.ground, base_from_map)
        if known.moved or warm:
            known.cold_s = 0.0
        elif warm is False:
            known.cold_s += seconds(track.stamp_ns - known.looked_ns)
        known.looked_ns = track.stamp_ns
        return replace(track, cold_s=known.cold_s)

    def _has_moved(self, first: GroundPosition, now: GroundPosition) -> bool:
        moved = now.position_m - first.position_m
        spread = first.covariance_m2 + now.covariance_m2
        distance_m = float(np.hypot(*moved))
        surprise = float(moved @ np.linalg.solve(spread, moved)) if distance_m else 0.0
        return distance_m >= self._config.moved_m and surprise >= 9.0

    def _is_warm(self, track: Track, ground: GroundPosition, base_from_map: Pose2) -> bool | None:
        """None: the thermal camera can not tell."""
        if track.box is None or track.last_seen_ns != track.stamp_ns or not self._is_fresh(track.stamp_ns):
            return None
        depth_m = float(np.hypot(*base_from_map.apply(ground.position_m[None])[0]))
        if depth_m <= 0.0 or self._thermal.fx_px * self._config.body_width_m / depth_m < self._config.wide_px:
            return None
        contrast = self._contrast(self._in_thermal(track.box, depth_m))
        return None if contrast is None else contrast >= self._config.contrast_k

    def _is_fresh(self, stamp_ns: int) -> bool:
        return self._stamp_ns is not None and abs(seconds(stamp_ns - self._stamp_ns)) <= self._config.stale_after_s

    def _in_thermal(self, box: Box, depth_m: float) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the colour picture's ``box`` in the thermal one, at this depth."""
        corners = self._camera.rays([(box.x0_px, box.y0_px), (box.x1_px, box.y1_px)]) * depth_m
        thermal_from_camera = self._thermal.base_from_optical.inverse() @ self._camera.base_from_optical
        low, high = self._thermal.project(thermal_from_camera.apply(corners))
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            return 0, 0, 0, 0
        return int(np.floor(low[0])), int(np.floor(low[1])), int(np.ceil(high[0])), int(np.ceil(high[1]))

    def _contrast(self, box: tuple[int, int, int, int]) -> float | None:
        """How much warmer, in kelvin, the warmest twentieth of the box is than the warmer part of what lies left and right of it
        (not the cold sky). None where the picture does not show both, or where the surroundings are too warm to tell."""
        left, top, right, bottom = box
        width = max(right - left, 1)
        rows = self._kelvin[max(top, 0) : max(bottom, 0)]
        flanks = rows[:, max(left - 2 * width, 0) : max(left - 1, 0)], rows[:, right + 1 : right + 2 * width]
        beside = np.concatenate(flanks, axis=1)
        inside = rows[:, max(left, 0) : max(right, 0)]
        is_whole = left >= 0 and right <= self._kelvin.shape[1]
        if not (is_whole and inside.size and beside.size):
            return None
        around_k = float(np.quantile(beside, _AROUND_QUANTILE))
        if around_k > self._config.surroundings_most_k:
            return None
        return float(np.quantile(inside, _CORE_QUANTILE)) - around_k
