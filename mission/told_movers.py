# SPDX-License-Identifier: Apache-2.0
"""Movers that perception tells of, as far as the lidar bears them out.

A camera takes a lamp post for a person and a shed for a car now and then, and a robot that gives way to each of them is late.
Two things are asked of a track: that the newest scan does not look straight through the place where it should be, and that it
has really gone somewhere before its velocity is believed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from mission.surroundings import Mover
from mission.sweep import Sweep
from patrol.checks import Floats
from patrol.clock import seconds
from patrol.config import Config
from patrol.percepts import GroundPosition, Label, Track

_RADIUS_M = {Label.PERSON: 0.35, Label.ANIMAL: 0.35, Label.VEHICLE: 1.5}
# As wide as what stands there at least: shoulders, a small car from behind.
_HALF_WIDTH_M = {Label.PERSON: 0.2, Label.VEHICLE: 0.6}
_CHI2_99_2D = 9.21


class ToldMoverConfig(Config):
    """``stale_s``: older tracks are left out. ``through_m`` (and three standard deviations): so far behind the place of a body
    do beams have to end that the scan is said to look through it; ``least_beams`` of them, all but ``odd_fraction``, within
    ``reach_m`` and by a scan no older than ``scan_stale_s``. Slower than ``moving_mps`` a vehicle stands, and the map has it."""

    stale_s: float = Field(default=1.0, gt=0)
    through_m: float = Field(default=0.8, gt=0)
    least_beams: int = Field(default=3, ge=1)
    odd_fraction: float = Field(default=0.1, ge=0, lt=1)
    reach_m: float = Field(default=12.0, gt=0)
    scan_stale_s: float = Field(default=0.5, gt=0)
    moving_mps: float = Field(default=0.3, gt=0)


@dataclass(slots=True)
class _Known:
    """Where a track was first told to be, and whether it has left that place."""

    first: GroundPosition
    has_moved: bool = False


class ToldMovers:
    """Feed it every step's tracks; it remembers where each was first."""

    def __init__(self, config: ToldMoverConfig) -> None:
        self._config = config
        self._known: dict[int, _Known] = {}

    def movers(self, tracks: tuple[Track, ...], sweep: Sweep | None, now_ns: int) -> tuple[Mover, ...]:
        """People, animals and moving vehicles that are placed on the map, predicted to ``now_ns``; metres in map."""
        config = self._config
        placed = {track.track_id: track.ground for track in tracks if track.ground is not None}
        self._known = {number: self._heard(number, ground) for number, ground in placed.items()}
        if sweep is not None and abs(seconds(now_ns - sweep.stamp_ns)) > config.scan_stale_s:
            sweep = None
        found = (self._mover(track, sweep, now_ns) for track in tracks)
        return tuple(mover for mover in found if mover is not None)

    def _heard(self, track_id: int, ground: GroundPosition) -> _Known:
        known = self._known.get(track_id) or _Known(first=ground)
        known.has_moved = known.has_moved or _is_elsewhere(known.first, ground)
        return known

    def _mover(self, track: Track, sweep: Sweep | None, now_ns: int) -> Mover | None:
        age_s = seconds(now_ns - track.stamp_ns)
        radius_m = _RADIUS_M.get(track.label)
        if (
            radius_m is None
            or track.ground is None
            or track.state not in ("confirmed", "coasting")
            or age_s > self._config.stale_s
        ):
            return None
        velocity = track.ground.velocity_mps if self._known[track.track_id].has_moved else np.zeros(2)
        if track.label is Label.VEHICLE and float(np.hypot(*velocity)) < self._config.moving_mps:
            return None
        place = track.ground.position_m + velocity * max(age_s, 0.0)
        half_width_m = _HALF_WIDTH_M.get(track.label)
        if sweep is not None and half_width_m is not None and self._looks_through(sweep, place, track.ground, half_width_m):
            return None
        (x_m, y_m), (vx_mps, vy_mps) = place.tolist(), velocity.tolist()
        return Mover(position_m=(x_m, y_m), velocity_mps=(vx_mps, vy_mps), radius_m=radius_m)

    def _looks_through(self, sweep: Sweep, place_m: Floats, ground: GroundPosition, half_width_m: float) -> bool:
        """Whether the beams towards ``place_m`` go on well behind it. Broken beams say nothing; one that ends before the place
        may be held up by something else, and says that nobody can tell."""
        config = self._config
        to_place = place_m - sweep.origins_m
        ahead = (to_place * sweep.directions).sum(axis=1)
        beside = np.abs(to_place[:, 0] * sweep.directions[:, 1] - to_place[:, 1] * sweep.directions[:, 0])
        towards = (ahead > half_width_m) & (beside < half_width_m) & (sweep.ranges_m > 0.0)
        if np.count_nonzero(towards) < config.least_beams or ahead[towards].min() > config.reach_m:
            return False
        along = sweep.directions[towards]
        std_m = np.sqrt(np.einsum("ni,ij,nj->n", along, ground.covariance_m2, along))
        through = sweep.ranges_m[towards] > ahead[towards] + config.through_m + 3.0 * std_m
        return bool(through.mean() >= 1.0 - config.odd_fraction)


def _is_elsewhere(before: GroundPosition, now: GroundPosition) -> bool:
    """Whether the two places differ by more than their errors explain (99 %)."""
    moved_m = now.position_m - before.position_m
    return float(moved_m @ np.linalg.solve(before.covariance_m2 + now.covariance_m2, moved_m)) > _CHI2_99_2D
