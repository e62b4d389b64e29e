# SPDX-License-Identifier: Apache-2.0
"""From which bearings a thing has been seen."""

from __future__ import annotations

import math

import numpy as np

from mission.raster import Mask
from patrol.checks import Floats

_BINS = 720
_BIN_RAD = 2.0 * math.pi / _BINS


class Bearings:
    """The circle around a thing in half degrees. A bearing points in map from the thing to who looks at it."""

    def __init__(self, half_width_rad: float) -> None:
        self._half_rad = half_width_rad
        self._centres_rad: Floats = (np.arange(_BINS, dtype=np.float64) + 0.5) * _BIN_RAD
        self._seen: Mask = np.zeros(_BINS, dtype=np.bool_)

    @property
    def seen_rad(self) -> float:
        """How much of the circle has been seen."""
        return float(self._seen.sum()) * _BIN_RAD

    def mark(self, bearing_rad: float) -> None:
        """It was seen from this bearing, which counts for ``half_width_rad`` to either side."""
        self._seen |= self._shown([bearing_rad])[0]

    def gains_rad(self, bearings_rad: Floats) -> Floats:
        """How much a look from each of the bearings (N,) would add."""
        gains: Floats = (self._shown(bearings_rad) & ~self._seen).sum(axis=1) * _BIN_RAD
        return gains

    def shown_rad(self, bearings_rad: Floats) -> float:
        """How much of what has not been seen looks from all of the bearings (N,) would add together."""
        shown = self._shown(bearings_rad).any(axis=0) if len(bearings_rad) else np.zeros(_BINS, dtype=np.bool_)
        return float((shown & ~self._seen).sum()) * _BIN_RAD

    def _shown(self, bearings_rad: Floats | list[float]) -> Mask:
        """Mask (N, bins) of what a look from each bearing shows."""
        off = np.asarray(bearings_rad, dtype=np.float64).reshape(-1, 1) - self._centres_rad
        shown: Mask = np.abs(np.mod(off + math.pi, 2.0 * math.pi) - math.pi) <= self._half_rad
        return shown
