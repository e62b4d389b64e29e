# SPDX-License-Identifier: Apache-2.0
"""Which simulator stands behind a robot's topics."""

from __future__ import annotations

from enum import StrEnum

from patrol_bringup.table import Backend
from sim.gazebo.installation import find_installation
from sim.gazebo.simulator import GazeboSimulator
from sim.simulator import Simulator


class Sim(StrEnum):
    """The simulators that this machine can run; Gazebo is set up by ``make gazebo``."""

    EMBEDDED = "embedded"
    GAZEBO = "gazebo"

    def check(self) -> None:
        """Raises GazeboMissing when it can not be started here."""
        if self is Sim.GAZEBO:
            find_installation()

    @property
    def backend(self) -> Backend:
        """Its row in the table of processes."""
        return Backend.GAZEBO if self is Sim.GAZEBO else Backend.SIMULATION

    @property
    def twin(self) -> type[Simulator | GazeboSimulator]:
        """The class to open in one process."""
        return GazeboSimulator if self is Sim.GAZEBO else Simulator
