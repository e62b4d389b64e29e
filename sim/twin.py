# SPDX-License-Identifier: Apache-2.0
"""What every simulator behind the stack can do; the stack cannot tell which one it is."""

from __future__ import annotations

from typing import Protocol

from patrol.geometry import Twist2
from sim.robot import RobotModel
from sim.sensor_suite import Measurement
from sim.truth import Truth


class Twin(Protocol):
    """One scenario and one robot. Time starts at the scenario's ``start`` and moves only in ``advance``."""

    robot: RobotModel

    @property
    def now_ns(self) -> int:
        """Simulated time, nanoseconds since the epoch."""
        ...

    def command(self, twist: Twist2) -> None:
        """Drive like this from now on; a command that is not renewed stops the wheels after the drive's time-out."""
        ...

    def advance(self, duration_ns: int) -> tuple[Measurement, ...]:
        """Simulate ``duration_ns`` and return what was measured, in stamp order."""
        ...

    def truth(self) -> Truth:
        """Where everything really is; for ``sim`` and tests only."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...
