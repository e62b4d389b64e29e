# SPDX-License-Identifier: Apache-2.0
"""How late odometry tells what it knows: the shift in time at which its turns fit best those that scan matching saw.

Turning is what both see well, down a corridor too; so headings alone are compared (the idea of Censi's and of Kelly's temporal
calibration, done by trying every shift on a grid).
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.geometry import IDENTITY2, Pose2

_SHIFT_MAX_S = 0.8
_SHIFT_STEP_S = 0.02
_SPAN_MIN_S = 0.08
_SPAN_MAX_S = 1.0
_KEPT_S = 3.0 * _SHIFT_MAX_S
_CLIP_RAD = 0.15
_FORGET = 0.9985
_TURNED_MIN_RAD2 = 0.25
_GAIN_MIN = 0.75
_FOLLOW = 0.1
_REACH_MAX_S = 0.5
_WORTH_PERIODS = 0.4


class OdometryClock:
    """Collects odometry and the headings of the matched track; tells the latency, and odometry as if it had none."""

    def __init__(self) -> None:
        self._shifts_s: Floats = np.arange(-_SHIFT_MAX_S, _SHIFT_MAX_S + 0.5 * _SHIFT_STEP_S, _SHIFT_STEP_S)
        self._cost: Floats = np.zeros(self._shifts_s.size)
        self._turned_rad2 = 0.0
        self._start_ns: int | None = None
        self._odometry: deque[tuple[float, Pose2, float]] = deque()
        self._track: deque[tuple[float, float]] = deque()
        self.latency_s = 0.0

    def add(self, stamp_ns: int, odom_from_base: Pose2) -> Pose2:
        """Take odometry as it was told at ``stamp_ns``, which must lie after the last; where the base is by it, latency taken
        out."""
        if self._start_ns is None:
            self._start_ns = stamp_ns
        time_s = seconds(stamp_ns - self._start_ns)
        yaw = odom_from_base.yaw_rad
        if self._odometry:
            yaw = self._odometry[-1][2] + math.remainder(yaw - self._odometry[-1][2], 2.0 * math.pi)
        self._odometry.append((time_s, odom_from_base, yaw))
        while len(self._odometry) > 2 and time_s - self._odometry[1][0] > _KEPT_S:
            self._odometry.popleft()
        return self._pose_at(time_s + (self.latency_s if self._is_worth_it() else 0.0))

    def add_track(self, stamp_ns: int, track_yaw_rad: float) -> None:
        """Take the heading that scan matching found at ``stamp_ns``, the stamp of the last ``add``."""
        assert self._start_ns is not None
        time_s = seconds(stamp_ns - self._start_ns)
        if self._track:
            last_s, last_yaw = self._track[-1]
            if time_s - last_s < _SPAN_MIN_S:
                return
            track_yaw_rad = last_yaw + math.remainder(track_yaw_rad - last_yaw, 2.0 * math.pi)
        self._track.append((time_s, track_yaw_rad))
        while len(self._track) >= 2 and self._track[1][0] + _SHIFT_MAX_S <= time_s:
            self._compare(self._track[0], self._track[1])
            self._track.popleft()

    def _compare(self, first: tuple[float, float], second: tuple[float, float]) -> None:
        if second[0] - first[0] > _SPAN_MAX_S or self._odometry[0][0] > first[0] - _SHIFT_MAX_S:
            return
        times = np.array([entry[0] for entry in self._odometry])
        yaws = np.array([entry[2] for entry in self._odometry])
        turned = np.interp(second[0] + self._shifts_s, times, yaws) - np.interp(first[0] + self._shifts_s, times, yaws)
        error = np.clip(turned - (second[1] - first[1]), -_CLIP_RAD, _CLIP_RAD)
        self._cost = _FORGET * self._cost + error**2
        self._turned_rad2 = _FORGET * self._turned_rad2 + (second[1] - first[1]) ** 2
        if self._turned_rad2 > _TURNED_MIN_RAD2:
            self.latency_s += _FOLLOW * (self._best_s() - self.latency_s)

    def _best_s(self) -> float:
        """The shift of least cost when it is clearly better than none, between grid points by a parabola."""
        best = int(np.argmin(self._cost))
        if self._cost[best] > _GAIN_MIN * self._cost[self._cost.size // 2] or not 0 < best < self._cost.size - 1:
            return 0.0
        before, here, after = self._cost[best - 1 : best + 2]
        bend = before - 2.0 * here + after
        return float(self._shifts_s[best] + (0.5 * _SHIFT_STEP_S * (before - after) / bend if bend > 0.0 else 0.0))

    def _is_worth_it(self) -> bool:
        """Whether the latency is long beside the time between scans; a short one costs less than carrying odometry on by it."""
        if len(self._odometry) < 2:
            return False
        period_s = (self._odometry[-1][0] - self._odometry[0][0]) / (len(self._odometry) - 1)
        return abs(self.latency_s) > _WORTH_PERIODS * period_s

    def _pose_at(self, time_s: float) -> Pose2:
        """Odometry at ``time_s``: between two entries, or beyond the newest at the rate of its last step."""
        newest_s, newest, _ = self._odometry[-1]
        if len(self._odometry) < 2 or time_s == newest_s:
            return newest
        if time_s > newest_s:
            before_s, before, _ = self._odometry[-2]
            return newest @ _share(before.inverse() @ newest, min(time_s - newest_s, _REACH_MAX_S) / (newest_s - before_s))
        after = len(self._odometry) - 1
        while after > 1 and self._odometry[after - 1][0] > time_s:
            after -= 1
        (one_s, one, _), (two_s, two, _) = self._odometry[after - 1], self._odometry[after]
        return one @ _share(one.inverse() @ two, max(0.0, (time_s - one_s) / (two_s - one_s)))


def _share(step: Pose2, share: float) -> Pose2:
    """``share`` of a step made at a constant rate of forward motion and turn."""
    half = Pose2(0.0, 0.0, 0.5 * step.yaw_rad)
    straight = half.inverse() @ Pose2(step.x_m, step.y_m, 0.0)
    turned = Pose2(0.0, 0.0, 0.5 * share * step.yaw_rad)
    return IDENTITY2 @ turned @ Pose2(share * straight.x_m, share * straight.y_m, 0.0) @ turned
