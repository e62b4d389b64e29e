# SPDX-License-Identifier: Apache-2.0
"""Keeping simulated or replayed time in step with wall time."""

from __future__ import annotations

from collections import deque

from patrol.clock import NS_PER_S, nanoseconds, seconds

_WINDOW_NS = 5 * NS_PER_S


class Pacer:
    """Tells how long to wait before the next step. ``factor`` is simulated seconds per second; 0 never waits.

    Who falls behind by more than ``forgive_s`` of wall time does not catch up; the real-time factor shows it.
    """

    def __init__(self, factor: float, *, forgive_s: float = 0.25) -> None:
        self._factor, self._forgive_ns = factor, nanoseconds(forgive_s)
        self._anchor: tuple[int, int] | None = None
        self._past: deque[tuple[int, int]] = deque()

    def wait_s(self, time_ns: int, wall_ns: int) -> float:
        """How long to wait until ``time_ns`` is due, in seconds of wall time; zero when it is late."""
        self._remember(time_ns, wall_ns)
        if self._factor == 0.0:
            return 0.0
        if self._anchor is None:
            self._anchor = (time_ns, wall_ns)
        due_ns = self._anchor[1] + round((time_ns - self._anchor[0]) / self._factor)
        if wall_ns - due_ns > self._forgive_ns:
            self._anchor = (time_ns, wall_ns)
        return max(seconds(due_ns - wall_ns), 0.0)

    @property
    def real_time_factor(self) -> float:
        """Simulated seconds per second over the last five seconds; 0 before there are any."""
        if len(self._past) < 2 or self._past[-1][1] == self._past[0][1]:
            return 0.0
        (time_0, wall_0), (time_1, wall_1) = self._past[0], self._past[-1]
        return (time_1 - time_0) / (wall_1 - wall_0)

    def _remember(self, time_ns: int, wall_ns: int) -> None:
        self._past.append((time_ns, wall_ns))
        while wall_ns - self._past[0][1] > _WINDOW_NS:
            self._past.popleft()
