# SPDX-License-Identifier: Apache-2.0
"""What the service says to the page: one snapshot after connecting, then changes. The page's types are made from these models.

Each change is keyed: a newer one with the same key replaces an older one that still waits for a slow viewer.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from patrol.config import Config
from patrol.wire import (
    BeliefUpdate,
    MapUpdate,
    OutcomeReported,
    Point,
    RouteUpdate,
    Telemetry,
    VideoState,
    WirePose,
    WireReason,
    WireZone,
)

LinkStatus = Literal["online", "silent", "offline"]
AlertState = Literal["new", "acknowledged", "dismissed"]
CommandState = Literal["sent", "accepted", "refused", "no answer"]
Ring = tuple[Point, ...]


class SiteArea(Config):
    """A polygon of the site in map: its outer ring first, then holes."""

    area_id: str
    kind: Literal["building", "zone", "keep_out", "slow", "privacy", "floor"]
    name: str
    purpose: str = ""
    rings_m: tuple[Ring, ...]


class SiteGate(Config):
    gate_id: str
    name: str
    line_m: Ring


class SiteMark(Config):
    mark_id: str
    kind: Literal["dock", "waypoint", "camera"]
    name: str
    pose: WirePose


class SiteView(Config):
    """The site in metres in map (x east, y north)."""

    site_id: str
    name: str
    perimeter_m: tuple[Ring, ...]
    areas: tuple[SiteArea, ...]
    gates: tuple[SiteGate, ...]
    marks: tuple[SiteMark, ...]


class LinkView(Config):
    """How the robot's link is: ``silent`` means connected without fresh telemetry. ``because`` says why it is not online."""

    status: LinkStatus
    because: str = ""
    telemetry_age_s: float | None = Field(default=None, description="age of the newest telemetry when this was sent")


class AlertAction(Config):
    action: Literal["acknowledged", "dismissed"]
    by: str
    at_ns: int
    note: str


class AlertView(Config):
    """An alert and what became of it."""

    alert_key: int
    robot_id: str
    alert_id: str
    state: AlertState
    received_ns: int
    stamp_ns: int
    severity: str
    reason: WireReason
    zone_id: str
    track_id: int
    label: str
    position_m: Point
    covariance_m2: tuple[float, float, float]
    position_uncertain: bool
    has_picture: bool
    incident_id: str = ""
    path_m: tuple[Point, ...] = ()
    actions: tuple[AlertAction, ...] = ()


class CommandView(Config):
    command_id: str
    robot_id: str
    kind: str
    mission_id: str
    issued_by: str
    issued_ns: int
    state: CommandState
    because: str = ""


class ZonesView(Config):
    """The zones that were last ordered for a robot, and what it answered: ``accepted`` is its acknowledgement that they are in
    force, and ``because`` then says what it does where it stands in one. ``in_force`` are those that it last acknowledged."""

    robot_id: str
    revision: int
    zones: tuple[WireZone, ...]
    issued_by: str
    state: CommandState
    because: str = ""
    in_force: tuple[WireZone, ...] = ()


class RobotView(Config):
    """Everything the page shows of one robot."""

    robot_id: str
    name: str
    link: LinkView
    missions: tuple[str, ...] = ()
    site: SiteView | None = None
    site_fault: str = ""
    telemetry: Telemetry | None = None
    map: MapUpdate | None = None
    route: RouteUpdate | None = None
    beliefs: BeliefUpdate | None = None
    video: tuple[VideoState, ...] = ()
    trail_m: tuple[Point, ...] = ()
    outcomes: tuple[OutcomeReported, ...] = ()


class WhoView(Config):
    """Who is signed in. ``one_time``: their password has been used up, and they should choose one."""

    name: str
    role: Literal["viewer", "operator"]
    one_time: bool


class Snapshot(Config):
    type: Literal["snapshot"] = "snapshot"
    who: WhoView
    now_ns: int
    robots: tuple[RobotView, ...]
    alerts: tuple[AlertView, ...]
    commands: tuple[CommandView, ...]


class RobotChanged(Config):
    """A robot said hello: everything about it anew."""

    type: Literal["robot"] = "robot"
    robot: RobotView


class LinkChanged(Config):
    type: Literal["link"] = "link"
    robot_id: str
    link: LinkView


class TelemetryChanged(Config):
    type: Literal["telemetry"] = "telemetry"
    robot_id: str
    telemetry: Telemetry


class MapChanged(Config):
    type: Literal["map"] = "map"
    robot_id: str
    map: MapUpdate


class RouteChanged(Config):
    type: Literal["route"] = "route"
    robot_id: str
    route: RouteUpdate


class BeliefsChanged(Config):
    type: Literal["beliefs"] = "beliefs"
    robot_id: str
    beliefs: BeliefUpdate


class VideoChanged(Config):
    type: Literal["video"] = "video"
    robot_id: str
    video: VideoState


class OutcomeAdded(Config):
    type: Literal["outcome"] = "outcome"
    robot_id: str
    outcome: OutcomeReported


class AlertChanged(Config):
    type: Literal["alert"] = "alert"
    alert: AlertView


class CommandChanged(Config):
    type: Literal["command"] = "command"
    command: CommandView


class Pulse(Config):
    """Once a second, so that the page knows that the service lives even while no robot speaks."""

    type: Literal["pulse"] = "pulse"
    now_ns: int


Change = (
    RobotChanged
    | LinkChanged
    | TelemetryChanged
    | MapChanged
    | RouteChanged
    | BeliefsChanged
    | VideoChanged
    | OutcomeAdded
    | AlertChanged
    | CommandChanged
    | Pulse
)
ToBrowser = Annotated[Snapshot | Change, Field(discriminator="type")]
TO_BROWSER: TypeAdapter[ToBrowser] = TypeAdapter(ToBrowser)


def key_of(change: Change) -> tuple[str, str]:
    """What a newer change replaces: (type, whose)."""
    match change:
        case Pulse():
            whose = ""
        case RobotChanged():
            whose = change.robot.robot_id
        case AlertChanged():
            whose = str(change.alert.alert_key)
        case CommandChanged():
            whose = change.command.command_id
        case OutcomeAdded():
            whose = f"{change.robot_id}/{change.outcome.sequence}"
        case VideoChanged():
            whose = f"{change.robot_id}/{change.video.stream}"
        case _:
            whose = change.robot_id
    return change.type, whose
