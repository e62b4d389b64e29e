# SPDX-License-Identifier: Apache-2.0
"""Arcs tried ahead of time: where a constant twist takes the body, and when it would touch something.

The dynamic window approach (Fox, Burgard, Thrun, 1997), with obstacles that move at constant velocity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mission.body import Body
from mission.surroundings import Surroundings
from patrol.checks import Floats

_STEP_S = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollouts:
    """K arcs. ``poses`` (K, T, 3) x m, y m, yaw rad in today's ``base_link``; ``free_s`` (K,) until the first touch, infinite
    when the whole horizon is free; ``clearance_m`` (K,) the least on the way."""

    poses: Floats
    free_s: Floats
    clearance_m: Floats


def roll_out(twists: Floats, body: Body, around: Surroundings, *, horizon_s: float, margin_m: float) -> Rollouts:
    """Follow each twist (K, 2) m/s, rad/s for ``horizon_s`` and look where the body comes closer than ``margin_m``.

    A body that already is that close may move on as long as it does not come closer.
    """
    times: Floats = np.arange(round(horizon_s / _STEP_S) + 1, dtype=np.float64) * _STEP_S
    poses = arc_poses(twists, times)
    clearance = _clearance(poses, times, body, around)
    allowed = np.minimum(margin_m, clearance[:, :1] - 0.02)
    touched = clearance[:, 1:] < allowed
    first = np.where(touched.any(axis=1), touched.argmax(axis=1), -1)
    free_s = np.where(first < 0, np.inf, times[np.maximum(first, 0)])
    return Rollouts(poses=poses, free_s=free_s, clearance_m=clearance[:, 1:].min(axis=1))


def arc_poses(twists: Floats, times_s: Floats) -> Floats:
    """Poses (K, T, 3) at ``times_s`` (T,) of twists (K, 2) held from the origin on."""
    speed, turn = twists[:, :1], twists[:, 1:]
    yaw = turn * times_s
    half = 0.5 * yaw
    chord = speed * times_s * np.sinc(half / np.pi)
    return np.stack((chord * np.cos(half), chord * np.sin(half), yaw), axis=-1)


def _clearance(poses: Floats, times_s: Floats, body: Body, around: Surroundings) -> Floats:
    """Least distance (K, T) between the body's two discs and anything."""
    nearest = np.full(poses.shape[:2], np.inf)
    heading = np.stack((np.cos(poses[..., 2]), np.sin(poses[..., 2])), axis=-1)
    for side in (body.disc_offset_m, -body.disc_offset_m):
        centres = poses[..., :2] + side * heading
        still = around.clearance_at(centres.reshape(-1, 2)).reshape(nearest.shape)
        nearest = np.minimum(nearest, still)
        for mover in around.movers:
            ahead = _predicted(mover.position_m, mover.velocity_mps, times_s)
            nearest = np.minimum(nearest, np.hypot(*(centres - ahead).transpose(2, 0, 1)) - mover.radius_m)
    clearance: Floats = nearest - body.disc_radius_m
    return clearance


def _predicted(position_m: tuple[float, float], velocity_mps: tuple[float, float], times_s: Floats) -> Floats:
    ahead: Floats = np.array(position_m) + times_s[:, None] * np.array(velocity_mps)
    return ahead
