# SPDX-License-Identifier: Apache-2.0
"""What the executive is given and what it gives back, each step."""

from __future__ import annotations

from dataclasses import dataclass

from mission.supervisor import Observed
from patrol.checks import Floats, frozen_array
from patrol.estimate import PoseEstimate
from patrol.geometry import Twist2
from patrol.grid import OccupancyGrid
from patrol.operations import RobotState, WaypointOutcome
from patrol.percepts import Track
from patrol.sensors import Battery, Scan


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutiveInputs:
    """The newest of everything; None where nothing has come yet. ``twist`` is measured, ``facts`` come from outside
    (processes, links, buttons)."""

    now_ns: int
    estimate: PoseEstimate | None = None
    twist: Twist2 | None = None
    scan: Scan | None = None
    tracks: tuple[Track, ...] = ()
    grid: OccupancyGrid | None = None
    battery: Battery | None = None
    facts: tuple[Observed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``twist`` to hand to the stop guard; ``outcomes`` settled since the last step, each handed out once (after a restart
    the newest may come again); ``plan_m`` (N, 2) in map, empty without a plan; ``facts`` in words, the most severe first."""

    twist: Twist2
    state: RobotState
    outcomes: tuple[WaypointOutcome, ...]
    plan_m: Floats
    mission_done: bool
    facts: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "plan_m", frozen_array("plan_m", self.plan_m, (None, 2)))
