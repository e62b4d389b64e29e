# SPDX-License-Identifier: Apache-2.0
"""The body that drives: its size and what its wheels can do."""

from __future__ import annotations

import math

from pydantic import Field

from patrol.config import Config


class Body(Config):
    """A differential-drive body, a rectangle centred on ``base_link``. Two discs on its long axis cover it: a distance
    field then tells with two look-ups whether the body is clear."""

    length_m: float = Field(default=0.70, gt=0)
    width_m: float = Field(default=0.52, gt=0)
    speed_max_mps: float = Field(default=1.5, gt=0)
    turn_max_radps: float = Field(default=1.2, gt=0)
    accel_mps2: float = Field(default=0.8, gt=0)
    decel_mps2: float = Field(default=1.2, gt=0)
    turn_accel_radps2: float = Field(default=2.5, gt=0)

    @property
    def disc_offset_m(self) -> float:
        """Distance of both disc centres from the middle of the body."""
        return 0.25 * self.length_m

    @property
    def disc_radius_m(self) -> float:
        return math.hypot(0.25 * self.length_m, 0.5 * self.width_m)

    @property
    def circumscribed_m(self) -> float:
        """Radius of the circle that the body sweeps when it turns on the spot."""
        return math.hypot(0.5 * self.length_m, 0.5 * self.width_m)
