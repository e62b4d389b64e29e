# SPDX-License-Identifier: Apache-2.0
"""What perception says: detections in one picture, tracks over time, alerts that ask a person to act."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import numpy as np

from patrol.checks import Floats, frozen_array, require_in
from patrol.errors import BadValue


class Label(StrEnum):
    """The classes that the stack tells apart. Events, never identities."""

    PERSON = "person"
    VEHICLE = "vehicle"
    ANIMAL = "animal"
    OBJECT = "object"
    DRONE = "drone"
    MISSING = "missing object"
    THROWN = "thrown object"
    BIRD = "bird"
    GLASS = "breaking glass"
    SHOUT = "shouting"
    ROTOR = "rotor tone"


SOUNDS = (Label.GLASS, Label.SHOUT, Label.ROTOR)
"""What is heard and not seen."""
Source = Literal["camera", "thermal", "lidar"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Axis-aligned box in pixels of one picture: left, top, right, bottom; right and bottom lie outside the box."""

    x0_px: float
    y0_px: float
    x1_px: float
    y1_px: float

    def __post_init__(self) -> None:
        if not (self.x1_px > self.x0_px and self.y1_px > self.y0_px):
            raise BadValue(f"box: ({self.x0_px}, {self.y0_px}, {self.x1_px}, {self.y1_px}) is empty")

    @property
    def width_px(self) -> float:
        return self.x1_px - self.x0_px

    @property
    def height_px(self) -> float:
        return self.y1_px - self.y0_px

    @property
    def foot_px(self) -> tuple[float, float]:
        """Middle of the lower edge: where a standing thing meets the ground."""
        return 0.5 * (self.x0_px + self.x1_px), self.y1_px


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One object in one picture or cloud."""

    stamp_ns: int
    frame_id: str
    source: Source
    label: Label
    score: float
    box: Box

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise BadValue(f"score: {self.score!r} is not within 0..1")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundPosition:
    """Where a thing stands on the map: ``position_m`` (2,) and ``velocity_mps`` (2,) in map, ``covariance_m2`` (2, 2)."""

    position_m: Floats
    velocity_mps: Floats
    covariance_m2: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "position_m", frozen_array("position_m", self.position_m, (2,)))
        object.__setattr__(self, "velocity_mps", frozen_array("velocity_mps", self.velocity_mps, (2,)))
        object.__setattr__(self, "covariance_m2", frozen_array("covariance_m2", self.covariance_m2, (2, 2)))


TrackState = Literal["tentative", "confirmed", "coasting", "ended"]
TRACK_STATES: tuple[TrackState, ...] = ("tentative", "confirmed", "coasting", "ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One thing followed over time. ``box`` is where it is, or is predicted to be, in the picture at ``stamp_ns``;
    ``ground`` is missing while it could not be placed on the map. A coasting track was not, or not surely, detected
    in this picture. ``cold_s``: how long a thermal camera saw it stand where it was first seen, no warmer than what
    surrounds it; 0 without a thermal camera that could tell. ``top_m``: how high above the ground its upper edge is; None
    where the picture does not show that. ``drove_m``: how far a lidar saw a vehicle drive; None where none could tell."""

    track_id: int
    label: Label
    state: TrackState
    stamp_ns: int
    first_seen_ns: int
    last_seen_ns: int
    hits: int
    score: float
    box: Box | None
    ground: GroundPosition | None
    floor: int = 0
    cold_s: float = 0.0
    top_m: float | None = None
    drove_m: float | None = None

    def __post_init__(self) -> None:
        require_in("state", self.state, TRACK_STATES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One test that a rule made: the measured value against its limit, with the unit in the name (``dwell_s``)."""

    name: str
    measured: float
    limit: float
    holds_when: Literal["at least", "at most"]

    @property
    def margin(self) -> float:
        """How far the measured value was past its limit; at least zero when the test held."""
        return self.measured - self.limit if self.holds_when == "at least" else self.limit - self.measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an alert fired: the rule, the sentence a person reads, every threshold, and the nearest change that would have
    kept it silent."""

    rule: str
    sentence: str
    thresholds: tuple[Threshold, ...]
    nearest_change: str


Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Asks a person to act. ``alert_id`` is a function of what was seen, so that a replay gives the same id.

    ``picture_jpeg`` is already anonymised; empty when no picture could be made safe. Alerts about one intruder, whatever the
    rule and the track, share an ``incident_id``. ``path_m`` (N, 2) in map is where it was in the last seconds, oldest first.
    """

    alert_id: str
    stamp_ns: int
    severity: Severity
    reason: Reason
    zone_id: str
    track_id: int
    label: Label
    ground: GroundPosition
    position_uncertain: bool
    picture_jpeg: bytes = b""
    incident_id: str = ""
    path_m: Floats = field(default_factory=lambda: np.zeros((0, 2)))

    def __post_init__(self) -> None:
        object.__setattr__(self, "path_m", frozen_array("path_m", self.path_m, (None, 2)))

    @staticmethod
    def id_for(rule: str, zone_id: str, track_id: int, first_seen_ns: int) -> str:
        """Stable id (16 hex digits) of one rule firing on one track in one zone."""
        text = f"{rule}|{zone_id}|{track_id}|{first_seen_ns}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]
