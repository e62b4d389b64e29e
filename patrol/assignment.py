# SPDX-License-Identifier: Apache-2.0
"""What a team asks of one of its robots: the stops to visit next. The robot's own mission drives there."""

from __future__ import annotations

from dataclasses import dataclass

from patrol.errors import BadValue
from patrol.operations import RouteWaypoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """``stops`` are the next ones of the mission ``mission_id``, far enough ahead to go on for a while without the team;
    ``because`` is the clause that an operator reads; ``is_over``: the team's rounds are done."""

    stamp_ns: int
    mission_id: str
    stops: tuple[RouteWaypoint, ...]
    because: str
    is_over: bool = False

    def __post_init__(self) -> None:
        if not (self.stops or self.is_over):
            raise BadValue("stops: an assignment needs one at least until the rounds are over")
