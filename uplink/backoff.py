# SPDX-License-Identifier: Apache-2.0
"""How long to wait before dialling again."""

from __future__ import annotations

import random


class Backoff:
    """Waits that double from ``first_s`` up to ``limit_s``, each drawn from its upper half, so that a fleet that lost its
    centre at once does not come back at once. The seed makes a robot's waits repeatable."""

    def __init__(self, *, first_s: float, limit_s: float, seed: int) -> None:
        self._first_s, self._limit_s = first_s, limit_s
        self._random = random.Random(seed)
        self._failures = 0

    def next_wait_s(self) -> float:
        """The wait after one more failure, in seconds."""
        ceiling_s = min(self._limit_s, self._first_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return ceiling_s * self._random.uniform(0.5, 1.0)

    def succeeded(self) -> None:
        """Start again from ``first_s``."""
        self._failures = 0
