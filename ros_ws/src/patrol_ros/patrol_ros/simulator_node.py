# SPDX-License-Identifier: Apache-2.0
"""The embedded simulator as a robot: publishes every topic of a robot and ``/clock``, and drives by ``cmd_vel``. The doors and
lifts of the site answer as their own controllers would. Further robots of the same world have a namespace each and no cameras."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from patrol.clock import NS_PER_S
from patrol.errors import BadValue
from patrol.site_file import read_site
from patrol_ros.backend import BackendTopics
from patrol_ros.conversions.grounds import door_request_from_ros, door_state_to_ros, lift_request_from_ros, lift_state_to_ros
from patrol_ros.health import Status, report_health
from patrol_ros.last_command import LastCommand
from patrol_ros.link import Link, run_looping_node
from patrol_ros.mates import Mates
from patrol_ros.pacing import Pacer
from patrol_ros.run_file import set_aside
from sim.doors import SimulatedDoors
from sim.lifts import SimulatedLifts
from sim.scenario import read_scenario
from sim.simulator import ALL_SENSORS, AUDIO, TRUTH_FILE, Simulator
from sim.twin import Twin

log = logging.getLogger(__name__)
STEP_NS = NS_PER_S // 50
DOORS_EVERY_NS = NS_PER_S // 2


class SimulatorNode:
    """Runs a simulator in step with wall time. It renders, so it is opened, run and closed on one thread."""

    def __init__(self, link: Link) -> None:
        scenario = link.path("scenario")
        if scenario is None:
            raise BadValue("scenario: the simulator needs a scenario file")
        self._scenario, self._seed = scenario, link.parameter("seed", 1)
        self._sensors = _sensors(link.parameter("sensors", ""), hearing=link.parameter("hearing", default=False))
        self._truth_folder = link.path("run_folder")
        self._pacer = Pacer(link.parameter("factor", 1.0))
        self._topics = BackendTopics(link)
        self._command = LastCommand()
        site = read_site(read_scenario(scenario).site)
        self._mates = Mates(link, site)
        self._doors, self._lifts = SimulatedDoors(site.doors), SimulatedLifts(site.lifts)
        self._doors_told_ns = 0
        self._tell_doors, self._tell_lifts = link.publisher("door_state").publish, link.publisher("lift_state").publish
        for each in (link, *self._mates.links):
            each.subscribe("door_request", lambda message: self._doors.ask(door_request_from_ros(message)))
            each.subscribe("lift_request", lambda message: self._lifts.ask(lift_request_from_ros(message)))
        link.subscribe("cmd_vel", self._command.hear)
        report_health(link, self._status)

    def run(self, may_go_on: Callable[[], bool]) -> None:
        """Simulate until told to end."""
        simulator = self._open(may_go_on)
        try:
            self._tell_robot(simulator)
            while may_go_on():
                self._step(simulator)
        finally:
            simulator.close()

    def _open(self, may_go_on: Callable[[], bool]) -> Twin:
        """The simulator, ready to run; an opening that takes long asks ``may_go_on``."""
        del may_go_on
        return Simulator.open(
            self._scenario, seed=self._seed, sensors=self._sensors, truth_path=self._truth_path(), others=self._mates.starts
        )

    def _step(self, simulator: Twin) -> None:
        simulator.command(self._command.twist())
        self._mates.drive(simulator)
        measurements = simulator.advance(STEP_NS)
        now_ns = simulator.now_ns
        time.sleep(self._pacer.wait_s(now_ns, time.monotonic_ns()))
        self._topics.tell_time(now_ns)
        for measurement in measurements:
            self._topics.tell(measurement)
        self._mates.tell(simulator)
        if now_ns - self._doors_told_ns >= DOORS_EVERY_NS:
            self._doors_told_ns = now_ns
            for state in self._doors.states(now_ns):
                self._tell_doors(door_state_to_ros(state))
                self._mates.tell_door(state)
            for cabin in self._lifts.states(now_ns):
                self._tell_lifts(lift_state_to_ros(cabin))
                self._mates.tell_lift(cabin)

    def _tell_robot(self, simulator: Twin) -> None:
        robot = simulator.robot
        self._topics.know_cameras((robot.camera, robot.thermal))
        self._topics.tell_mounts(simulator.now_ns, robot.mounts)
        self._mates.tell_mounts(simulator)

    def _truth_path(self) -> Path | None:
        """Where the ground truth of this run is kept, for scoring; that of a simulator that died is put aside."""
        return None if self._truth_folder is None else set_aside(self._truth_folder / TRUTH_FILE)

    def _status(self) -> Status:
        return Status(values={"real_time_factor": f"{self._pacer.real_time_factor:.3f}"})


def _sensors(listed: str, *, hearing: bool) -> frozenset[str]:
    """The sensors named in ``listed``, between commas, all when it is empty; and the microphones if it is ``hearing``."""
    named = frozenset(name.strip() for name in listed.split(",")) if listed else ALL_SENSORS
    return named | {AUDIO} if hearing else named


def main() -> None:
    """Entry point of ``ros2 run patrol_ros simulator``."""
    run_looping_node("simulator", lambda link: SimulatorNode(link).run)


if __name__ == "__main__":
    main()
