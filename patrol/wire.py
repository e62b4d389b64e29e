# SPDX-License-Identifier: Apache-2.0
"""What a robot and the command centre say to each other over the one WebSocket that the robot dials.

Text frames carry one JSON message each, of the unions ``FromRobot`` and ``ToRobot``; binary frames carry video access units
(``VideoPacket``). Positions are metres in ``map``; stamps are nanoseconds of the robot's clock, except ``sent_ns``, which is
wall time. The handshake carries ``Authorization: Bearer <robot token>``.

``AlertRaised``, ``OutcomeReported`` and ``CommandAnswered`` are durable: they carry a ``sequence`` that grows by one, the
robot keeps them until the centre answers with ``Received``, and sends them again after a reconnection; the centre stores each
sequence once.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from patrol.config import Config
from patrol.errors import BadValue

PROTOCOL_VERSION = 1
Point = tuple[float, float]
Numbered = Annotated[int, Field(ge=0, le=2**63 - 1)]
Id = Annotated[str, Field(max_length=64)]


class WirePose(Config):
    x_m: float
    y_m: float
    yaw_rad: float


class WireProgress(Config):
    mission_id: str
    lap: int
    leg: int
    legs: int
    waypoint_id: str
    fraction: float
    time_left_s: float


class WireTrack(Config):
    """One track on the map and in the picture (``box_px``: left, top, right, bottom)."""

    track_id: int
    label: str
    state: str
    score: float
    position_m: Point | None = None
    velocity_mps: Point | None = None
    covariance_m2: tuple[float, float, float] | None = Field(default=None, description="xx, xy, yy")
    box_px: tuple[float, float, float, float] | None = None


class WireThreshold(Config):
    name: str
    measured: float
    limit: float
    holds_when: str


class WireReason(Config):
    rule: str
    sentence: str
    thresholds: tuple[WireThreshold, ...]
    nearest_change: str


class Hello(Config):
    """First message after the handshake; the site as GeoJSON text so that the centre needs no file of its own."""

    type: Literal["hello"] = "hello"
    protocol: int = PROTOCOL_VERSION
    robot_id: str
    name: str
    site_id: str
    site_geojson: str
    missions: tuple[str, ...] = ()


class Telemetry(Config):
    """Five times a second. ``ages_s`` is the age of each sensor's newest data; ``fact`` lists what is wrong, in words."""

    type: Literal["telemetry"] = "telemetry"
    stamp_ns: int
    sent_ns: int
    mode: str
    why: str
    pose: WirePose | None
    position_std_m: float
    doubt: str = ""
    speed_mps: float
    commanded_mps: float
    charge: float
    progress: WireProgress | None = None
    tracks: tuple[WireTrack, ...] = ()
    ages_s: dict[str, float] = Field(default_factory=dict)
    facts: tuple[str, ...] = ()


class MapUpdate(Config):
    """The occupancy grid as a PNG (base64; a grey byte per cell: 255 free, 0 occupied, 128 unknown; top row: highest y)."""

    type: Literal["map"] = "map"
    stamp_ns: int
    resolution_m: float
    origin_m: Point
    width: int
    height: int
    png_base64: str


class RouteUpdate(Config):
    """The route of the mission, and the path planned to the next waypoint."""

    type: Literal["route"] = "route"
    stamp_ns: int
    route_m: tuple[Point, ...]
    plan_m: tuple[Point, ...] = ()


class WireZoneMass(Config):
    zone_id: str
    mass: float


class WireBelief(Config):
    """Where somebody out of sight may be: ``cells`` are x, y of the middle and probability of squares of ``cell_m``, the
    likeliest first. ``contact`` 0..1 is how much of it the looks since then have left standing."""

    track_id: int
    label: str
    last_seen_ns: int
    age_s: float
    cell_m: float
    cells: tuple[tuple[float, float, float], ...] = Field(max_length=1000)
    zones: tuple[WireZoneMass, ...] = ()
    contact: float = 1.0


class BeliefUpdate(Config):
    """Everybody who is out of sight, about once a second; empty once nobody is any more."""

    type: Literal["beliefs"] = "beliefs"
    stamp_ns: int
    beliefs: tuple[WireBelief, ...] = Field(default=(), max_length=64)


class AlertRaised(Config):
    type: Literal["alert"] = "alert"
    sequence: Numbered
    alert_id: Id
    stamp_ns: int
    severity: str
    reason: WireReason
    zone_id: str
    track_id: int
    label: str
    position_m: Point
    covariance_m2: tuple[float, float, float]
    position_uncertain: bool
    picture_jpeg_base64: str = ""
    incident_id: str = Field(default="", description="alerts about one intruder share it")
    path_m: tuple[Point, ...] = Field(default=(), description="where it was in the last seconds, oldest first")


class OutcomeReported(Config):
    """What became of one waypoint."""

    type: Literal["outcome"] = "outcome"
    sequence: Numbered
    lap: int
    leg: int
    waypoint_id: str
    outcome: str
    because: str
    started_ns: int
    ended_ns: int


class CommandAnswered(Config):
    type: Literal["answer"] = "answer"
    sequence: Numbered
    command_id: Id
    accepted: bool
    because: str = ""


class VideoState(Config):
    """Sent on every change: ``live``, ``covered`` (the anonymiser failed: picture hidden) or ``dead`` (no pictures come)."""

    type: Literal["video_state"] = "video_state"
    stream: str
    state: Literal["live", "covered", "dead"]
    because: str = ""
    width_px: int = 0
    height_px: int = 0


class CommandIssued(Config):
    type: Literal["command"] = "command"
    command_id: str
    kind: str
    expires_in_s: float
    issued_by: str
    mission_id: str = ""


class WireZone(Config):
    """A zone that holds until it is changed again; see ``patrol.zone_orders.RunTimeZone``."""

    zone_id: str = Field(min_length=1, max_length=64)
    kind: Literal["keep out", "slow", "one way"]
    corners_m: tuple[Point, ...] = Field(min_length=3, max_length=200)
    limit_mps: float | None = Field(default=None, gt=0, le=10)
    heading_rad: float | None = None
    when_inside: Literal["leave", "hold"] = "leave"


class ZonesOrdered(Config):
    """All zones that hold from now on; answered like a command, with ``order_id`` for its id. Accepted means in force on the
    robot, and ``because`` then says what it does about a zone that it stands in."""

    type: Literal["zones"] = "zones"
    order_id: str
    revision: int
    expires_in_s: float
    issued_by: str
    zones: tuple[WireZone, ...] = Field(max_length=100)


class KeyframeWanted(Config):
    type: Literal["keyframe"] = "keyframe"
    stream: str


class Received(Config):
    """The centre has stored every durable message up to and including ``sequence``."""

    type: Literal["received"] = "received"
    sequence: int


FromRobot = Annotated[
    Hello | Telemetry | MapUpdate | RouteUpdate | BeliefUpdate | AlertRaised | OutcomeReported | CommandAnswered | VideoState,
    Field(discriminator="type"),
]
ToRobot = Annotated[CommandIssued | ZonesOrdered | KeyframeWanted | Received, Field(discriminator="type")]

FROM_ROBOT: TypeAdapter[FromRobot] = TypeAdapter(FromRobot)
TO_ROBOT: TypeAdapter[ToRobot] = TypeAdapter(ToRobot)

_VIDEO_HEADER = struct.Struct("!2sBBqqI")
_VIDEO_MAGIC = b"PV"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPacket:
    """One H.264 access unit (Annex B) of ``stream``: ``stamp_ns`` of its picture, ``pts_90khz`` for RTP, and whether it can be
    decoded alone. Metadata travels inside it as SEI."""

    stream: int
    stamp_ns: int
    pts_90khz: int
    is_key: bool
    data: bytes

    def to_bytes(self) -> bytes:
        """Header (24 bytes, network order: magic, stream, key flag, stamp, pts, length) and payload."""
        header = _VIDEO_HEADER.pack(_VIDEO_MAGIC, self.stream, int(self.is_key), self.stamp_ns, self.pts_90khz, len(self.data))
        return header + self.data

    @classmethod
    def from_bytes(cls, frame: bytes) -> VideoPacket:
        """Parse a binary frame. Raises BadValue when it is not one whole packet."""
        if len(frame) < _VIDEO_HEADER.size:
            raise BadValue(f"video packet: {len(frame)} bytes are fewer than the header's {_VIDEO_HEADER.size}")
        magic, stream, key, stamp_ns, pts, length = _VIDEO_HEADER.unpack_from(frame)
        if magic != _VIDEO_MAGIC or length != len(frame) - _VIDEO_HEADER.size:
            raise BadValue(f"video packet: magic {magic!r}, length {length} of {len(frame) - _VIDEO_HEADER.size}")
        data = frame[_VIDEO_HEADER.size :]
        return cls(stream=stream, stamp_ns=stamp_ns, pts_90khz=pts, is_key=bool(key), data=data)
