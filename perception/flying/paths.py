# SPDX-License-Identifier: Apache-2.0
"""What directions alone tell of a path: whether a point that stands still explains them, and where something falls.

A ray from ``origin`` along ``direction`` meets the point p when (I - d dT)(p - o) = 0: three equations, two of them free, that
are linear in p. Of a thrown thing p = p0 + v t - g t²/2, and since g is known in metres, so is the distance: gravity is the
yardstick (as in the reconstruction of ball paths from one camera).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from perception.flying.sighting import Sighting

GRAVITY_MPS2 = 9.81
_TURNS = 3
_PARALLEL = 1e-9
_HAND_M, _FLIGHT_MOST_S = 1.6, 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rays:
    """``began_ns``: the first stamp. Times (N,) s since then, origins and directions (N, 3) in odom, and the standard deviation
    of each direction (N,)."""

    began_ns: int
    times_s: Floats
    origins_m: Floats
    directions: Floats
    std_rad: Floats

    @classmethod
    def of(cls, seen: Sequence[Sighting], *, slack_rad: float) -> Rays:
        """From sightings; ``slack_rad`` is what the robot's attitude adds to half a pixel."""
        return cls(
            began_ns=seen[0].stamp_ns,
            times_s=np.array([seconds(item.stamp_ns - seen[0].stamp_ns) for item in seen]),
            origins_m=np.array([item.origin_m for item in seen]),
            directions=np.array([item.direction for item in seen]),
            std_rad=np.hypot(0.4 * np.array([item.pixel_rad for item in seen]), slack_rad),
        )

    def across(self) -> Floats:
        """Projections (N, 3, 3) on what is across each ray."""
        across: Floats = np.eye(3) - np.einsum("ni,nj->nij", self.directions, self.directions)
        return across


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The path in odom of something that falls: where it was at the first time (3,) m and how fast (3,) m/s, with the covariance
    (6, 6) of both. ``error_rad``: the root mean square of what is left of the directions. ``range_m``: how far it is at the end,
    with its standard deviation, and ``nearest_m`` how near it came."""

    began_ns: int
    start_m: Floats
    velocity_mps: Floats
    covariance: Floats
    error_rad: float
    range_m: float
    range_std_m: float
    nearest_m: float

    @property
    def launched_s(self) -> float:
        """When it left a hand 1.6 m above the ground, on the same parabola: at zero (the first sighting) or before."""
        above_m, up_mps = float(self.start_m[2]) - _HAND_M, float(self.velocity_mps[2])
        if above_m <= 0.0:
            return 0.0
        return max((up_mps - float(np.sqrt(up_mps**2 + 2.0 * GRAVITY_MPS2 * above_m))) / GRAVITY_MPS2, -_FLIGHT_MOST_S)

    @property
    def launch_std_m(self) -> float:
        """How well it is known where it was launched: the worst direction on the map."""
        covariance = self.at(self.launched_s)[2]
        return float(np.sqrt(max(np.linalg.eigvalsh(covariance[:2, :2])[1], 0.0)))

    def height_m(self, stamp_ns: int) -> float:
        """How high it is at a time."""
        return float(self.at(seconds(stamp_ns - self.began_ns))[0][2])

    def at(self, time_s: float) -> tuple[Floats, Floats, Floats]:
        """Place (3,) and velocity (3,) at a time since the first sighting, and the place's covariance (3, 3)."""
        down = np.array([0.0, 0.0, -GRAVITY_MPS2])
        place = self.start_m + self.velocity_mps * time_s + 0.5 * down * time_s**2
        jacobian = np.hstack((np.eye(3), time_s * np.eye(3)))
        return place, self.velocity_mps + down * time_s, jacobian @ self.covariance @ jacobian.T


def stands_still_rad(rays: Rays, *, nearest_m: float) -> float:
    """How well one point at least ``nearest_m`` away explains all rays: the root mean square angle that is left."""
    mean = rays.directions.mean(axis=0)
    far_rad = _left_rad(rays.directions, mean / np.linalg.norm(mean))
    across = rays.across()
    normal, moment = across.sum(axis=0), np.einsum("nij,nj->i", across, rays.origins_m)
    if np.linalg.det(normal / len(across)) < _PARALLEL:
        return far_rad
    point = np.linalg.solve(normal, moment)
    way = point - rays.origins_m
    range_m = np.linalg.norm(way, axis=1)
    if range_m.min() < nearest_m or float(np.einsum("ni,ni->n", way, rays.directions).min()) <= 0.0:
        return far_rad
    return min(_left_rad(rays.directions, way / range_m[:, None]), far_rad)


def bends_rad(rays: Rays, *, over_s: float) -> tuple[float, float]:
    """What a parabola in time leaves of the directions of the last ``over_s`` (the root mean square), and the angle they span."""
    recent = rays.times_s >= rays.times_s[-1] - over_s
    times, directions = rays.times_s[recent] - rays.times_s[-1], rays.directions[recent]
    powers = np.stack((np.ones_like(times), times, times**2), axis=1)
    fitted, *_ = np.linalg.lstsq(powers, directions, rcond=None)
    return _left_rad(directions, powers @ fitted), float(np.linalg.norm(directions[-1] - directions[0]))


def _left_rad(directions: Floats, expected: Floats) -> float:
    return float(np.sqrt(np.mean(np.sum((directions - expected) ** 2, axis=1))))


def falling(rays: Rays) -> Path | None:
    """The path of something that falls freely and was seen along ``rays``: weighted least squares in place and velocity, the
    weights from the distances of the last turn. None where the rays do not tell, or put it behind the camera."""
    across = rays.across()
    fallen = np.outer(rays.times_s**2, [0.0, 0.0, -0.5 * GRAVITY_MPS2])
    rows = np.concatenate((across, across * rays.times_s[:, None, None]), axis=2)
    sides = np.einsum("nij,nj->ni", across, rays.origins_m - fallen)
    range_m, solution, covariance = np.full(len(rays.times_s), 15.0), np.zeros(6), np.eye(6)
    for _ in range(_TURNS):
        weights = 1.0 / (rays.std_rad * range_m)
        design, wanted = (rows * weights[:, None, None]).reshape(-1, 6), (sides * weights[:, None]).ravel()
        try:
            covariance = np.linalg.inv(design.T @ design)
        except np.linalg.LinAlgError:
            return None
        solution = covariance @ (design.T @ wanted)
        way = solution[:3] + np.outer(rays.times_s, solution[3:]) + fallen - rays.origins_m
        range_m = np.maximum(np.linalg.norm(way, axis=1), 0.5)
    if not np.isfinite(way).all() or float(np.einsum("ni,ni->n", way, rays.directions).min()) <= 0.0:
        return None
    at_end = np.concatenate((rays.directions[-1], rays.directions[-1] * rays.times_s[-1]))
    return Path(
        began_ns=rays.began_ns,
        start_m=solution[:3],
        velocity_mps=solution[3:],
        covariance=covariance,
        error_rad=_left_rad(rays.directions, way / range_m[:, None]),
        range_m=float(range_m[-1]),
        range_std_m=float(np.sqrt(max(at_end @ covariance @ at_end, 0.0))),
        nearest_m=float(range_m.min()),
    )
