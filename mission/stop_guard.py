# SPDX-License-Identifier: Apache-2.0
"""The stop guard: the last word before the wheels. It can only slow or stop, and it depends on nothing but the newest scan.

It starts stopped, stops when the scan or the wanted twist is old, holds the e-stop latch, and lets the robot move only as
fast as it can still stop short of what the scan shows along the arc that it is about to drive, and be nearly at a stand
before somebody who steps out from behind an edge of it gets there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from pydantic import Field

from mission.stop_shadows import braking, edges_in
from patrol.checks import Floats
from patrol.clock import nanoseconds, seconds
from patrol.config import Config
from patrol.geometry import STOPPED, Pose2, Twist2
from patrol.sensors import Scan

_STILL_MPS = 1e-6
_SPEEDS = 13
_TIMES = 14
_STEP_M = 0.04
_NEARER_M = 2.0**-14


class StopGuardConfig(Config):
    """The body, how it brakes, how close it may come, and how old its inputs may be.

    Somebody may walk at ``walker_mps`` out from behind every edge where two beams differ by ``edge_m``; when they touch the
    robot it drives at ``contact_mps`` at most. It looks no further along its way than ``look_m`` and the lidar's range, and
    never drives faster than it can stop within that.
    """

    length_m: float = Field(default=0.70, gt=0)
    width_m: float = Field(default=0.52, gt=0)
    margin_m: float = Field(default=0.06, ge=0)
    stand_off_m: float = Field(default=0.15, ge=0)
    decel_mps2: float = Field(default=1.0, gt=0)
    latency_s: float = Field(default=0.2, ge=0)
    scan_stale_s: float = Field(default=0.35, gt=0)
    wanted_stale_s: float = Field(default=0.3, gt=0)
    least_returns: int = Field(default=2, ge=1)
    blind_fraction: float = Field(default=0.2, gt=0, le=1)
    reset_within_s: float = Field(default=10.0, gt=0)
    walker_mps: float = Field(default=1.6, ge=0)
    contact_mps: float = Field(default=0.2, gt=0)
    edge_m: float = Field(default=0.5, gt=0)
    look_m: float = Field(default=50.0, gt=0)


class StopReason(StrEnum):
    """Why the guard let through what it let through."""

    CLEAR = "clear"
    SLOWED = "slowed"
    WARY = "slowed, since somebody may step out"
    BLOCKED = "blocked"
    ESTOPPED = "estopped"
    NO_SCAN = "no scan yet"
    STALE_SCAN = "scan is stale"
    BLIND_SCAN = "scan is blind"
    NO_WANTED = "no wanted twist yet"
    STALE_WANTED = "wanted twist is stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """The twist that may be driven, why, and how far ahead along the arc the way is free (metres, as far as looked)."""

    twist: Twist2
    reason: StopReason
    free_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The newest scan, its returns (N, 2) m and the places where somebody may step out (M, 2) m, both in ``base_link``, and how
    far it shows the way."""

    scan: Scan
    points_m: Floats
    edges_m: Floats
    sight_m: float


class StopGuard:
    """Feed ``on_scan`` and ``on_wanted``; send what ``step`` returns to the wheels 20 times a second.

    Until it is told where the lidar sits (``base_from_lidar``), scans say nothing to it and it lets nothing through; the
    e-stop is latched and released all the same.
    """

    def __init__(self, config: StopGuardConfig, base_from_lidar: Pose2 | None, *, estopped: bool = False) -> None:
        self._config = config
        self._base_from_lidar = base_from_lidar
        self._estopped = estopped
        self._armed_ns: int | None = None
        self._seen: _Seen | None = None
        self._wanted: tuple[Twist2, int] | None = None

    @property
    def estopped(self) -> bool:
        return self._estopped

    def mounted(self, base_from_lidar: Pose2) -> None:
        """Where the lidar sits on the robot."""
        self._base_from_lidar = base_from_lidar

    def on_scan(self, scan: Scan) -> None:
        """Take the newest scan; an older one than the last is dropped, and every one while the lidar's place is unknown.
        Specks that no neighbouring beam supports, such as raindrops, are left out."""
        base_from_lidar = self._base_from_lidar
        if base_from_lidar is None or (self._seen is not None and scan.stamp_ns < self._seen.scan.stamp_ns):
            return
        keep = scan.supported()
        ranges, angles = scan.ranges_m[keep], scan.angles_rad()[keep]
        points_m = base_from_lidar.apply(np.column_stack((ranges * np.cos(angles), ranges * np.sin(angles))))
        edges_m = base_from_lidar.apply(edges_in(scan, self._config.edge_m))
        sight_m = min(scan.range_max_m, self._config.look_m)
        self._seen = _Seen(scan=scan, points_m=points_m, edges_m=edges_m, sight_m=sight_m)

    def on_wanted(self, twist: Twist2, stamp_ns: int) -> None:
        """Take the twist that navigation wants."""
        self._wanted = (twist, stamp_ns)

    def estop(self) -> None:
        """Latch the e-stop; also disarms a reset that was under way."""
        self._estopped = True
        self._armed_ns = None

    def arm_reset(self, now_ns: int) -> bool:
        """First step of the reset; true when the e-stop was latched and is now armed for release."""
        self._armed_ns = now_ns if self._estopped else None
        return self._estopped

    def reset(self, now_ns: int) -> bool:
        """Second step: releases the latch if it was armed no longer than ``reset_within_s`` ago. True when released."""
        armed_ns, self._armed_ns = self._armed_ns, None
        if armed_ns is None or not 0 <= now_ns - armed_ns <= nanoseconds(self._config.reset_within_s):
            return False
        self._estopped = False
        self._wanted = None
        return True

    def step(self, now_ns: int) -> Guarded:
        """What may be driven at ``now_ns``."""
        if self._estopped:
            return _stopped(StopReason.ESTOPPED)
        if self._seen is None:
            return _stopped(StopReason.NO_SCAN)
        if self._wanted is None:
            return _stopped(StopReason.NO_WANTED)
        reason = self._reason_to_stop(self._seen.scan, self._wanted[1], now_ns)
        if reason is not None:
            return _stopped(reason)
        return self._let_through(self._seen, self._wanted[0], seconds(abs(now_ns - self._seen.scan.stamp_ns)))

    def _reason_to_stop(self, scan: Scan, wanted_ns: int, now_ns: int) -> StopReason | None:
        config = self._config
        if abs(now_ns - scan.stamp_ns) > nanoseconds(config.scan_stale_s):
            return StopReason.STALE_SCAN
        broken = np.isnan(scan.ranges_m) | (scan.ranges_m < scan.range_min_m)
        if scan.ranges_m.size == 0 or broken.mean() > config.blind_fraction:
            return StopReason.BLIND_SCAN
        if abs(now_ns - wanted_ns) > nanoseconds(config.wanted_stale_s):
            return StopReason.STALE_WANTED
        return None

    def _let_through(self, seen: _Seen, wanted: Twist2, scan_age_s: float) -> Guarded:
        share, free_m = self._share(seen, wanted, scan_age_s)
        wary = self._wary_share(seen, wanted, scan_age_s)
        if share <= 0.0:
            return Guarded(twist=STOPPED, reason=StopReason.BLOCKED, free_m=free_m)
        least, reason = min((1.0, StopReason.CLEAR), (share, StopReason.SLOWED), (wary, StopReason.WARY))
        slowed = Twist2(wanted.forward_mps * least, wanted.left_mps * least, wanted.turn_radps * least)
        return Guarded(twist=slowed, reason=reason, free_m=free_m)

    def _share(self, seen: _Seen, wanted: Twist2, scan_age_s: float) -> tuple[float, float]:
        """The share of ``wanted``, above 1 when faster would do, from which the robot still stops in time, and the free
        distance along the arc.

        Distances are those of the body's fastest corner, so that a turn on the spot is judged like a drive.
        """
        config = self._config
        reach_m = math.hypot(0.5 * config.length_m, 0.5 * config.width_m)
        corner_mps = math.hypot(wanted.forward_mps, wanted.left_mps) + abs(wanted.turn_radps) * reach_m
        if corner_mps <= _STILL_MPS:
            return math.inf, 0.0
        delay_s = config.latency_s + scan_age_s
        stopping_m = corner_mps * delay_s + corner_mps * corner_mps / (2.0 * config.decel_mps2)
        horizon_m = min(stopping_m + config.stand_off_m, seen.sight_m)
        free_m = self._free_along(seen, wanted, corner_mps, horizon_m)
        room_m = max(free_m - (config.stand_off_m if free_m < horizon_m else 0.0), 0.0)
        allowed_mps = _speed_that_stops_within(room_m, delay_s, config.decel_mps2)
        return allowed_mps / corner_mps, free_m

    def _free_along(self, seen: _Seen, wanted: Twist2, corner_mps: float, horizon_m: float) -> float:
        """How far (corner metres, ``horizon_m`` at most) the body gets before ``least_returns`` returns are within the margin
        and nearer than they are now."""
        travelled = np.arange(0.0, horizon_m + _STEP_M, _STEP_M)
        gaps = self._gaps(seen.points_m, wanted, travelled / corner_mps)
        hit = (gaps[1:] < self._config.margin_m) & (gaps[1:] < gaps[:1] - _NEARER_M)
        blocked = np.flatnonzero(hit.sum(axis=1) >= self._config.least_returns)
        return min(float(travelled[blocked[0]]), horizon_m) if len(blocked) else horizon_m

    def _wary_share(self, seen: _Seen, wanted: Twist2, scan_age_s: float) -> float:
        """The share of ``wanted``, infinite when that is slow anyway, from which the robot is down to ``contact_mps`` before
        anybody from an edge touches it. Edges behind what drives forward or backward do not count."""
        config = self._config
        speed_mps = math.hypot(wanted.forward_mps, wanted.left_mps)
        top_mps = min(speed_mps, _speed_that_stops_within(seen.sight_m, config.latency_s, config.decel_mps2))
        excess_mps = max(top_mps - config.contact_mps, 0.0)
        if excess_mps == 0.0:
            return math.inf
        slowing_s = config.latency_s + excess_mps / config.decel_mps2
        ahead = seen.edges_m[:, 0] * np.sign(wanted.forward_mps) >= -0.5 * config.length_m
        speeds_mps = np.linspace(config.contact_mps, top_mps, _SPEEDS)
        steps = max(_TIMES, math.ceil(top_mps * slowing_s / (0.5 * config.width_m)))
        times_s = np.linspace(0.0, slowing_s, steps)
        way, speed = braking(speeds_mps, config.latency_s, config.decel_mps2, times_s)
        gaps = self._gaps(seen.edges_m[ahead], wanted, (way / speed_mps).ravel()).min(axis=1, initial=np.inf)
        within = gaps.reshape(way.shape) - config.margin_m < config.walker_mps * (times_s + scan_age_s)
        unsafe = (within & (speed > config.contact_mps)).any(axis=1)
        return float(speeds_mps[~unsafe].max()) / speed_mps

    def _gaps(self, points_m: Floats, twist: Twist2, times_s: Floats) -> Floats:
        """Signed distance (T, N) m of points (N, 2) m from the body's rectangle after driving ``twist`` for ``times_s`` (T,)."""
        yaw = twist.turn_radps * times_s
        chord = times_s * np.sinc(0.5 * yaw / np.pi)
        cos_half, sin_half = np.cos(0.5 * yaw), np.sin(0.5 * yaw)
        x = chord * (twist.forward_mps * cos_half - twist.left_mps * sin_half)
        y = chord * (twist.forward_mps * sin_half + twist.left_mps * cos_half)
        dx, dy = points_m[:, 0] - x[:, None], points_m[:, 1] - y[:, None]
        cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
        beyond_x = np.abs(cos * dx + sin * dy) - 0.5 * self._config.length_m
        beyond_y = np.abs(cos * dy - sin * dx) - 0.5 * self._config.width_m
        outside = np.hypot(np.maximum(beyond_x, 0.0), np.maximum(beyond_y, 0.0))
        gaps: Floats = outside + np.minimum(np.maximum(beyond_x, beyond_y), 0.0)
        return gaps


def _stopped(reason: StopReason) -> Guarded:
    return Guarded(twist=STOPPED, reason=reason, free_m=0.0)


def _speed_that_stops_within(room_m: float, delay_s: float, decel_mps2: float) -> float:
    """The speed from which ``room_m`` is enough to react (``delay_s``) and to brake."""
    reaction = decel_mps2 * delay_s
    return math.sqrt(reaction**2 + 2.0 * decel_mps2 * room_m) - reaction
