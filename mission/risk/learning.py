# SPDX-License-Identifier: Apache-2.0
"""What the patrol finds, corrected for where it looked.

A patrol that goes where it found something finds more there because it is there: the loop runs away (Ensign, Friedler, Neville,
Scheidegger and Venkatasubramanian, FAT* 2018). Each find is therefore weighted with one over the visits that it took
(Horvitz and Thompson), which is to say that rates a visit are learned and never counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from patrol.checks import Floats, frozen_array
from patrol.errors import BadValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """``visits`` and ``found`` (..., N) so far of N subjects; leading axes hold independent patrols.

    ``prior_visits`` visits with ``prior_rate`` finds each stand for what is believed before the first visit. ``memory_days``:
    what was seen counts half after so many days; infinite: all counts for ever.
    """

    visits: Floats
    found: Floats
    prior_rate: float = 0.1
    prior_visits: float = 4.0
    memory_days: float = float("inf")

    def __post_init__(self) -> None:
        shape = np.shape(self.visits)
        for name in ("visits", "found"):
            object.__setattr__(self, name, frozen_array(name, getattr(self, name), shape))
        if not (self.prior_rate > 0.0 and self.prior_visits > 0.0 and self.memory_days > 0.0):
            raise BadValue("prior_rate, prior_visits, memory_days: must be above zero")
        if self.visits.min(initial=0.0) < 0.0 or self.found.min(initial=0.0) < 0.0:
            raise BadValue("visits, found: below zero")

    @classmethod
    def none(cls, *shape: int, memory_days: float = float("inf")) -> Findings:
        """Nothing seen yet."""
        return cls(visits=np.zeros(shape), found=np.zeros(shape), memory_days=memory_days)

    def after_day(self, visits: Floats, found: Floats) -> Findings:
        """A day later, with what was found (..., N) on the day's ``visits`` (..., N). Raises BadValue where nobody went."""
        if np.any((found > 0) & (visits <= 0)):
            raise BadValue("found: something was found where nobody went")
        kept = 0.5 ** (1.0 / self.memory_days)
        return replace(self, visits=self.visits * kept + visits, found=self.found * kept + found)

    def rates(self) -> Floats:
        """Finds a visit (..., N), whatever the number of visits."""
        rates: Floats = (self.found + self.prior_rate * self.prior_visits) / (self.visits + self.prior_visits)
        return rates

    def shares(self) -> Floats:
        """The rates as shares (..., N) of their sum."""
        rates = self.rates()
        shares: Floats = rates / rates.sum(axis=-1, keepdims=True)
        return shares
