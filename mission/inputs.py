# SPDX-License-Identifier: Apache-2.0
"""What the executive is given and what it gives back, each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mission.calendar.weather import Weather
from mission.facts.eyes import PictureSeen
from mission.facts.fact import Observed
from mission.facts.links import Pulse
from patrol.assignment import Assignment
from patrol.belief import Belief
from patrol.checks import Floats, frozen_array
from patrol.doors import DoorRequest, DoorState
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Twist2
from patrol.grid import OccupancyGrid
from patrol.inspection import InspectionState
from patrol.lifts import LiftRequest, LiftState
from patrol.operations import RobotState, WaypointOutcome
from patrol.passages import PassagesHeld
from patrol.percepts import Alert, Track
from patrol.sensors import Battery, Fix, Imu, Odometry, Scan

Heard = Scan | Odometry | Imu | Fix | Battery | PictureSeen | Pulse


@dataclass(frozen=True, slots=True, kw_only=True)
class HandControl:
    """The twist that a person asks for with the hand control, and when it was asked."""

    twist: Twist2
    stamp_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutiveInputs:
    """The newest of everything; None where nothing has come yet or nobody measures it.

    ``twist`` is measured, ``driven`` what the stop guard let through. ``heard`` is everything that came in since the last
    step, for the monitors; ``alerts`` are those raised since then. ``beliefs`` say where who went out of sight may be.
    ``steady_ns`` is a clock that nobody sets. ``map_from_dock`` is where a marker shows the dock to be. ``weather`` is a
    station's newest report, ``doors`` and ``lifts`` the newest word of each, ``assignment`` and ``passages`` that of the robot's
    team. ``facts`` come from outside (buttons, other processes)."""

    now_ns: int
    estimate: PoseEstimate | None = None
    twist: Twist2 | None = None
    driven: Twist2 | None = None
    scan: Scan | None = None
    tracks: tuple[Track, ...] = ()
    alerts: tuple[Alert, ...] = ()
    beliefs: tuple[Belief, ...] = ()
    grid: OccupancyGrid | None = None
    battery: Battery | None = None
    heard: tuple[Heard, ...] = ()
    teleop: HandControl | None = None
    map_from_dock: Pose2 | None = None
    weather: Weather | None = None
    doors: Mapping[str, DoorState] = field(default_factory=dict)
    lifts: Mapping[str, LiftState] = field(default_factory=dict)
    assignment: Assignment | None = None
    passages: PassagesHeld | None = None
    link_up: bool | None = None
    disk_free_bytes: int | None = None
    steady_ns: int | None = None
    facts: tuple[Observed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``twist`` to hand to the stop guard; ``outcomes`` settled since the last step, each handed out once (after a restart
    the newest may come again); ``plan_m`` (N, 2) in map, empty without a plan; ``facts`` in words, the most severe first;
    ``doors`` and ``lifts`` are to be told what the robot wants of them; ``inspection`` is how far one has come, None
    without news of one."""

    twist: Twist2
    state: RobotState
    outcomes: tuple[WaypointOutcome, ...]
    plan_m: Floats
    mission_done: bool
    facts: tuple[str, ...]
    doors: tuple[DoorRequest, ...] = ()
    lifts: tuple[LiftRequest, ...] = ()
    inspection: InspectionState | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "plan_m", frozen_array("plan_m", self.plan_m, (None, 2)))
