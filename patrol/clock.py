# SPDX-License-Identifier: Apache-2.0
"""Time is handed in. A core never asks the machine what time it is; it asks the clock that it was given."""

from __future__ import annotations

import time
from typing import Protocol

from patrol.errors import BadValue

NS_PER_S = 1_000_000_000


class Clock(Protocol):
    """Whatever tells the time: nanoseconds since the epoch of its own time base."""

    def now_ns(self) -> int: ...


class ManualClock:
    """A clock that moves only when told to; for lockstep runs and tests."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        return self._now_ns

    def advance_to(self, now_ns: int) -> None:
        """Move on to ``now_ns``. Raises BadValue when that lies in the past."""
        if now_ns < self._now_ns:
            raise BadValue(f"now_ns: {now_ns} lies before {self._now_ns}")
        self._now_ns = now_ns


class SystemClock:
    """The machine's wall clock; for nodes and the web service only."""

    def now_ns(self) -> int:
        return time.time_ns()


def seconds(duration_ns: int) -> float:
    """Nanoseconds as seconds."""
    return duration_ns / NS_PER_S


def nanoseconds(duration_s: float) -> int:
    """Seconds as nanoseconds, rounded."""
    return round(duration_s * NS_PER_S)
