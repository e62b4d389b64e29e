# SPDX-License-Identifier: Apache-2.0
"""Gazebo 11 as a robot: the same topics as the embedded simulator, from a ``gzserver`` that this node starts and keeps."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from patrol_ros.health import Status
from patrol_ros.link import Link, run_looping_node
from patrol_ros.simulator_node import SimulatorNode
from sim.gazebo.errors import GazeboLost
from sim.gazebo.simulator import GazeboSimulator
from sim.twin import Twin

log = logging.getLogger(__name__)
_PAUSE_S = 0.5


class GazeboNode(SimulatorNode):
    """Where Gazebo is lost, nothing is published and nothing drives; the node says so, starts Gazebo anew, and the scenario
    begins again: the clock goes back, and so every node of the stack begins anew."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._wrong, self._lost = "Gazebo is starting", 0

    def run(self, may_go_on: Callable[[], bool]) -> None:
        """Simulate until told to end, however often Gazebo is lost."""
        while may_go_on():
            try:
                super().run(may_go_on)
            except GazeboLost as error:
                if may_go_on():
                    self._lost += 1
                    self._wrong = f"Gazebo is lost, connecting anew: {error}"
                    log.error("%s", self._wrong)
                    time.sleep(_PAUSE_S)

    def _open(self, may_go_on: Callable[[], bool]) -> Twin:
        simulator = GazeboSimulator.open(
            self._scenario, seed=self._seed, sensors=self._sensors, truth_path=self._truth_path(), may_go_on=may_go_on
        )
        log.info("Gazebo runs: process %d", simulator.server.pid)
        self._wrong = ""
        return simulator

    def _status(self) -> Status:
        values = super()._status().values
        return Status(wrong=self._wrong, values={**values, "gazebo_lost": str(self._lost)})


def main() -> None:
    """Entry point of ``ros2 run patrol_ros gazebo``."""
    run_looping_node("gazebo", lambda link: GazeboNode(link).run)


if __name__ == "__main__":
    main()
