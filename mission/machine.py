# SPDX-License-Identifier: Apache-2.0
"""The robot's modes as one table: (mode, event) → mode. Whatever the table does not list is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from patrol.operations import CommandKind, Mode


class Event(StrEnum):
    """What happens to the mode without a command."""

    HOLD = "hold"
    RELEASE = "release"
    DOCK_NEEDED = "dock needed"
    ROUTE_DONE = "route done"
    ROUTE_DONE_STAY = "route done, stay"
    DOCK_REACHED = "dock reached"
    DOCK_MISSED = "dock missed"
    STOP_NEEDED = "stop needed"


Trigger = CommandKind | Event
_IDLE, _PATROL, _PAUSED, _HELD = Mode.IDLE, Mode.PATROLLING, Mode.PAUSED, Mode.HELD
_DOCKING, _DOCKED, _ESTOPPED = Mode.DOCKING, Mode.DOCKED, Mode.ESTOPPED
_C, _E = CommandKind, Event

RETURN = "return"
"""Target of a row that goes back to the mode that was held or stopped."""

TABLE: dict[tuple[Mode, Trigger], Mode | str] = {
    (_IDLE, _C.START): _PATROL,
    (_IDLE, _C.DOCK): _DOCKING,
    (_DOCKED, _C.START): _PATROL,
    (_PATROL, _C.PAUSE): _PAUSED,
    (_PATROL, _C.ABORT): _IDLE,
    (_PATROL, _C.DOCK): _DOCKING,
    (_PATROL, _E.HOLD): _HELD,
    (_PATROL, _E.DOCK_NEEDED): _DOCKING,
    (_PATROL, _E.ROUTE_DONE): _DOCKING,
    (_PATROL, _E.ROUTE_DONE_STAY): _IDLE,
    (_PAUSED, _C.RESUME): RETURN,
    (_PAUSED, _C.ABORT): _IDLE,
    (_PAUSED, _C.DOCK): _DOCKING,
    (_HELD, _C.PAUSE): _PAUSED,
    (_HELD, _C.ABORT): _IDLE,
    (_HELD, _C.DOCK): _DOCKING,
    (_HELD, _E.RELEASE): RETURN,
    (_DOCKING, _C.PAUSE): _PAUSED,
    (_DOCKING, _C.ABORT): _IDLE,
    (_DOCKING, _C.START): _PATROL,
    (_DOCKING, _E.HOLD): _HELD,
    (_DOCKING, _E.DOCK_REACHED): _DOCKED,
    (_DOCKING, _E.DOCK_MISSED): _IDLE,
    (_ESTOPPED, _C.ABORT): _ESTOPPED,
    (_ESTOPPED, _C.ESTOP): _ESTOPPED,
    **{(mode, _C.ESTOP): _ESTOPPED for mode in Mode if mode is not _ESTOPPED},
    **{(mode, _E.STOP_NEEDED): _ESTOPPED for mode in Mode if mode is not _ESTOPPED},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The mode, and the mode that a hold, a pause or an e-stop interrupted."""

    mode: Mode = Mode.IDLE
    interrupted: Mode = Mode.IDLE

    def allows(self, trigger: Trigger) -> bool:
        """Whether the table has a row for ``trigger`` in this mode."""
        return (self.mode, trigger) in TABLE

    def after(self, trigger: Trigger) -> Machine:
        """The machine after ``trigger``; itself when the table has no row for it."""
        target = TABLE.get((self.mode, trigger), self.mode)
        if not isinstance(target, Mode):
            return Machine(mode=self.interrupted)
        if target is self.mode:
            return Machine(mode=target) if trigger is CommandKind.ABORT else self
        if target not in (_PAUSED, _HELD, _ESTOPPED):
            return Machine(mode=target)
        interrupted = self.interrupted if self.mode in (_PAUSED, _HELD) else self.mode
        return Machine(mode=target, interrupted=interrupted)

    def after_reset(self) -> Machine:
        """The machine once the e-stop is released: what was interrupted waits for a person to resume it."""
        moving = self.interrupted in (_PATROL, _DOCKING)
        return Machine(mode=_PAUSED, interrupted=self.interrupted) if moving else Machine(mode=self.interrupted)
