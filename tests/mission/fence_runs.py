# SPDX-License-Identifier: Apache-2.0
"""Many robots at once against the geofence: each believes to be up to some metres from where it is, and is driven at the fence,
along it or in circles. Only the fence slows them."""

from __future__ import annotations

import numpy as np
import shapely

from mission.body import Body
from mission.geofence import Geofence, GeofenceConfig
from patrol.checks import Floats
from patrol.site import Site

STEP_S = 0.05
_DELAY = 3


def breaches(
    site: Site, count: int, *, error_m: float, seed: int, allowed_m: float | None = None, duration_s: float = 25.0
) -> int:
    """How many of ``count`` robots get any part of their body over the perimeter. ``allowed_m`` replaces the error that the
    fence allows for."""
    rng = np.random.default_rng([seed, 99])
    body = Body()
    config = GeofenceConfig() if allowed_m is None else GeofenceConfig(error_m=allowed_m, deviations=0.0)
    geofence = Geofence(config, body, site)
    poses = _starts(site, count, rng, margin_m=error_m + 2.0 * body.circumscribed_m + 1.0)
    bearing = rng.uniform(-np.pi, np.pi, count)
    error = np.column_stack((np.cos(bearing), np.sin(bearing))) * error_m
    wanted = np.column_stack((rng.uniform(0.4, body.speed_max_mps, count), rng.choice([0.0, 0.0, 0.3], count)))
    wanted[:, 1] *= rng.choice([-1.0, 1.0], count)
    wanted[: count // 5, 0] *= -1.0
    speed = np.zeros((count, 2))
    orders = [np.zeros((count, 2))] * _DELAY
    over = np.zeros(count, dtype=np.bool_)
    stated_m = rng.uniform(0.0, 0.6, count)
    for step in range(round(duration_s / STEP_S)):
        if step % 60 == 59:
            wanted[:, 1] = rng.uniform(-0.6, 0.6, count) * (rng.random(count) < 0.5)
        believed = poses.copy()
        believed[:, :2] += error
        orders.append(wanted * geofence.shares(believed, wanted, stated_m)[:, None])
        order = orders.pop(0)
        limits = np.array([1.0, 3.0]) * STEP_S
        speed += np.clip(order - speed, -limits, limits)
        poses[:, 2] += speed[:, 1] * STEP_S
        poses[:, :2] += speed[:, :1] * STEP_S * np.column_stack((np.cos(poses[:, 2]), np.sin(poses[:, 2])))
        over |= ~_inside(site, poses, body)
    return int(over.sum())


def _starts(site: Site, count: int, rng: np.random.Generator, *, margin_m: float) -> Floats:
    """Poses (N, 3) spread over the site, well inside."""
    room = site.perimeter.buffer(-margin_m)
    low_x, low_y, high_x, high_y = room.bounds
    found = np.zeros((0, 2))
    while len(found) < count:
        tried = rng.uniform((low_x, low_y), (high_x, high_y), (count, 2))
        found = np.vstack((found, tried[shapely.contains_xy(room, tried[:, 0], tried[:, 1])]))
    return np.column_stack((found[:count], rng.uniform(-np.pi, np.pi, count)))


def _inside(site: Site, poses: Floats, body: Body) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether every corner of each body is inside."""
    inside = np.ones(len(poses), dtype=np.bool_)
    cos, sin = np.cos(poses[:, 2]), np.sin(poses[:, 2])
    for x in (-0.5 * body.length_m, 0.5 * body.length_m):
        for y in (-0.5 * body.width_m, 0.5 * body.width_m):
            inside &= shapely.contains_xy(site.perimeter, poses[:, 0] + cos * x - sin * y, poses[:, 1] + sin * x + cos * y)
    return inside
