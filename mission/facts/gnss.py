# SPDX-License-Identifier: Apache-2.0
"""GNSS against the map: a fix that lies elsewhere is not believed, and its source perhaps not honest."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from pydantic import Field

from mission.facts.fact import Fact, Observed
from patrol.config import Config
from patrol.estimate import PoseEstimate
from patrol.local_frame import LocalFrame
from patrol.sensors import Fix
from patrol.site import Datum


class GnssConfig(Config):
    """A fix contradicts the map when it lies ``least_m`` and ``deviations`` standard deviations of both away."""

    least_m: float = Field(default=5.0, gt=0)
    deviations: float = Field(default=5.0, gt=0)


class GnssWatch:
    """Lays each fix on the map. The table waits before a contradiction counts."""

    def __init__(self, config: GnssConfig, datum: Datum) -> None:
        self._config = config
        self._frame = LocalFrame(datum)
        self._contradicts = False

    def hear(self, fix: Fix, estimate: PoseEstimate | None) -> None:
        """Take one fix; without a solution or a position in the map there is nothing to compare."""
        if not fix.valid or estimate is None or estimate.doubt:
            self._contradicts = False
            return
        east_m, north_m, _ = self._frame.to_map(np.array([fix.longitude_deg, fix.latitude_deg, fix.altitude_m]))
        pose = estimate.map_from_base
        away_m = math.hypot(east_m - pose.x_m, north_m - pose.y_m)
        variance_m2 = float(max(fix.covariance_m2[0, 0], fix.covariance_m2[1, 1])) + estimate.position_std_m**2
        limit_m = max(self._config.least_m, self._config.deviations * math.sqrt(max(variance_m2, 0.0)))
        self._contradicts = not away_m <= limit_m

    def facts(self) -> Iterator[Observed]:
        """Whether the newest fix contradicts the map."""
        if self._contradicts:
            yield Observed(fact=Fact.GNSS_SPOOFED, detail=f"by more than {self._config.least_m:g} m")
