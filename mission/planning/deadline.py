# SPDX-License-Identifier: Apache-2.0
"""How long a search may still think, by a monotonic clock that is handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MonotonicClock = Callable[[], float]
"""Seconds since a moment of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The moment ``ends_s`` of ``clock``."""

    clock: MonotonicClock
    ends_s: float

    @classmethod
    def after(cls, duration_s: float, clock: MonotonicClock) -> Deadline:
        """So many seconds from now."""
        return cls(clock=clock, ends_s=clock() + duration_s)

    @property
    def left_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.ends_s - self.clock())

    @property
    def passed(self) -> bool:
        return self.clock() >= self.ends_s

    def share(self, fraction: float) -> Deadline:
        """A deadline after this fraction of what is left."""
        return Deadline(clock=self.clock, ends_s=self.clock() + fraction * self.left_s)


class CountedClock:
    """A clock that moves on by ``step_s`` each time it is read, so that a search does the same on every machine."""

    def __init__(self, step_s: float) -> None:
        self._now_s, self._step_s = 0.0, step_s

    def __call__(self) -> float:
        self._now_s += self._step_s
        return self._now_s
