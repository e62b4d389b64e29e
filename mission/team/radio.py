# SPDX-License-Identifier: Apache-2.0
"""A radio that loses most of what is said: every message is lost to every listener by itself, with the same chance."""

from __future__ import annotations

import numpy as np

from mission.planning.split import Flags
from patrol.errors import BadValue

_REPEATS_HZ = 20.0
"""How often a claim and its answer are said again until they are heard."""


class Radio:
    """``loss`` 0..1 is the chance that a message is lost, ``seed`` decides which are."""

    def __init__(self, loss: float, seed: int) -> None:
        if not 0.0 <= loss < 1.0:
            raise BadValue(f"loss: {loss!r} is not from 0 to below 1")
        self._loss = loss
        self._random = np.random.default_rng(seed)

    def heard(self, robots: int, times: int = 1) -> Flags:
        """Who hears a broadcast of whom, (listener, speaker), when each is made so many ``times``; everybody hears himself."""
        flags: Flags = self._random.random((robots, robots)) >= self._loss**times
        np.fill_diagonal(flags, val=True)
        return flags

    def exchange_s(self) -> float:
        """How long it takes until a claim is heard and its answer too, each said again until then."""
        if self._loss == 0.0:
            return 0.0
        return float(self._random.geometric(1.0 - self._loss, 2).sum() - 2) / _REPEATS_HZ
