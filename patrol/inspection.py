# SPDX-License-Identifier: Apache-2.0
"""An inspection: a suspicious thing seen from all around, its size, its temperature, and pictures of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from patrol.checks import Floats, frozen_array, require_in, require_positive
from patrol.errors import BadValue
from patrol.percepts import Label

InspectionPhase = Literal["under way", "ended"]
INSPECTION_PHASES: tuple[InspectionPhase, ...] = ("under way", "ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionState:
    """How far the inspection of the thing that ``alert_id`` is about has come.

    ``position_m`` (2,) m in map is its middle and ``radius_m`` how far it reaches from there. ``seen_rad`` of the ``wanted_rad``
    around it have been seen. ``because`` is empty unless it ended with less: then it names the reason.
    """

    inspection_id: str
    alert_id: str
    incident_id: str
    stamp_ns: int
    phase: InspectionPhase
    label: Label
    zone_id: str
    track_id: int
    position_m: Floats
    radius_m: float
    seen_rad: float
    wanted_rad: float
    because: str = ""

    def __post_init__(self) -> None:
        require_in("phase", self.phase, INSPECTION_PHASES)
        require_positive("radius_m", self.radius_m)
        object.__setattr__(self, "position_m", frozen_array("position_m", self.position_m, (2,)))
        if self.phase == "ended" and self.is_whole == bool(self.because):
            raise BadValue(
                f"because: {self.because!r} does not go with {self.seen_deg:.0f} of {self.wanted_deg:.0f} degrees seen"
            )

    @property
    def is_whole(self) -> bool:
        """Whether as much of it has been seen as was asked for."""
        return self.seen_rad >= self.wanted_rad - 1e-6

    @property
    def seen_deg(self) -> float:
        return math.degrees(self.seen_rad)

    @property
    def wanted_deg(self) -> float:
        return math.degrees(self.wanted_rad)


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionView:
    """What one side looked like. ``bearing_rad`` points in map from the thing to the robot. ``warmest_k`` is the warmest spot of
    the thing and ``around_k`` what surrounds it, in kelvin as the thermal camera sees it; None without one. ``picture_jpeg`` is
    anonymised, empty when none could be made safe."""

    stamp_ns: int
    bearing_rad: float
    distance_m: float
    warmest_k: float | None = None
    around_k: float | None = None
    picture_jpeg: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionReport:
    """What an inspection found. ``size_m`` is length, width and height of the part that the lidar sees, ``size_error_m`` how far
    each may be off; both None when too few beams met it."""

    state: InspectionState
    began_ns: int
    size_m: tuple[float, float, float] | None
    size_error_m: float | None
    views: tuple[InspectionView, ...]

    def __post_init__(self) -> None:
        if (self.size_m is None) != (self.size_error_m is None):
            raise BadValue("size_m, size_error_m: go together")

    @property
    def warmest(self) -> InspectionView | None:
        """The view of the warmest side; None without a thermal camera."""
        measured = [view for view in self.views if view.warmest_k is not None]
        return max(measured, key=lambda view: view.warmest_k or 0.0, default=None)
