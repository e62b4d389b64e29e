# SPDX-License-Identifier: Apache-2.0
"""Words for what the robot is asked to do and what becomes of it: commands, missions, waypoint outcomes, robot state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from patrol.checks import require_positive
from patrol.errors import BadValue
from patrol.geometry import Pose2


class CommandKind(StrEnum):
    """What an operator may ask for. ``teleop`` takes the robot by hand. An e-stop latches; clearing it takes
    ``estop_arm_reset`` and then ``estop_reset``."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    DOCK = "dock"
    TELEOP = "teleop"
    ESTOP = "estop"
    ESTOP_ARM_RESET = "estop_arm_reset"
    ESTOP_RESET = "estop_reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One order with an expiry; after ``expires_ns`` it is refused. The same ``command_id`` is carried out once at most."""

    command_id: str
    kind: CommandKind
    expires_ns: int
    issued_by: str
    mission_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    command_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    command_id: str
    because: str


CommandAnswer = Accepted | Refused


class Mode(StrEnum):
    """What the robot is doing as a whole."""

    IDLE = "idle"
    PATROLLING = "patrolling"
    PAUSED = "paused"
    HELD = "held"
    DOCKING = "docking"
    DOCKED = "docked"
    TELEOP = "teleop"
    ESTOPPED = "estopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteWaypoint:
    """One stop of a route in map, on ``floor``, where the robot looks around for ``dwell_s``; it does not set off there before
    ``not_before_ns``."""

    waypoint_id: str
    pose: Pose2
    dwell_s: float = 0.0
    not_before_ns: int = 0
    floor: int = 0

    def __post_init__(self) -> None:
        if self.dwell_s < 0:
            raise BadValue(f"dwell_s: {self.dwell_s!r} is below zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Ordered waypoints; leg i leads to waypoint i."""

    route_id: str
    waypoints: tuple[RouteWaypoint, ...]

    def __post_init__(self) -> None:
        if not self.waypoints:
            raise BadValue("waypoints: a route needs one at least")


Attends = Literal["search", "inspect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission:
    """A route driven ``laps`` times at ``speed_mps`` at most.

    A leg may take ``leg_deadline_factor`` times as long as its length at that speed; ``docks_after`` sends the robot back to
    its dock after the last waypoint. Where ``is_drawn``, the robot draws as many visits as ``laps`` rounds of the route have.
    ``attends`` says which alerts may interrupt it: to look for who went out of sight, to look at a thing from all around.
    """

    mission_id: str
    name: str
    route: Route
    laps: int = 1
    speed_mps: float = 1.2
    leg_deadline_factor: float = 3.0
    docks_after: bool = True
    is_drawn: bool = False
    attends: tuple[Attends, ...] = ()

    @property
    def laps_counted(self) -> tuple[int, int]:
        """Laps and stops a lap, as outcomes count them: a drawn patrol is one long lap."""
        stops = len(self.route.waypoints)
        return (1, self.laps * stops) if self.is_drawn else (self.laps, stops)

    def __post_init__(self) -> None:
        require_positive("laps", self.laps)
        require_positive("leg_deadline_factor", self.leg_deadline_factor)
        require_positive("speed_mps", self.speed_mps)


OutcomeKind = Literal["reached", "missed", "pre-empted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaypointOutcome:
    """What became of one waypoint of one lap; exactly one per waypoint and lap. ``because`` is empty when reached."""

    lap: int
    leg: int
    waypoint_id: str
    outcome: OutcomeKind
    because: str
    started_ns: int
    ended_ns: int

    def __post_init__(self) -> None:
        if (self.outcome == "reached") != (self.because == ""):
            raise BadValue(f"because: {self.because!r} does not go with outcome {self.outcome!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MissionProgress:
    """Feedback while a mission runs."""

    mission_id: str
    lap: int
    leg: int
    legs: int
    waypoint_id: str
    fraction: float
    time_left_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotState:
    """The robot as the command centre sees it; ``why`` is one sentence: why it is doing this."""

    stamp_ns: int
    mode: Mode
    why: str
    map_from_base: Pose2 | None
    position_std_m: float
    speed_mps: float
    charge: float
    progress: MissionProgress | None
