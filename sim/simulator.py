# SPDX-License-Identifier: Apache-2.0
"""The embedded simulator: one scenario, one robot or several in it, in lockstep. The same seed gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from patrol.geometry import Pose2, Twist2
from sim.robot import ROVER, RobotModel, read_robot
from sim.scenario import Scenario, read_scenario
from sim.sensor_suite import ALL_SENSORS, AUDIO, Measurement, SensorSuite
from sim.stage import TICK_NS, Stage
from sim.ticking import TickingSimulator
from sim.truth import Truth, TruthLog

__all__ = ["ALL_SENSORS", "AUDIO", "TICK_NS", "TRUTH_FILE", "Measurement", "Simulator"]

TRUTH_FILE = "truth.jsonl"
MATE_SENSORS = frozenset({"scan", "imu", "odom", "fix", "battery"})
"""What further robots can have: everything to drive by, and no cameras, whose pictures cost the most by far."""


class Simulator(TickingSimulator):
    """Runs one scenario. A lidar revolution is stamped with its first beam and delivered when it is complete, one revolution
    later; everything else is delivered at once. Robots are numbered: 0 is the scenario's, further ones stand at ``others``
    (poses in map) in the beginning."""

    measures = ALL_SENSORS | {AUDIO}

    def __init__(
        self,
        scenario: Scenario,
        robot: RobotModel,
        *,
        seed: int,
        sensors: frozenset[str] = ALL_SENSORS,
        truth_log: TruthLog | None = None,
        others: Sequence[Pose2] = (),
    ) -> None:
        """Build the world. Sensors that are not in ``sensors`` cost nothing. Raises BadValue for an unknown sensor and BadInput
        for a world or site that can not be read."""
        super().__init__(scenario, robot, sensors, truth_log)
        self._stage = Stage(scenario, robot, seed=seed, others=others)
        self._suite = SensorSuite(self._stage, sensors, seed=seed)
        self._mates = tuple(
            SensorSuite(self._stage, sensors & MATE_SENSORS, seed=seed, number=number) for number in range(1, 1 + len(others))
        )
        self._heard: tuple[list[Measurement], ...] = tuple([] for _ in others)

    @classmethod
    def open(
        cls,
        scenario: Path | Scenario,
        *,
        seed: int,
        sensors: frozenset[str] = ALL_SENSORS,
        robot_path: Path = ROVER,
        truth_path: Path | None = None,
        others: Sequence[Pose2] = (),
    ) -> Simulator:
        """Open the scenario, or its file; ``truth_path`` asks for a ground-truth log. Raises BadInput for a broken file."""
        read = read_scenario(scenario) if isinstance(scenario, Path) else scenario
        log = TruthLog(truth_path) if truth_path is not None else None
        return cls(read, read_robot(robot_path), seed=seed, sensors=sensors, truth_log=log, others=others)

    def command(self, twist: Twist2, *, number: int = 0) -> None:
        """Drive like this from now on; a command that is not renewed stops the wheels after the drive's time-out."""
        self._stage.fleet[number].command(twist, self._now_ns)

    def taken(self, number: int) -> tuple[Measurement, ...]:
        """What a further robot (1 and up) has measured since this was asked last, in stamp order."""
        heard = self._heard[number - 1]
        measured = tuple(sorted(heard, key=lambda measurement: measurement.stamp_ns))
        heard.clear()
        return measured

    def truth(self) -> Truth:
        """Where everything really is; for ``sim`` and tests only."""
        return self._stage.truth(self._tick_ns, self._suite.sights())

    def _move_actors(self, now_s: float, step_s: float) -> None:
        self._stage.move_actors(now_s, step_s)

    def _step(self, now_s: float) -> None:
        self._stage.step(self._tick_ns, now_s)

    def _measure(self, now_s: float) -> Sequence[Measurement]:
        for heard, mate in zip(self._heard, self._mates, strict=True):
            heard.extend(mate.measure(self._tick_ns, now_s))
        return self._suite.measure(self._tick_ns, now_s)

    def _end(self) -> None:
        self._suite.close()
