# SPDX-License-Identifier: Apache-2.0
"""One turn of the loop as the behaviours see it: what is known, and what they make of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from mission.attending.attendant import Attendant
from mission.attending.errand import News
from mission.docking import Docking
from mission.doors import Doorkeeper
from mission.driver import Driver
from mission.inputs import HandControl
from mission.legs import LegRunner
from mission.lifts import LiftRider
from mission.lookout import View
from mission.machine import Event
from mission.passages import PassageKeeper
from mission.situation import Situation
from mission.supervisor import Actions
from mission.zones import Zones
from patrol.doors import DoorRequest, DoorState
from patrol.geometry import STOPPED, Pose2, Twist2
from patrol.inspection import InspectionState
from patrol.lifts import LiftState
from patrol.operations import Mode, OutcomeKind
from patrol.passages import PassagesHeld
from patrol.zone_orders import RunTimeZone


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What behaviours work with; ``slow_mps`` is the speed of a robot that is told to be slow, ``leave_mps`` of one that
    leaves a zone."""

    navigator: Driver
    legs: LegRunner
    docking: Docking
    zones: Zones
    doors: Doorkeeper
    lifts: LiftRider
    passing: PassageKeeper
    attendant: Attendant
    has_dock: bool
    slow_mps: float
    leave_mps: float


@dataclass(slots=True, kw_only=True)
class Turn:
    """``view`` is None while the position is not known. The behaviours fill in the twist, at most one event of the machine
    with its reason, what became of the open waypoint, what doors are asked for, and how far an inspection has come.
    ``quiet_mps`` is the limit of quiet hours, ``team`` the clause that says what the robot does for its team."""

    situation: Situation
    actions: Actions
    view: View | None
    hand: HandControl | None = None
    dock: Pose2 | None = None
    inside: tuple[RunTimeZone, ...] = ()
    quiet_mps: float = math.inf
    team: str = ""
    doors: Mapping[str, DoorState] = field(default_factory=dict)
    lifts: Mapping[str, LiftState] = field(default_factory=dict)
    passages: PassagesHeld | None = None
    news: News = field(default_factory=News)
    asks: tuple[DoorRequest, ...] = ()
    twist: Twist2 = STOPPED
    event: tuple[Event, str] | None = None
    settled: tuple[OutcomeKind, str] | None = None
    dock_is_blocked: bool = False
    inspection: InspectionState | None = None
    drives: bool = field(default=False)

    @property
    def mode(self) -> Mode:
        return self.situation.mode

    def limit_mps(self, tools: Tools) -> float:
        """The speed that the facts and quiet hours leave."""
        return min(tools.slow_mps if self.actions.slow else math.inf, self.quiet_mps)
