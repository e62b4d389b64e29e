# SPDX-License-Identifier: Apache-2.0
"""Gazebo 11 with the verbs of the embedded simulator: one scenario, one robot, time that moves only in ``advance``."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from patrol.clock import NS_PER_S, nanoseconds
from patrol.errors import BadValue
from patrol.geometry import Pose3, Twist2
from patrol.local_frame import LocalFrame
from patrol.site_file import read_site
from sim.actors import Actor
from sim.bodies import make_body
from sim.chassis import SpeedRamp
from sim.faults import Faults
from sim.gazebo.cast import GazeboCast
from sim.gazebo.host import Host
from sim.gazebo.installation import Installation, find_installation
from sim.gazebo.readings import Readings
from sim.gazebo.server import Server
from sim.gazebo.world_sdf import WorldPlan
from sim.proprioception import BatterySensor, WheelOdometry
from sim.robot import ROVER, RobotModel, read_robot
from sim.scenario import Scenario, read_scenario
from sim.sdf import read_world
from sim.sensor_suite import ALL_SENSORS, Measurement, Metronome
from sim.stage import TICK_NS, start_pose
from sim.truth import Truth, TruthLog, actor_truth
from sim.weather import weather_at

ROBOT = "rover"
_ACTORS_EVERY = 5
_LOG_EVERY = 10
_LATE_NS = 60_000_000
_DRAWN = frozenset({"points", "scan", "camera", "thermal"})


class GazeboSimulator:
    """See ``sim.simulator.Simulator``, whose verbs these are. Every verb may raise GazeboLost; then only ``close`` is left."""

    def __init__(
        self,
        scenario: Scenario,
        robot: RobotModel,
        *,
        seed: int,
        sensors: frozenset[str] = ALL_SENSORS,
        truth_log: TruthLog | None = None,
        installation: Installation | None = None,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """Write the world, start Gazebo and wait for it. Raises BadInput, BadValue, GazeboMissing and GazeboLost."""
        unknown = sensors - ALL_SENSORS
        if unknown:
            raise BadValue(f"sensors: {', '.join(sorted(unknown))} not in {', '.join(sorted(ALL_SENSORS))}")
        self.scenario, self.robot, self._sensors, self._log = scenario, robot, sensors, truth_log
        site = read_site(scenario.site)
        frame = LocalFrame(site.datum)
        weather = weather_at(scenario.weather, site.datum, scenario.start_ns)
        self._faults = Faults(scenario.faults)
        self._readings = Readings(robot, read_world(scenario.world), frame, weather, self._faults, seed=seed)
        self._cast = GazeboCast(
            [Actor(spec, make_body(spec.kind, spec.name, spec.appearance_seed)) for spec in scenario.actors], robot
        )
        self._start_ns = self._now_ns = self._tick_ns = self._there_ns = scenario.start_ns
        self._last = start_pose(scenario, site)
        self._twist = Twist2(forward_mps=0.0, turn_radps=0.0)
        self._rates = sensor_rates(robot, sensors)
        self._due = {name: Metronome(self._start_ns, rate_hz) for name, rate_hz in self._rates.items()}
        self._ramp = SpeedRamp(robot.drive)
        self._contacts: frozenset[str] = frozenset()
        self._contact_count = 0
        plan = WorldPlan(
            world=scenario.world, datum=site.datum, weather=weather, robot=robot, robots={ROBOT: self._last}, sensors=sensors
        )
        self._drawn = bool(sensors & _DRAWN)
        self._host = Host(
            installation or find_installation(),
            plan,
            self._cast.actors if self._drawn else (),
            seed=seed,
            rates=self._rates,
            may_go_on=may_go_on,
        )
        self._session, self._zero_ns = self._host.session, self._host.zero_ns
        rngs = {name: np.random.default_rng([seed, index]) for index, name in enumerate(sorted(ALL_SENSORS))}
        self._odometry = WheelOdometry(robot, self._session, rngs["odom"])
        self._battery = BatterySensor(robot, rngs["battery"], scenario.charge)
        self._metronomes = {
            name: Metronome(self._start_ns, rate)
            for name, rate in (("odom", robot.odometry.rate_hz), ("battery", robot.battery.rate_hz))
            if name in sensors
        }
        self._note_state()
        self._show_actors()

    @classmethod
    def open(
        cls,
        scenario_path: Path,
        *,
        seed: int,
        sensors: frozenset[str] = ALL_SENSORS,
        robot_path: Path = ROVER,
        truth_path: Path | None = None,
        may_go_on: Callable[[], bool] = lambda: True,
    ) -> GazeboSimulator:
        """Open the scenario file in a Gazebo of its own. Raises as the constructor."""
        scenario, robot = read_scenario(scenario_path), read_robot(robot_path)
        log = TruthLog(truth_path) if truth_path is not None else None
        return cls(scenario, robot, seed=seed, sensors=sensors, truth_log=log, may_go_on=may_go_on)

    @property
    def now_ns(self) -> int:
        """Simulated time, nanoseconds since the epoch."""
        return self._now_ns

    @property
    def server(self) -> Server:
        """The ``gzserver`` behind it."""
        return self._host.server

    def command(self, twist: Twist2) -> None:
        """Drive like this from now on; a command that is not renewed stops the wheels after the drive's time-out."""
        self._ramp.command(twist, self._now_ns)

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

    def truth(self) -> Truth:
        """Where everything really is; for ``sim`` and tests only."""
        return Truth(
            stamp_ns=self._there_ns,
            map_from_base=self._last,
            twist=self._twist,
            actors=tuple(actor_truth(actor, None) for actor in self._cast.actors),
            contacts=tuple(sorted(self._contacts | self._cast.touching)),
            contact_count=self._contact_count + self._cast.contact_count,
        )

    def close(self) -> None:
        """End Gazebo and take its files away."""
        self._host.close()
        if self._log is not None:
            self._log.close()

    def _gazebo_ns(self, stamp_ns: int) -> int:
        return stamp_ns - self._start_ns + self._zero_ns

    def _tick(self) -> list[Measurement]:
        tick = (self._tick_ns - self._start_ns) // TICK_NS
        now_s = (self._tick_ns - self._start_ns) / NS_PER_S
        if tick % _ACTORS_EVERY == 1:
            self._cast.step(now_s, _ACTORS_EVERY * TICK_NS / NS_PER_S, self._last)
            self._show_actors()
        self._session.drive(*self._ramp.step(self._tick_ns, TICK_NS / NS_PER_S))
        self._session.step_to(self._gazebo_ns(self._tick_ns))
        self._await_sensors()
        self._note_state()
        if self._log is not None and tick % _LOG_EVERY == 0:
            self._log.write(self.truth())
        return self._measured(now_s)

    def _show_actors(self) -> None:
        if self._drawn:
            self._session.show(self._cast.moved(self._host.messages, self._host.world))

    def _await_sensors(self) -> None:
        """Gazebo's physics waits for pictures and rays to be drawn, and hands them out a few steps later: only one that is long
        overdue is waited for. The IMU is sampled on a thread of its own, which gets a moment."""
        now_ns = self._gazebo_ns(self._tick_ns)
        for sensor, rate_hz in self._rates.items():
            due_ns = (self._session.newest_ns(sensor) or self._zero_ns) + round(NS_PER_S / rate_hz)
            if sensor == "imu":
                self._session.await_sensor(sensor, now_ns - TICK_NS // 2, firmly=False)
            elif now_ns >= due_ns + _LATE_NS:
                self._session.await_sensor(sensor, due_ns - TICK_NS, firmly=True)

    def _note_state(self) -> None:
        pose: Pose3 | None = self._session.map_from_base()
        here = self._last if pose is None else pose.to_pose2()
        there_ns = self._start_ns + self._session.now_ns - self._zero_ns
        moved, step_s = self._last.inverse() @ here, max(there_ns - self._there_ns, 1) / NS_PER_S
        self._there_ns = there_ns
        self._twist = Twist2(forward_mps=moved.x_m / step_s, left_mps=moved.y_m / step_s, turn_radps=moved.yaw_rad / step_s)
        self._last = here
        touching = self._session.touching
        self._contact_count += len(touching - self._contacts)
        self._contacts = touching
        self._battery.draw(math.hypot(self._twist.forward_mps, self._twist.left_mps), step_s)

    def _measured(self, now_s: float) -> list[Measurement]:
        measured: list[Measurement] = []
        for heard in self._session.take():
            stamp_ns = self._start_ns + heard.stamp_ns - self._zero_ns
            if stamp_ns <= self._start_ns or not self._due[heard.sensor].is_due(stamp_ns):
                continue
            measured += self._readings.read(heard.sensor, heard.message, stamp_ns, now_s, self._sensors)
        for name, metronome in self._metronomes.items():
            if metronome.is_due(self._tick_ns):
                measured += self._proprioception(name, now_s)
        return measured

    def _proprioception(self, name: str, now_s: float) -> list[Measurement]:
        measurement: Measurement = (
            self._battery.measure(self._there_ns)
            if name == "battery"
            else self._odometry.measure(self._there_ns, noise_gain=self._faults.noise_gain(name, now_s))
        )
        return [] if self._faults.is_silent(name, now_s) else [measurement]


def sensor_rates(robot: RobotModel, sensors: frozenset[str]) -> dict[str, float]:
    """Gazebo's own sensors that are needed for ``sensors``, and their rates in Hz."""
    rows = (
        ("lidar", {"points", "scan"}, robot.lidar.rate_hz),
        ("camera", {"camera"}, robot.camera_part.rate_hz),
        ("thermal", {"thermal"}, robot.thermal_part.rate_hz),
        ("imu", {"imu"}, robot.imu.rate_hz),
        ("gps", {"fix"}, robot.gnss.rate_hz),
    )
    return {name: rate_hz for name, asked, rate_hz in rows if asked & sensors}
