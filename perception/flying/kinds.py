# SPDX-License-Identifier: Apache-2.0
"""What a thing in the air is: drone, bird, aircraft, or something thrown.

* Something thrown falls: a parabola in metres explains the directions, and nothing simpler does.
* An aircraft looks large and goes slowly for its size. Lengths of its own per second do not depend on how far it is: a helicopter
  makes about four, a drone or a bird that goes anywhere ten and more.
* A bird beats its wings: its shine (the contrast summed over it) flutters. A drone is rigid: what it shines changes little from
  one tenth of a second to the next. The median over some time decides, so that one bad picture does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from patrol.clock import NS_PER_S, seconds
from perception.flying.config import KindsConfig, ThrownConfig
from perception.flying.following import Followed
from perception.flying.paths import GRAVITY_MPS2, Path, Rays, bends_rad, falling, stands_still_rad
from perception.flying.ranging import apparent_rad
from perception.flying.sighting import Sighting

_LEAST_PAIRS, _LEAST_CHANGE, _EVERY = 3, 1e-3, 3
_FIRST_S, _STEP_MOST_S, _PER_S, _ODDS_MOST = 0.1, 0.2, 3.0, 4.0
_AIRCRAFT_SCORE, _THROWN_SCORE = 0.8, 0.95
_DOWN_M, _SMOOTH_FOR = -0.5, 3
_DRONE_MOST, _BIRD_MOST = 0.8, 2.0


class FlyerKind(StrEnum):
    """What flies there; unknown until it was seen for long enough."""

    UNKNOWN = "unknown"
    DRONE = "drone"
    BIRD = "bird"
    AIRCRAFT = "aircraft"
    THROWN = "thrown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flutter:
    """Median change of the shine's logarithm over a tenth of a second, and what the sampling of so few pixels adds to it."""

    change: float
    sampling: float

    def over(self, limit: float) -> float:
        """The logarithm of the change over what a rigid thing shows at most: above zero it beats its wings."""
        return math.log(max(self.change, _LEAST_CHANGE) / math.hypot(limit, self.sampling))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A kind, how sure that is (0.5 to 1), the flutter it was told from, and the path of what falls."""

    kind: FlyerKind = FlyerKind.UNKNOWN
    score: float = 0.0
    flutter: Flutter | None = None
    path: Path | None = None


@dataclass(slots=True)
class Judge:
    """What is known of one followed thing, besides its sightings. Evidence for a bird (above zero) or a drone adds up, so that a
    bird that glides for a moment stays one."""

    config: KindsConfig
    has_moved: bool = False
    is_quick: bool = False
    _odds: float = 0.0
    _judged_ns: int | None = None
    _path: Path | None = None
    _stays_up: bool = False
    _smooth: int = 0

    def judge(self, item: Followed) -> Judged:
        """Look at all that is remembered of it."""
        config, seen = self.config, item.seen
        if len(seen) < config.thrown.sightings or seconds(item.last.stamp_ns - item.first_ns) < config.sure_after_s:
            return Judged()
        if not self.has_moved and item.hits % _EVERY:
            return Judged()
        rays = Rays.of(seen, slack_rad=config.attitude_rad)
        self.has_moved = self.has_moved or _moves(rays, config)
        if not self.has_moved:
            return Judged()
        if self._falls(item, rays) and self._path is not None:
            return _thrown(self._path, item.last.stamp_ns)
        if item.hits < config.sure_after or not all(sighting.before_sky for sighting in seen[-3:]):
            return Judged()
        self._smooth = self._smooth + 1 if self._smooth >= _SMOOTH_FOR or is_smooth(rays, config) else 0
        if self._smooth < _SMOOTH_FOR:
            return Judged()
        self.is_quick = self.is_quick or lengths_per_s(seen) > config.aircraft_lengths_per_s
        if not self.is_quick and float(np.median([sighting.size_rad for sighting in seen])) >= config.aircraft_from_rad:
            return Judged(kind=FlyerKind.AIRCRAFT, score=_AIRCRAFT_SCORE)
        return self._bird_or_drone(flutter(seen, config), item.last.stamp_ns)

    def _falls(self, item: Followed, rays: Rays) -> bool:
        """Whether it was thrown: once a parabola explains it, until it is down. What leaves its parabola in the air, or has been
        there for longer than anything that was thrown, was not."""
        config, now_ns = self.config.thrown, item.last.stamp_ns
        path = None if self._stays_up else thrown_path(item.seen, rays, config, self._path)
        if path is not None:
            self._path = path
        elif self._path is not None and self._path.height_m(now_ns) > config.low_m:
            self._path, self._stays_up = None, True
        self._stays_up |= self._path is None and seconds(now_ns - item.first_ns) > config.flight_most_s
        return self._path is not None

    def _bird_or_drone(self, beats: Flutter | None, now_ns: int) -> Judged:
        if beats is None or beats.sampling > self.config.flutter_sampling_most:
            return Judged()
        since_s = _FIRST_S if self._judged_ns is None else min(seconds(now_ns - self._judged_ns), _STEP_MOST_S)
        self._judged_ns = now_ns
        over = beats.over(self.config.flutter_bird)
        self._odds = _within(self._odds + _PER_S * max(since_s, 0.0) * min(max(over, -_DRONE_MOST), _BIRD_MOST), _ODDS_MOST)
        kind = FlyerKind.BIRD if self._odds >= 0.0 else FlyerKind.DRONE
        return Judged(kind=kind, score=1.0 / (1.0 + math.exp(-abs(self._odds))), flutter=beats)


def _thrown(path: Path, now_ns: int) -> Judged:
    """Something thrown, until it is down."""
    return Judged(kind=FlyerKind.THROWN, score=_THROWN_SCORE, path=path) if path.height_m(now_ns) > _DOWN_M else Judged()


def flutter(seen: Sequence[Sighting], config: KindsConfig) -> Flutter | None:
    """How the shine flutters, compared between sightings of one source only; None while there are too few."""
    since_ns = seen[-1].stamp_ns - round(config.flutter_over_s * NS_PER_S)
    recent = [item for item in seen if item.stamp_ns >= since_ns]
    changes: list[float] = []
    samplings: list[float] = []
    for source, of_pixel in (("camera", config.flutter_sampling), ("thermal", config.flutter_sampling_thermal)):
        own = [item for item in recent if item.source == source]
        if own:
            area_px = float(np.median([_area_px(item) for item in own]))
            found = _changes(own, config.flutter_lag_s)
            changes += found
            samplings += [of_pixel / math.sqrt(max(area_px, 1.0))] * len(found)
    if len(changes) < _LEAST_PAIRS:
        return None
    return Flutter(change=float(np.median(changes)), sampling=float(np.median(samplings)))


def _changes(own: Sequence[Sighting], lag_s: float) -> list[float]:
    """How much the shine's logarithm changes between sightings ``lag_s`` apart, the steady change of what comes nearer aside."""
    times = np.array([seconds(item.stamp_ns - own[0].stamp_ns) for item in own])
    shines = np.log(np.maximum([item.shine for item in own], 1e-6))
    later = np.minimum(np.searchsorted(times, times + 0.85 * lag_s), len(own) - 1)
    fits = (times[later] - times >= 0.85 * lag_s) & (times[later] - times <= 1.8 * lag_s)
    steps = (shines[later] - shines)[fits]
    changes: list[float] = np.abs(steps - np.median(steps)).tolist() if len(steps) else []
    return changes


def _area_px(item: Sighting) -> float:
    """How many pixels the thing covers, less what blur adds on every side."""
    width, height = (max(size / item.pixel_rad - 1.0, 0.7) for size in (item.width_rad, item.height_rad))
    return width * height


def lengths_per_s(seen: Sequence[Sighting]) -> float:
    """How many of its own lengths it makes in a second, over all that is remembered."""
    took_s = seconds(seen[-1].stamp_ns - seen[0].stamp_ns)
    size_rad = float(np.median([item.size_rad for item in seen]))
    return seen[0].apart_rad(seen[-1].direction) / max(took_s, 1e-3) / max(size_rad, 1e-6)


def thrown_path(seen: Sequence[Sighting], rays: Rays, config: ThrownConfig, before: Path | None) -> Path | None:
    """The parabola that explains the rays, where it is one that somebody could throw and bends enough to be sure. One that was
    known ``before`` may explain them less well."""
    if len(seen) < config.sightings or rays.times_s[-1] < config.over_s:
        return None
    path = falling(rays)
    left_most = config.left_most if before is None else config.kept_left_most
    if path is None or path.error_rad > left_most * _std_rad(rays):
        return None
    size_m = path.range_m * apparent_rad(seen)
    is_near = config.nearest_m <= path.nearest_m and path.range_m <= config.farthest_m
    is_sure = path.range_std_m <= config.range_spread * path.range_m
    launched_mps = math.sqrt(float(path.velocity_mps @ path.velocity_mps) + 2.0 * GRAVITY_MPS2 * max(float(path.start_m[2]), 0.0))
    is_thrown = config.slowest_mps <= float(np.hypot(*path.velocity_mps[:2])) and launched_mps <= config.quickest_mps
    return path if is_near and is_sure and is_thrown and config.size_m[0] <= size_m <= config.size_m[1] else None


def _moves(rays: Rays, config: KindsConfig) -> bool:
    """Whether no point that stands still explains the rays."""
    return stands_still_rad(rays, nearest_m=config.nearest_m) >= config.moved_stds * _std_rad(rays)


def is_smooth(rays: Rays, config: KindsConfig) -> bool:
    """Whether it makes its way along a curve: what flickers along a mesh or a rail jumps to and fro, and gets nowhere."""
    left_rad, way_rad = bends_rad(rays, over_s=config.smooth_over_s)
    return left_rad <= config.smooth_rad and way_rad >= config.smooth_way * left_rad


def _std_rad(rays: Rays) -> float:
    return float(np.sqrt(np.mean(rays.std_rad**2)))


def _within(value: float, most: float) -> float:
    return max(-most, min(most, value))
