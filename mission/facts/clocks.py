# SPDX-License-Identifier: Apache-2.0
"""Time itself: a clock that jumps, and a loop that does not get its turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from pydantic import Field

from mission.facts.fact import Fact, Observed
from patrol.clock import seconds
from patrol.config import Config

_SHARE = 0.1


class ClockConfig(Config):
    """``leap_s``: how far the clock may run ahead of the steady one between two steps; ``starved_period_s``: the mean period
    of the control loop over ``window_s`` from which it is too slow to drive at full speed."""

    leap_s: float = Field(default=0.5, gt=0)
    window_s: float = Field(default=2.0, gt=0)
    starved_period_s: float = Field(default=0.2, gt=0)


class ClockWatch:
    """Hears of every step. Simulated time may run at any even pace; that is learnt from the steps."""

    def __init__(self, config: ClockConfig) -> None:
        self._config = config
        self._steps: deque[int] = deque(maxlen=4096)
        self._first_ns: int | None = None
        self._steady_ns: int | None = None
        self._pace: float | None = None
        self._jump = ""

    def tick(self, now_ns: int, steady_ns: int | None) -> None:
        """One step of the loop at ``now_ns`` of the active clock; ``steady_ns`` is one that nobody sets, where there is one."""
        if self._steps:
            self._jump = self._jumped(seconds(now_ns - self._steps[-1]), steady_ns)
        if self._jump or self._first_ns is None:
            self._steps.clear()
            self._first_ns = now_ns
        self._steady_ns = steady_ns
        self._steps.append(now_ns)
        while seconds(now_ns - self._steps[0]) > self._config.window_s:
            self._steps.popleft()

    def facts(self) -> Iterator[Observed]:
        """What the newest step showed."""
        if self._jump:
            yield Observed(fact=Fact.CLOCK_JUMP, detail=self._jump)
        if self._is_starved():
            yield Observed(fact=Fact.CPU_STARVED, detail=f"fewer than {1.0 / self._config.starved_period_s:.0f} steps a second")

    def _jumped(self, elapsed_s: float, steady_ns: int | None) -> str:
        if elapsed_s < 0.0:
            return "back"
        if steady_ns is None or self._steady_ns is None:
            return ""
        steady_s = seconds(steady_ns - self._steady_ns)
        if self._pace is not None and elapsed_s - self._pace * steady_s > self._config.leap_s:
            return "forwards"
        if steady_s > 0.0:
            pace = elapsed_s / steady_s
            self._pace = pace if self._pace is None else self._pace + _SHARE * (pace - self._pace)
        return ""

    def _is_starved(self) -> bool:
        config = self._config
        if self._first_ns is None or seconds(self._steps[-1] - self._first_ns) <= config.window_s:
            return False
        return len(self._steps) < config.window_s / config.starved_period_s
