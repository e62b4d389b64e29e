# SPDX-License-Identifier: Apache-2.0
"""How time passes behind every simulator: in ticks, with actors, physics, sensors and the truth log each at their own rhythm."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from patrol.clock import NS_PER_S, nanoseconds
from patrol.errors import BadValue
from sim.robot import RobotModel
from sim.scenario import Scenario
from sim.sensor_suite import ALL_SENSORS, Measurement
from sim.stage import TICK_NS
from sim.truth import Truth, TruthLog

_ACTORS_EVERY = 5
_LOG_EVERY = 10


class TickingSimulator(ABC):
    """One scenario and one robot. Time starts at the scenario's ``start`` and moves only in ``advance``, in ticks of 10 ms.

    A simulator says how actors move, how the world takes one tick, and what its sensors measured then; none of these may call
    ``advance``.
    """

    measures: ClassVar[frozenset[str]] = ALL_SENSORS
    """The sensors that can be asked for."""

    def __init__(self, scenario: Scenario, robot: RobotModel, sensors: frozenset[str], truth_log: TruthLog | None) -> None:
        """Raises BadValue for an unknown sensor."""
        unknown = sensors - self.measures
        if unknown:
            raise BadValue(f"sensors: {', '.join(sorted(unknown))} not in {', '.join(sorted(self.measures))}")
        self.scenario, self.robot, self._sensors, self._log = scenario, robot, sensors, truth_log
        self._start_ns = self._now_ns = self._tick_ns = scenario.start_ns

    @property
    def now_ns(self) -> int:
        """Simulated time, nanoseconds since the epoch."""
        return self._now_ns

    def advance(self, duration_ns: int) -> tuple[Measurement, ...]:
        """Simulate ``duration_ns`` and return what was measured, in stamp order. Raises BadValue for a negative duration."""
        if duration_ns < 0:
            raise BadValue(f"duration_ns: {duration_ns} is negative")
        self._now_ns += duration_ns
        measured: list[Measurement] = []
        while self._tick_ns + TICK_NS <= self._now_ns:
            self._tick_ns += TICK_NS
            measured.extend(self._tick())
        measured.sort(key=lambda measurement: measurement.stamp_ns)
        return tuple(measured)

    def advance_s(self, duration_s: float) -> tuple[Measurement, ...]:
        """``advance`` by seconds."""
        return self.advance(nanoseconds(duration_s))

    def close(self) -> None:
        """Give everything back, and close the truth log."""
        self._end()
        if self._log is not None:
            self._log.close()

    @abstractmethod
    def truth(self) -> Truth:
        """Where everything really is; for ``sim`` and tests only."""

    @abstractmethod
    def _move_actors(self, now_s: float, step_s: float) -> None:
        """Let the actors go on for ``step_s``; ``now_s`` counts from the scenario's start."""

    @abstractmethod
    def _step(self, now_s: float) -> None:
        """One tick of physics, up to ``_tick_ns``."""

    @abstractmethod
    def _measure(self, now_s: float) -> Sequence[Measurement]:
        """What was measured in this tick."""

    @abstractmethod
    def _end(self) -> None:
        """Give everything back but the log."""

    def _tick(self) -> Sequence[Measurement]:
        tick = (self._tick_ns - self._start_ns) // TICK_NS
        now_s = (self._tick_ns - self._start_ns) / NS_PER_S
        if tick % _ACTORS_EVERY == 1:
            self._move_actors(now_s, _ACTORS_EVERY * TICK_NS / NS_PER_S)
        self._step(now_s)
        measured = self._measure(now_s)
        if self._log is not None and tick % _LOG_EVERY == 0:
            self._log.write(self.truth())
        return measured
