# SPDX-License-Identifier: Apache-2.0
"""Further robots of the simulator's world: a namespace each, everything to drive by, and no cameras."""

from __future__ import annotations

from patrol.berths import berths
from patrol.doors import DoorState
from patrol.geometry import Pose2
from patrol.lifts import LiftState
from patrol.site import Site
from patrol_ros.backend import BackendTopics
from patrol_ros.conversions.grounds import door_state_to_ros, lift_state_to_ros
from patrol_ros.last_command import LastCommand
from patrol_ros.link import Link
from sim.simulator import Simulator
from sim.twin import Twin


class _Mate:
    """One of them, by its number in the simulator."""

    def __init__(self, link: Link, number: int) -> None:
        self.link, self.number = link, number
        self.topics, self.command = BackendTopics(link), LastCommand()
        self.tell_door, self.tell_lift = link.publisher("door_state").publish, link.publisher("lift_state").publish
        link.subscribe("cmd_vel", self.command.hear)


class Mates:
    """The robots that the parameter ``robots`` names, between commas, after the first, which is the simulator's own; each starts
    at its berth. Without the parameter there are none. Only the embedded simulator has any."""

    def __init__(self, link: Link, site: Site) -> None:
        """Raises BadValue where the site has no room for so many."""
        names = [name for name in link.parameter("robots", "").split(",")[1:] if name]
        self.starts: tuple[Pose2, ...] = tuple(dock.pose for dock in berths(site, 1 + len(names))[1:]) if names else ()
        self._mates = tuple(_Mate(link.of(name), number) for number, name in enumerate(names, start=1))

    @property
    def links(self) -> tuple[Link, ...]:
        """The edge to the topics of each."""
        return tuple(mate.link for mate in self._mates)

    def tell_mounts(self, simulator: Twin) -> None:
        """Say where each sensor sits."""
        for mate in self._mates:
            mate.topics.tell_mounts(simulator.now_ns, simulator.robot.mounts)

    def drive(self, simulator: Twin) -> None:
        """Hand on what each was told last."""
        if not isinstance(simulator, Simulator):
            return
        for mate in self._mates:
            simulator.command(mate.command.twist(), number=mate.number)

    def tell(self, simulator: Twin) -> None:
        """Publish what each has measured."""
        if not isinstance(simulator, Simulator):
            return
        for mate in self._mates:
            for measurement in simulator.taken(mate.number):
                mate.topics.tell(measurement)

    def tell_door(self, state: DoorState) -> None:
        """A door is everybody's."""
        for mate in self._mates:
            mate.tell_door(door_state_to_ros(state))

    def tell_lift(self, state: LiftState) -> None:
        """So is a lift."""
        for mate in self._mates:
            mate.tell_lift(lift_state_to_ros(state))
