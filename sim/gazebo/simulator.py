# SPDX-License-Identifier: Apache-2.0
"""Gazebo 11 with the verbs of the embedded simulator: one scenario, one robot, time that moves only in ``advance``."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from patrol.checks import Floats32
from patrol.clock import NS_PER_S
from patrol.errors import BadValue
from patrol.geometry import STOPPED, Pose3, Twist2
from patrol.local_frame import LocalFrame
from patrol.site_file import read_site
from sim.actors import Actor
from sim.bodies import make_body
from sim.chassis import GRIP, SpeedRamp
from sim.faults import Faults
from sim.gazebo.cast import GazeboCast
from sim.gazebo.depths import CameraDepths
from sim.gazebo.host import Host
from sim.gazebo.installation import Installation, find_installation
from sim.gazebo.readings import Readings
from sim.gazebo.server import Server
from sim.gazebo.session import STEP_NS
from sim.gazebo.world_sdf import WorldPlan
from sim.proprioception import BatterySensor, WheelOdometry
from sim.robot import ROVER, RobotModel, read_robot
from sim.scenario import Scenario, read_scenario
from sim.sdf import read_world
from sim.sensor_suite import ALL_SENSORS, Measurement, Metronome
from sim.stage import TICK_NS, is_at_dock, start_pose
from sim.ticking import TickingSimulator
from sim.truth import Truth, TruthLog, actor_truth
from sim.weather import weather_at

ROBOT = "rover"
_LATE_NS = 60_000_000
_SOFT_WAIT_S = 0.03
_TRAIL = 40
_AT_REST_NS = 50_000_000
_DRAWN = frozenset({"points", "scan", "camera", "thermal"})


class GazeboSimulator(TickingSimulator):
    """See ``TickingSimulator``. Every verb may raise GazeboLost; then only ``close`` is left."""

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
        super().__init__(scenario, robot, sensors, truth_log)
        site = read_site(scenario.site)
        frame = LocalFrame(site.datum)
        weather = weather_at(scenario.weather, site.datum, scenario.start_ns)
        self._faults = Faults(scenario.faults)
        self._cast = GazeboCast(
            [Actor(spec, make_body(spec.kind, spec.name, spec.appearance_seed)) for spec in scenario.actors], robot
        )
        self._there_ns, self._pose_ns, self._grip = scenario.start_ns, 0, GRIP
        self._docks, self._last = tuple(dock.pose for dock in site.docks), start_pose(scenario, site)
        world = read_world(scenario.world)
        self._readings = Readings(robot, world, frame, weather, self._faults, seed=seed, depths=self._depths_at)
        lays_over = "camera" in sensors and weather.veils
        self._depths = CameraDepths(world, robot.camera_part, self._cast.actors) if lays_over else None
        standing = Pose3.from_xyz_rpy(self._last.x_m, self._last.y_m, 0.0, 0.0, 0.0, self._last.yaw_rad)
        self._trail = deque([(scenario.start_ns, standing)], maxlen=_TRAIL)
        self._twist = STOPPED
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
    def server(self) -> Server:
        """The ``gzserver`` behind it."""
        return self._host.server

    def command(self, twist: Twist2) -> None:
        """Drive like this from now on; a command that is not renewed stops the wheels after the drive's time-out."""
        self._ramp.command(twist, self._now_ns)

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

    def _end(self) -> None:
        self._host.close()

    def _gazebo_ns(self, stamp_ns: int) -> int:
        return stamp_ns - self._start_ns + self._zero_ns

    def _move_actors(self, now_s: float, step_s: float) -> None:
        self._cast.step(now_s, step_s, self._last)
        self._show_actors()

    def _step(self, now_s: float) -> None:
        if (grip := self._faults.grip(now_s)) != self._grip:
            self._session.set_grip(grip)
            self._grip = grip
        self._session.drive(*self._ramp.step(self._tick_ns, TICK_NS / NS_PER_S))
        self._session.step_to(self._gazebo_ns(self._tick_ns))
        self._await_sensors()
        self._note_state()

    def _depths_at(self, stamp_ns: int) -> Floats32:
        if self._depths is None:
            raise BadValue("camera: is looked through without having been asked for")
        _, map_from_base = min(self._trail, key=lambda entry: abs(entry[0] - stamp_ns))
        return self._depths.look(map_from_base)

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
                self._session.hears(sensor, now_ns - TICK_NS // 2, within_s=_SOFT_WAIT_S)
            elif now_ns >= due_ns + _LATE_NS:
                self._session.await_sensor(sensor, due_ns - TICK_NS)

    def _note_state(self) -> None:
        self._there_ns = self._start_ns + self._session.now_ns - self._zero_ns
        self._note_motion()
        touching = self._session.touching
        self._contact_count += len(touching - self._contacts)
        self._contacts = touching
        speed_mps = math.hypot(self._twist.forward_mps, self._twist.left_mps)
        docked = is_at_dock(self._docks, self._last.x_m, self._last.y_m)
        self._battery.draw(speed_mps, TICK_NS / NS_PER_S, docked=docked)

    def _note_motion(self) -> None:
        """Gazebo now and then tells its time without the robot's pose: then it goes on as before, and after a while it rests."""
        pose = self._session.map_from_base()
        pose_ns = self._start_ns + self._session.pose_ns - self._zero_ns
        if pose is None or pose_ns <= self._pose_ns:
            if self._there_ns - self._pose_ns > _AT_REST_NS:
                self._twist = STOPPED
            return
        here, step_s = pose.to_pose2(), (pose_ns - self._pose_ns) / NS_PER_S
        moved = self._last.inverse() @ here
        self._twist = Twist2(forward_mps=moved.x_m / step_s, left_mps=moved.y_m / step_s, turn_radps=moved.yaw_rad / step_s)
        self._last, self._pose_ns = here, pose_ns
        self._trail.append((pose_ns, pose))

    def _measure(self, now_s: float) -> list[Measurement]:
        measured: list[Measurement] = []
        for heard in self._session.take():
            stamp_ns = self._start_ns + heard.stamp_ns - self._zero_ns
            if stamp_ns <= self._start_ns or not self._due[heard.sensor].is_due(stamp_ns + STEP_NS // 2):
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
