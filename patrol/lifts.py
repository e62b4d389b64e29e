# SPDX-License-Identifier: Apache-2.0
"""Words between a robot and a lift: the robot asks for the cabin, the lift's own controller tells where it is and whom it serves.

They say what the messages ``LiftRequest`` and ``LiftState`` of Open-RMF (rmf_lift_msgs) say, so that an adapter for those is a
conversion: a session, the floor asked for, and doors, motion and floor of the cabin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from patrol.checks import require_in
from patrol.errors import BadValue

LiftWish = Literal["come", "end"]
LiftDoors = Literal["open", "closed", "moving", "fault"]
LiftMotion = Literal["standing", "moving", "fault"]
LIFT_WISHES: tuple[LiftWish, ...] = ("come", "end")
LIFT_DOORS: tuple[LiftDoors, ...] = ("open", "closed", "moving", "fault")
LIFT_MOTIONS: tuple[LiftMotion, ...] = ("standing", "moving", "fault")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftRequest:
    """The robot of ``session`` wants the cabin at ``level`` with its doors open, from outside or from inside. It asks again and
    again; ``end`` says that it needs the lift no more. A lift forgets a session that asks no more."""

    stamp_ns: int
    lift_id: str
    session: str
    wish: LiftWish
    level: int

    def __post_init__(self) -> None:
        require_in("wish", self.wish, LIFT_WISHES)
        if not self.session:
            raise BadValue("session: a lift must know who asks")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftState:
    """Where the cabin is at ``stamp_ns``: at ``level``, or on the way having passed it last. ``session`` is whom it serves, empty
    for nobody; a lift that people use serves nobody's session but their own."""

    stamp_ns: int
    lift_id: str
    level: int
    doors: LiftDoors
    motion: LiftMotion
    session: str = ""

    def __post_init__(self) -> None:
        require_in("doors", self.doors, LIFT_DOORS)
        require_in("motion", self.motion, LIFT_MOTIONS)
