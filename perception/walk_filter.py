# SPDX-License-Identifier: Apache-2.0
"""Where somebody walks, how fast, and how tall they are, from boxes that a fixed camera sees.

An extended Kalman filter, iterated (Bar-Shalom, Li, Kirubarajan 2001, ch. 10), with five states: place, velocity, height. All of
a box informs: its lower edge is where the ground is, its upper edge where the head is, and who was tall a moment ago is as tall
now. So who is of known height keeps their place when the feet are hidden. Velocity changes by white acceleration. An edge that
surprises is trusted less, each edge on its own, by the weights of Student's t (Lange, Little, Taylor 1989).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from patrol.checks import Floats
from patrol.config import Config
from perception.fixed_camera import FixedCamera

_EDGE_PX = 2.0
_UNSEEN_PX = 1e3
_TURNS = 4
_LEAST_WEIGHT = 0.02
_FIRST_SHARE = 0.4
_HEIGHT_LEAST_M, _HEIGHT_MOST_M = 0.8, 2.3
_KEEP = np.eye(5)


class WalkConfig(Config):
    """Noise of people and of their boxes. ``alike_s``: for so long the errors of a box are alike, and pictures closer than that
    count as their share of it. Edges err by ``least_px`` and a share of the box's height; a lower edge hidden by a nearer box by
    ``hidden_share`` of it besides."""

    acceleration_mps2: float = Field(default=0.6, gt=0.0)
    first_speed_mps: float = Field(default=1.3, gt=0.0)
    height_m: float = Field(default=1.70, gt=0.0)
    height_std_m: float = Field(default=0.12, gt=0.0)
    alike_s: float = Field(default=0.2, ge=0.0)
    least_px: float = Field(default=1.0, gt=0.0)
    foot_share: float = Field(default=0.020, ge=0.0)
    head_share: float = Field(default=0.030, ge=0.0)
    middle_share: float = Field(default=0.030, ge=0.0)
    hidden_share: float = Field(default=0.4, ge=0.0)
    freedom: float = Field(default=4.0, gt=0.0, description="degrees of freedom of Student's t")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One box as it is measured: ``seen_px`` (3,) middle, upper and lower edge, with standard deviations ``spread_px`` (3,)."""

    time_s: float
    seen_px: Floats
    spread_px: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkState:
    """``value`` (5,): x, y m, their rates m/s, height m; ``covariance`` (5, 5); both also as predicted, over ``carry`` (5, 5)."""

    time_s: float
    value: Floats
    covariance: Floats
    predicted: Floats
    predicted_covariance: Floats
    carry: Floats


def sighted(row_px: Floats, hidden: float, time_s: float, camera: FixedCamera, config: WalkConfig) -> Sighting:
    """How a box ``row_px`` (4,) left, top, right, bottom, whose feet are ``hidden`` to that share, is measured."""
    left, top, right, bottom = row_px.tolist()
    tall = bottom - top
    shares = np.array([config.middle_share, config.head_share, np.hypot(config.foot_share, config.hidden_share * hidden)])
    spread = np.hypot(config.least_px, shares * tall)
    if left <= _EDGE_PX or right >= camera.width_px - _EDGE_PX:
        spread[0] += 0.25 * tall
    if top <= _EDGE_PX:
        spread[1] = _UNSEEN_PX
    if bottom >= camera.height_px - _EDGE_PX:
        spread[2] = _UNSEEN_PX
    return Sighting(time_s=time_s, seen_px=np.array([0.5 * (left + right), top, bottom]), spread_px=spread)


class WalkFilter:
    """One person, who begins where a person of usual height looks as large as in the ``first`` sighting."""

    def __init__(self, camera: FixedCamera, config: WalkConfig, first: Sighting) -> None:
        self._matrix = camera.picture_from_map
        self._config = config
        self._time_s = first.time_s
        place, reach_m = self._by_size(first.seen_px)
        self._value = np.array([*place, 0.0, 0.0, config.height_m])
        spread = np.array([_FIRST_SHARE * reach_m] * 2 + [config.first_speed_mps] * 2 + [config.height_std_m])
        self._covariance = np.diag(spread**2)

    def step(self, sighting: Sighting, shortest_s: float) -> tuple[WalkState, Floats]:
        """Move on to ``sighting`` and take it in; ``shortest_s`` is the least time that it counts for. Returns the new state, and
        how far each of the three measures was from what was expected, as squared standard deviations (3,)."""
        dt_s = sighting.time_s - self._time_s
        self._time_s = sighting.time_s
        carry = np.eye(5)
        carry[0, 2] = carry[1, 3] = dt_s
        single = np.array([[dt_s**3 / 3.0, dt_s**2 / 2.0], [dt_s**2 / 2.0, dt_s]]) * self._config.acceleration_mps2**2
        predicted = carry @ self._value
        before = carry @ self._covariance @ carry.T
        before[:4, :4] += np.kron(single, np.eye(2))
        share = max(1.0, self._config.alike_s / max(dt_s, shortest_s))
        surprise = self._correct(predicted, before, sighting.seen_px, sighting.spread_px**2 * share)
        state = WalkState(
            time_s=sighting.time_s,
            value=self._value,
            covariance=self._covariance,
            predicted=predicted,
            predicted_covariance=before,
            carry=carry,
        )
        return state, surprise

    def _correct(self, predicted: Floats, before: Floats, seen_px: Floats, variance: Floats) -> Floats:
        """Iterate about the corrected state; return the squared surprises (3,) at the first turn."""
        value, first, freedom = predicted, np.full(3, np.inf), self._config.freedom
        gain, slope = np.zeros((5, 3)), np.zeros((3, 5))
        for turn in range(_TURNS):
            expected, slope = self._expected(value)
            if not np.isfinite(expected).all():
                break
            error = seen_px - expected - slope @ (predicted - value)
            spread = slope @ before @ slope.T
            surprise = error**2 / (np.diag(spread) + variance)
            first = surprise if turn == 0 else first
            weight = np.clip((freedom + 1.0) / (freedom + surprise), _LEAST_WEIGHT, 1.0)
            gain = before @ slope.T @ np.linalg.inv(spread + np.diag(variance / weight))
            value = predicted + gain @ error
            value[4] = min(max(value[4], _HEIGHT_LEAST_M), _HEIGHT_MOST_M)
        if not np.isfinite(self._expected(value)[0]).all():
            value, gain = predicted, np.zeros((5, 3))
        left = (_KEEP - gain @ slope) @ before
        self._value, self._covariance = value, 0.5 * (left + left.T)
        return first

    def _expected(self, value: Floats) -> tuple[Floats, Floats]:
        """Middle, upper and lower edge (3,) px of who stands at ``value``, with the slopes (3, 5); NaN behind the camera."""
        matrix = self._matrix
        foot = matrix @ np.array([value[0], value[1], 0.0, 1.0])
        head = foot + matrix[:, 2] * value[4]
        if foot[2] <= 0.0 or head[2] <= 0.0:
            return np.full(3, np.nan), np.zeros((3, 5))
        at_foot, at_head = foot[:2] / foot[2], head[:2] / head[2]
        foot_slope = (matrix[:2, :3] - np.outer(at_foot, matrix[2, :3])) / foot[2]
        head_slope = (matrix[:2, :3] - np.outer(at_head, matrix[2, :3])) / head[2]
        slope = np.zeros((3, 5))
        slope[0, :2] = 0.5 * (foot_slope[0, :2] + head_slope[0, :2])
        slope[0, 4] = 0.5 * head_slope[0, 2]
        slope[1, :2], slope[1, 4] = head_slope[1, :2], head_slope[1, 2]
        slope[2, :2] = foot_slope[1, :2]
        return np.array([0.5 * (at_foot[0] + at_head[0]), at_head[1], at_foot[1]]), slope

    def _by_size(self, seen_px: Floats) -> tuple[Floats, float]:
        """Where (2,) m, and how far from the camera in m, somebody of usual height looks as tall as that: a first guess."""
        matrix, (middle, top, bottom) = self._matrix, seen_px.tolist()
        rise = (bottom * matrix[2, 2] - matrix[1, 2]) * self._config.height_m
        depth = rise / max(bottom - top, 1.0) - 0.5 * matrix[2, 2] * self._config.height_m
        depth = max(depth, 0.5)
        rows = np.vstack((matrix[0] - middle * matrix[2], matrix[2]))
        place = np.linalg.lstsq(rows[:, :2], np.array([0.0, depth]) - rows[:, 3], rcond=None)[0]
        return place, depth
