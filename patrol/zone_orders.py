# SPDX-License-Identifier: Apache-2.0
"""Words for zones that are changed while the robot drives: what is ordered, and what the robot answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from patrol.checks import require_finite, require_in, require_positive
from patrol.errors import BadValue

ZoneKind = Literal["keep out", "slow", "one way"]
ZONE_KINDS: tuple[ZoneKind, ...] = ("keep out", "slow", "one way")
WhenInside = Literal["leave", "hold"]
MOST_CORNERS = 200
MOST_ZONES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimeZone:
    """``corners_m`` (x, y) m in map, three at least. ``limit_mps`` goes with a slow zone, ``heading_rad`` (the one direction of
    travel, from +x of map) with a one-way zone. ``when_inside`` says what a robot does that stands in a new keep-out."""

    zone_id: str
    kind: ZoneKind
    corners_m: tuple[tuple[float, float], ...]
    limit_mps: float | None = None
    heading_rad: float | None = None
    when_inside: WhenInside = "leave"

    def __post_init__(self) -> None:
        require_in("kind", self.kind, ZONE_KINDS)
        require_in("when_inside", self.when_inside, ("leave", "hold"))
        if not 3 <= len(self.corners_m) <= MOST_CORNERS:
            raise BadValue(f"corners_m: {self.zone_id} has {len(self.corners_m)} corners, not 3 to {MOST_CORNERS}")
        for corner in self.corners_m:
            for part in corner:
                require_finite("corners_m", part)
        if (self.kind == "slow") != (self.limit_mps is not None) or (self.kind == "one way") != (self.heading_rad is not None):
            raise BadValue(f"{self.zone_id}: a slow zone has limit_mps, a one-way zone heading_rad, and no other has them")
        if self.limit_mps is not None:
            require_positive("limit_mps", self.limit_mps)
        if self.heading_rad is not None and not math.isfinite(self.heading_rad):
            raise BadValue(f"heading_rad: {self.heading_rad!r} is not finite")


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneOrder:
    """All zones that hold from now on besides those of the site file; a higher ``revision`` replaces a lower one."""

    order_id: str
    revision: int
    expires_ns: int
    issued_by: str
    zones: tuple[RunTimeZone, ...]

    def __post_init__(self) -> None:
        if len(self.zones) > MOST_ZONES:
            raise BadValue(f"zones: {len(self.zones)} are more than {MOST_ZONES}")
        if len({zone.zone_id for zone in self.zones}) != len(self.zones):
            raise BadValue("zones: the ids must differ")


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonesInForce:
    """The robot's acknowledgement: ``revision`` is in force on it. ``inside`` names the keep-outs that it stands in, and
    ``exit_by`` says what it does about that."""

    order_id: str
    revision: int
    inside: tuple[str, ...] = ()
    exit_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonesRefused:
    """``revision`` is the one that stays in force."""

    order_id: str
    revision: int
    because: str


ZoneAnswer = ZonesInForce | ZonesRefused
