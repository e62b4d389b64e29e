# SPDX-License-Identifier: Apache-2.0
"""One belief as a particle filter (Gordon, Salmond and Smith, 1993): particles walk the free ground, and those that a look
should have shown count less."""

from __future__ import annotations

import numpy as np

from patrol.checks import Floats
from patrol.percepts import GroundPosition
from perception.belief.config import Gait
from perception.belief.ground import Mask, WalkableGround

_LEAST = 1e-300


class Particles:
    """``places_m`` (N, 2) m in map with ``weights`` (N,) that add up to 1. ``contact`` is what all looks together have left."""

    def __init__(self, at: GroundPosition, gait: Gait, ground: WalkableGround, *, count: int, seed: tuple[int, ...]) -> None:
        self._random = np.random.default_rng(seed)
        self._gait = gait
        spread = self._random.multivariate_normal(np.zeros(2), at.covariance_m2, count, method="cholesky", check_valid="ignore")
        middle = np.broadcast_to(ground.freed(at.position_m[None]), spread.shape)
        reaches = ground.walk(middle, middle + spread)
        self.places_m: Floats = middle + np.where(reaches[:, None], spread, 0.0)
        own = self._random.normal(0.0, 0.5 * gait.deviation_mps, (count, 2))
        self._velocity_mps: Floats = _bounded(at.velocity_mps + own, gait.fastest_mps)
        self.weights: Floats = np.full(count, 1.0 / count)
        self.contact = 1.0

    def walk(self, dt_s: float, ground: WalkableGround) -> None:
        """Move every particle on; one that meets a wall stays where it is and turns elsewhere."""
        gait, count = self._gait, len(self.places_m)
        self.places_m = ground.freed(self.places_m)
        kept = float(np.exp(-dt_s / gait.steady_s))
        fresh = self._random.normal(0.0, gait.deviation_mps, (count, 2))
        wandered = kept * self._velocity_mps + np.sqrt(1.0 - kept * kept) * fresh
        self._velocity_mps = _bounded(wandered, gait.fastest_mps)
        stands = self._random.random(count) < gait.standing
        ends = self.places_m + np.where(stands, 0.0, dt_s)[:, None] * self._velocity_mps
        clear = ground.walk(self.places_m, ends)
        self.places_m = np.where(clear[:, None], ends, self.places_m)
        turned = self._random.normal(0.0, gait.deviation_mps, (count, 2))
        self._velocity_mps = np.where(clear[:, None], self._velocity_mps, _bounded(turned, gait.fastest_mps))

    def rule_out(self, cleared: Mask, overlooked: float) -> None:
        """The looks showed nobody at the ``cleared`` (N,) places: somebody there would have been overlooked so often."""
        weights = self.weights * np.where(cleared, overlooked, 1.0)
        left = float(weights.sum())
        self.contact *= left
        self.weights = weights / max(left, _LEAST)
        self._renew()

    def mass_near(self, place_m: Floats, within_m: float) -> float:
        """The probability that it is within ``within_m`` of a place (2,) m in map."""
        return float(self.weights[np.hypot(*(self.places_m - place_m).T) <= within_m].sum())

    def _renew(self) -> None:
        """Draw anew once few particles carry all weight (systematic resampling; Kitagawa, 1996)."""
        count = len(self.weights)
        if 1.0 / float(np.square(self.weights).sum()) >= 0.5 * count:
            return
        marks = (np.arange(count) + self._random.random()) / count
        chosen = np.minimum(np.searchsorted(np.cumsum(self.weights), marks), count - 1)
        self.places_m, self._velocity_mps = self.places_m[chosen], self._velocity_mps[chosen]
        self.weights = np.full(count, 1.0 / count)


def _bounded(velocity_mps: Floats, fastest_mps: float) -> Floats:
    """Velocities (N, 2) m/s, none faster than ``fastest_mps``."""
    speed = np.hypot(velocity_mps[:, 0], velocity_mps[:, 1])
    slowed: Floats = velocity_mps * np.minimum(1.0, fastest_mps / np.maximum(speed, 1e-9))[:, None]
    return slowed
