# SPDX-License-Identifier: Apache-2.0
"""Everything that a report is made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, frozen_array
from patrol.errors import BadValue
from patrol.grid import OccupancyGrid
from patrol.operations import WaypointOutcome
from patrol.percepts import Alert
from patrol.promise import Promise
from patrol.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class PatrolStart:
    """What is known as a patrol begins. ``commit`` and ``version`` are those of the software that drives; ``promise`` is what the
    mission guarantees, None where that is not known."""

    patrol_id: str
    robot_id: str
    robot_name: str
    site_id: str
    mission_id: str
    mission_name: str
    laps: int
    waypoints_per_lap: int
    started_ns: int
    version: str
    commit: str
    promise: Promise | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """What the battery gave: charge 0..1 at both ends, and the energy drawn since the start."""

    charge_start: float
    charge_end: float
    drawn_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The map at the end and which of its cells were ever seen: ``mask`` (H, W) bool on the grid's cells."""

    grid: OccupancyGrid
    mask: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        object.__setattr__(self, "mask", frozen_array("mask", self.mask, self.grid.cells.shape, np.bool_))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingProof:
    """Which recording belongs to the patrol. ``damage`` is empty when it is whole."""

    file_name: str
    sha256: str
    size_bytes: int
    messages: int
    damage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatrolRecord:
    """One patrol. ``trail_m`` (N, 2) in map; ``ended_because`` is empty after a complete patrol, and else says why it ended.

    ``energy``, ``seen`` and ``recording`` are None where nothing is known. ``earlier_recordings`` are those of recorders that
    ended before the patrol did.
    """

    start: PatrolStart
    site: Site
    ended_ns: int
    ended_because: str
    trail_m: Floats
    distance_m: float
    outcomes: tuple[WaypointOutcome, ...]
    alerts: tuple[Alert, ...]
    energy: Energy | None = None
    seen: Seen | None = None
    recording: RecordingProof | None = None
    earlier_recordings: tuple[RecordingProof, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "trail_m", frozen_array("trail_m", self.trail_m, (None, 2)))
        if self.ended_ns < self.start.started_ns:
            raise BadValue(f"ended_ns: {self.ended_ns} lies before the start {self.start.started_ns}")
