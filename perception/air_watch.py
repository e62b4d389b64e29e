# SPDX-License-Identifier: Apache-2.0
"""Rain and fog as the lidar sees them: drops and mist send back single short returns that nothing stands beside.

Solid things give returns in groups; a return without a neighbour within 0.3 m, near the robot, is air (the idea of radius outlier
removal against falling snow: Charron, Phillips, Waslander, CRV 2018, turned round into a measure of the weather).
"""

from __future__ import annotations

from collections import deque

import numpy as np
from pydantic import Field
from scipy.spatial import cKDTree

from patrol.air import Sky
from patrol.checks import Floats
from patrol.config import Config


class AirConfig(Config):
    """Shares of lone returns among all returns; the median of ``looks`` revolutions counts."""

    near_m: float = Field(default=8.0, gt=0.0)
    lone_m: float = Field(default=0.3, gt=0.0)
    rain_from: float = Field(default=0.0015, gt=0.0)
    fog_from: float = Field(default=0.008, gt=0.0)
    looks: int = Field(default=10, ge=1)


class AirWatch:
    """Says what the sky is like from lidar revolutions."""

    def __init__(self, config: AirConfig) -> None:
        self._config = config
        self._shares: deque[float] = deque(maxlen=config.looks)

    def look(self, points_m: Floats) -> None:
        """Take in the returns (N, 3) of one revolution, in the lidar's frame."""
        near = points_m[np.linalg.norm(points_m, axis=1) <= self._config.near_m]
        if len(points_m) == 0 or len(near) < 2:
            return
        gaps, _ = cKDTree(near).query(near, k=2, distance_upper_bound=self._config.lone_m)
        lone = np.count_nonzero(np.isinf(np.asarray(gaps)[:, 1]))
        self._shares.append(float(lone) / len(points_m))

    @property
    def sky(self) -> Sky | None:
        """None until enough has been seen."""
        if len(self._shares) < self._config.looks:
            return None
        share = float(np.median(self._shares))
        if share >= self._config.fog_from:
            return Sky.FOG
        return Sky.RAIN if share >= self._config.rain_from else Sky.CLEAR
