# SPDX-License-Identifier: Apache-2.0
"""The embedded simulator: one scenario, one robot, in lockstep. The same seed gives the same bytes."""

from __future__ import annotations

from pathlib import Path

from patrol.clock import nanoseconds
from patrol.errors import BadValue
from patrol.geometry import Twist2
from sim.robot import ROVER, RobotModel, read_robot
from sim.scenario import Scenario, read_scenario
from sim.sensor_suite import ALL_SENSORS, Measurement, SensorSuite
from sim.stage import TICK_NS, Stage
from sim.truth import Truth, TruthLog

__all__ = ["ALL_SENSORS", "TICK_NS", "TRUTH_FILE", "Measurement", "Simulator"]

TRUTH_FILE = "truth.jsonl"
_ACTORS_EVERY = 5
_LOG_EVERY = 10


class Simulator:
    """Runs one scenario. Time starts at the scenario's ``start`` and moves only in ``advance``."""

    def __init__(
        self,
        scenario: Scenario,
        robot: RobotModel,
        *,
        seed: int,
        sensors: frozenset[str] = ALL_SENSORS,
        truth_log: TruthLog | None = None,
    ) -> None:
        """Build the world. Sensors that are not in ``sensors`` cost nothing. Raises BadValue for an unknown sensor and BadInput
        for a world or site that can not be read."""
        unknown = sensors - ALL_SENSORS
        if unknown:
            raise BadValue(f"sensors: {', '.join(sorted(unknown))} not in {', '.join(sorted(ALL_SENSORS))}")
        self.scenario, self.robot = scenario, robot
        self._stage = Stage(scenario, robot, seed=seed)
        self._suite = SensorSuite(self._stage, sensors, seed=seed)
        self._log = truth_log
        self._start_ns = self._now_ns = self._tick_ns = scenario.start_ns

    @classmethod
    def open(
        cls,
        scenario_path: Path,
        *,
        seed: int,
        sensors: frozenset[str] = ALL_SENSORS,
        robot_path: Path = ROVER,
        truth_path: Path | None = None,
    ) -> Simulator:
        """Open the scenario file; ``truth_path`` asks for a ground-truth log. Raises BadInput for a broken file."""
        scenario = read_scenario(scenario_path)
        log = TruthLog(truth_path) if truth_path is not None else None
        return cls(scenario, read_robot(robot_path), seed=seed, sensors=sensors, truth_log=log)

    @property
    def now_ns(self) -> int:
        """Simulated time, nanoseconds since the epoch."""
        return self._now_ns

    def command(self, twist: Twist2) -> None:
        """Drive like this from now on; a command that is not renewed stops the wheels after the drive's time-out."""
        self._stage.chassis.command(twist, self._now_ns)

    def advance(self, duration_ns: int) -> tuple[Measurement, ...]:
        """Simulate ``duration_ns`` and return what was measured, in stamp order. Raises BadValue for a negative duration.

        The world moves in ticks of 10 ms. A lidar revolution is stamped with its first beam and delivered when it is complete,
        one revolution later.
        """
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

    def _tick(self) -> list[Measurement]:
        tick = (self._tick_ns - self._start_ns) // TICK_NS
        now_s = (self._tick_ns - self._start_ns) / 1e9
        if tick % _ACTORS_EVERY == 1 or tick == 1:
            self._stage.move_actors(now_s, _ACTORS_EVERY * TICK_NS / 1e9)
        self._stage.step(self._tick_ns, now_s)
        measured = self._suite.measure(self._tick_ns, now_s)
        if self._log is not None and tick % _LOG_EVERY == 0:
            self._log.write(self.truth())
        return measured

    def truth(self) -> Truth:
        """Where everything really is; for ``sim`` and tests only."""
        return self._stage.truth(self._tick_ns, self._suite.sights())

    def close(self) -> None:
        """Give back the renderer and close the truth log."""
        self._suite.close()
        if self._log is not None:
            self._log.close()
