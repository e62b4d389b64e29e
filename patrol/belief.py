# SPDX-License-Identifier: Apache-2.0
"""A belief: where somebody who went out of sight may be now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats, frozen_array, require_all_finite, require_positive
from patrol.clock import seconds
from patrol.errors import BadValue
from patrol.percepts import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneMass:
    """The probability 0..1 that it is in the zone; zones may overlap."""

    zone_id: str
    mass: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """Where the thing of ``track_id`` may be at ``stamp_ns``; it was seen last at ``last_seen_ns``.

    ``centres_m`` (N, 2) m in map are the middles of square cells of ``cell_m``, the likeliest first, and ``mass`` (N,) the
    probability of each; what is missing to 1 lies thinly in cells that are left out. ``contact`` 0..1 is how much of the belief
    the looks since then have left standing: near 0 it is nowhere where it could have walked to.
    """

    track_id: int
    label: Label
    stamp_ns: int
    last_seen_ns: int
    cell_m: float
    centres_m: Floats
    mass: Floats
    zones: tuple[ZoneMass, ...] = ()
    contact: float = 1.0

    def __post_init__(self) -> None:
        require_positive("cell_m", self.cell_m)
        object.__setattr__(self, "centres_m", frozen_array("centres_m", self.centres_m, (None, 2)))
        object.__setattr__(self, "mass", frozen_array("mass", self.mass, (len(self.centres_m),)))
        require_all_finite("centres_m", self.centres_m)
        require_all_finite("mass", self.mass)
        if not len(self.mass):
            raise BadValue("mass: a belief has one cell at least")
        if not (self.mass.min() >= 0.0 and self.mass.sum() <= 1.0 + 1e-6 and 0.0 <= self.contact <= 1.0):
            raise BadValue(f"mass: {self.mass.sum():.6f} in all, contact {self.contact}: probabilities are 0..1")

    @property
    def age_s(self) -> float:
        """How long it has been out of sight."""
        return seconds(self.stamp_ns - self.last_seen_ns)

    @property
    def middle_m(self) -> Floats:
        """Mean place (2,) m in map."""
        middle: Floats = self.mass @ self.centres_m / max(float(self.mass.sum()), np.finfo(np.float64).tiny)
        return middle
