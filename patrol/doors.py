# SPDX-License-Identifier: Apache-2.0
"""Words between a robot and what opens doors: the robot asks, the door's own controller tells how the door stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from patrol.checks import require_in

DoorWish = Literal["open", "close"]
DoorPosition = Literal["open", "closed", "moving", "fault"]
DOOR_WISHES: tuple[DoorWish, ...] = ("open", "close")
DOOR_POSITIONS: tuple[DoorPosition, ...] = ("open", "closed", "moving", "fault")


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRequest:
    """A robot wants a door in a position. It asks again and again until it is so; ``close`` says that it is through."""

    stamp_ns: int
    door_id: str
    wish: DoorWish

    def __post_init__(self) -> None:
        require_in("wish", self.wish, DOOR_WISHES)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorState:
    """How a door stands at ``stamp_ns``; ``open`` means that a robot may drive through."""

    stamp_ns: int
    door_id: str
    position: DoorPosition

    def __post_init__(self) -> None:
        require_in("position", self.position, DOOR_POSITIONS)
