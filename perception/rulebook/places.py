# SPDX-License-Identifier: Apache-2.0
"""Places that are only known with a covariance: how probably they lie in a zone or beyond a line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from patrol.checks import Floats
from patrol.percepts import GroundPosition

_SAMPLES = 128
_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
_LEAST_STD_M = 0.05
_SIGMAS = 2.0


def inside_probability(ground: GroundPosition, zone: BaseGeometry, exceptions: Sequence[BaseGeometry] = ()) -> float:
    """How probable it is that the thing stands in ``zone`` and in none of ``exceptions``.

    The Gaussian of its place is stood for by 128 points of equal weight on a sunflower spiral, so that the same place gives
    the same answer (Vogel 1979; radii by the inverse of the Rayleigh distribution).
    """
    points = ground.position_m + _UNIT_SAMPLES @ _root(ground.covariance_m2).T
    inside = shapely.contains_xy(zone, points[:, 0], points[:, 1])
    for other in exceptions:
        inside &= ~shapely.contains_xy(other, points[:, 0], points[:, 1])
    return float(np.mean(inside))


def std_m(ground: GroundPosition) -> float:
    """Standard deviation along the longest axis of the covariance."""
    return float(np.sqrt(max(np.linalg.eigvalsh(ground.covariance_m2)[1], 0.0)))


def surely_apart_m(first: GroundPosition, last: GroundPosition) -> float:
    """The way between two places, less two standard deviations of it."""
    way = last.position_m - first.position_m
    length_m = float(np.hypot(*way))
    along = way / max(length_m, 1e-9)
    doubt_m = float(np.sqrt(along @ (first.covariance_m2 + last.covariance_m2) @ along))
    return max(length_m - _SIGMAS * doubt_m, 0.0)


def moved(ground: GroundPosition, by_m: Floats) -> GroundPosition:
    """The same thing, (2,) m from where it stands."""
    return GroundPosition(
        position_m=ground.position_m + by_m, velocity_mps=ground.velocity_mps, covariance_m2=ground.covariance_m2
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sided:
    """Where a place lies to a line: ``offset_m`` to the left of it (negative: right), with its standard deviation across the
    line."""

    offset_m: float
    std_m: float

    @property
    def left_probability(self) -> float:
        """How probable it is that the thing stands left of the line."""
        return _below(self.offset_m / self.std_m)

    def clear_probability(self, clear_m: float) -> float:
        """How probable it is that the thing stands more than ``clear_m`` from the line, on the side where it seems to be."""
        return _below((abs(self.offset_m) - clear_m) / self.std_m)


def _below(sigmas: float) -> float:
    """The share of a normal distribution below so many standard deviations."""
    return 0.5 * (1.0 + math.erf(sigmas / math.sqrt(2.0)))


def side_of(ground: GroundPosition, line: LineString) -> Sided:
    """Where a place lies to that segment of ``line`` beyond which it most probably is, if it is on the other side: the nearest
    one, counted in standard deviations in its direction. One side of a fence may be nearer in metres, and another one, along the
    line of sight, in doubt."""
    points = shapely.get_coordinates(line) - ground.position_m
    values, vectors = np.linalg.eigh(ground.covariance_m2)
    stds = np.sqrt(np.maximum(values, _LEAST_STD_M**2))
    gaps = _gaps(points @ vectors / stds)
    sigmas = np.hypot(gaps[:, 0], gaps[:, 1])
    near = int(np.argmin(sigmas))
    gap_m = float(np.hypot(*(gaps[near] * stds)))
    std = gap_m / float(sigmas[near]) if gap_m > 0.0 else float(stds[0])
    return Sided(offset_m=gap_m if _is_left(points) else -gap_m, std_m=std)


def _gaps(points: Floats) -> Floats:
    """From the origin to the nearest point of each segment (N, 2) of a line through ``points`` (N + 1, 2)."""
    starts, steps = points[:-1], np.diff(points, axis=0)
    along = -np.einsum("ij,ij->i", starts, steps) / np.einsum("ij,ij->i", steps, steps)
    gaps: Floats = starts + np.clip(along, 0.0, 1.0)[:, None] * steps
    return gaps


def _is_left(points: Floats) -> bool:
    """Whether the origin lies left of a line through ``points`` (N, 2). At a corner to the left that is left of both segments; at
    one to the right, of either."""
    steps, gaps = np.diff(points, axis=0), _gaps(points)
    far = np.hypot(gaps[:, 0], gaps[:, 1])
    near = np.flatnonzero(far <= far.min() + 1e-9)
    left = (_cross(steps, -points[:-1]) > 0.0)[near]
    if len(near) == 1 or left.all() or not left.any():
        return bool(left[0])
    before, after = (near[-1], near[0]) if near[-1] - near[0] > 1 else (near[0], near[-1])
    return bool(_cross(steps[[before]], steps[[after]])[0] < 0.0)


def _cross(first: Floats, second: Floats) -> Floats:
    turned: Floats = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    return turned


def _unit_samples() -> Floats:
    index = np.arange(_SAMPLES)
    radius = np.sqrt(-2.0 * np.log(1.0 - (index + 0.5) / _SAMPLES))
    return np.column_stack((radius * np.cos(index * _GOLDEN_ANGLE), radius * np.sin(index * _GOLDEN_ANGLE)))


_UNIT_SAMPLES = _unit_samples()


def _root(covariance: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = vectors * np.sqrt(np.maximum(values, 0.0))
    return root
