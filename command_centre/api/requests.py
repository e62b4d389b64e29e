# SPDX-License-Identifier: Apache-2.0
"""Bodies of requests and answers of the web interface."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from command_centre.api.accounts import SHORTEST_PASSWORD
from patrol.config import Config
from patrol.operations import CommandKind
from patrol.wire import WireZone


class SignInRequest(Config):
    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


class NewPassword(Config):
    """``current`` is the password that was chosen before; nobody is asked for a one-time password again."""

    current: str = Field(default="", max_length=256)
    password: str = Field(min_length=SHORTEST_PASSWORD, max_length=256)


class AlertNote(Config):
    note: str = Field(default="", max_length=1000)


class CommandRequest(Config):
    kind: CommandKind
    mission_id: str = Field(default="", max_length=64)


class ZonesRequest(Config):
    """All zones that shall hold on a robot from now on, besides those of its site file; none takes them all away."""

    zones: tuple[WireZone, ...] = Field(max_length=100)

    @model_validator(mode="after")
    def _each_is_whole(self) -> ZonesRequest:
        for zone in self.zones:
            if (zone.kind == "slow") != (zone.limit_mps is not None) or (zone.kind == "one way") != (
                zone.heading_rad is not None
            ):
                raise ValueError(f"{zone.zone_id}: a slow zone has limit_mps, a one-way zone heading_rad, and no other has them")
        if len({zone.zone_id for zone in self.zones}) != len(self.zones):
            raise ValueError("zones: the ids must differ")
        return self


class VideoOffer(Config):
    """A WebRTC offer with all of its candidates, for one stream of one robot."""

    robot_id: str = Field(max_length=64)
    stream: str = Field(default="camera", max_length=32)
    sdp: str = Field(max_length=64_000)


class VideoAnswer(Config):
    sdp: str


class AuditEntry(Config):
    sequence: int
    at_ns: int
    actor: str
    action: str
    subject: str
    detail: str
    entry_hash: str


class AuditVerdictView(Config):
    intact: bool
    entries: int
    first_broken: int | None = None
    because: str = ""


class Health(Config):
    """Whether the service runs, and which robots are connected; anybody may ask."""

    status: Literal["ok"]
    robots_linked: tuple[str, ...]


class Problem(Config):
    """Every refusal has this shape."""

    because: str
