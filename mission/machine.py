# SPDX-License-Identifier: Apache-2.0
"""The robot's modes as one table: (mode, event) → mode. Whatever the table does not list is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from patrol.operations import CommandKind, Mode


class Event(StrEnum):
    """What happens to the mode without a command. After ``HOLD`` the robot goes on by itself once it is released; after
    ``STOP`` it then waits for a person."""

    HOLD = "hold"
    STOP = "stop"
    RELEASE = "release"
    DOCK_NEEDED = "dock needed"
    ROUTE_DONE = "route done"
    ROUTE_DONE_STAY = "route done, stay"
    DOCK_REACHED = "dock reached"
    DOCK_MISSED = "dock missed"
    STOP_NEEDED = "stop needed"


Trigger = CommandKind | Event
_IDLE, _PATROL, _PAUSED, _HELD = Mode.IDLE, Mode.PATROLLING, Mode.PAUSED, Mode.HELD
_DOCKING, _DOCKED, _ESTOPPED, _TELEOP = Mode.DOCKING, Mode.DOCKED, Mode.ESTOPPED, Mode.TELEOP
_C, _E = CommandKind, Event
MOVING = frozenset({_PATROL, _DOCKING, _TELEOP})
"""The modes in which the wheels may turn."""
_INTERRUPTIONS = (_PAUSED, _HELD, _TELEOP)

RETURN = "return"
"""Target of a row that goes back to the mode that was held or stopped."""

TABLE: dict[tuple[Mode, Trigger], Mode | str] = {
    (_IDLE, _C.START): _PATROL,
    (_IDLE, _C.DOCK): _DOCKING,
    (_IDLE, _C.TELEOP): _TELEOP,
    (_DOCKED, _C.START): _PATROL,
    (_DOCKED, _C.TELEOP): _TELEOP,
    (_PATROL, _C.PAUSE): _PAUSED,
    (_PATROL, _C.ABORT): _IDLE,
    (_PATROL, _C.DOCK): _DOCKING,
    (_PATROL, _C.TELEOP): _TELEOP,
    (_PATROL, _E.HOLD): _HELD,
    (_PATROL, _E.STOP): _HELD,
    (_PATROL, _E.DOCK_NEEDED): _DOCKING,
    (_PATROL, _E.ROUTE_DONE): _DOCKING,
    (_PATROL, _E.ROUTE_DONE_STAY): _IDLE,
    (_PAUSED, _C.RESUME): RETURN,
    (_PAUSED, _C.ABORT): _IDLE,
    (_PAUSED, _C.DOCK): _DOCKING,
    (_PAUSED, _C.TELEOP): _TELEOP,
    (_HELD, _C.PAUSE): _PAUSED,
    (_HELD, _C.ABORT): _IDLE,
    (_HELD, _C.DOCK): _DOCKING,
    (_HELD, _C.TELEOP): _TELEOP,
    (_HELD, _E.STOP): _HELD,
    (_HELD, _E.RELEASE): RETURN,
    (_DOCKING, _C.PAUSE): _PAUSED,
    (_DOCKING, _C.ABORT): _IDLE,
    (_DOCKING, _C.START): _PATROL,
    (_DOCKING, _C.TELEOP): _TELEOP,
    (_DOCKING, _E.HOLD): _HELD,
    (_DOCKING, _E.STOP): _HELD,
    (_DOCKING, _E.DOCK_REACHED): _DOCKED,
    (_DOCKING, _E.DOCK_MISSED): _IDLE,
    (_TELEOP, _C.PAUSE): _PAUSED,
    (_TELEOP, _C.RESUME): RETURN,
    (_TELEOP, _C.ABORT): _IDLE,
    (_TELEOP, _C.DOCK): _DOCKING,
    (_TELEOP, _E.HOLD): _PAUSED,
    (_TELEOP, _E.STOP): _PAUSED,
    (_ESTOPPED, _C.ABORT): _ESTOPPED,
    (_ESTOPPED, _C.ESTOP): _ESTOPPED,
    **{(mode, _C.ESTOP): _ESTOPPED for mode in Mode if mode is not _ESTOPPED},
    **{(mode, _E.STOP_NEEDED): _ESTOPPED for mode in Mode if mode is not _ESTOPPED},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The mode, and the mode that a hold, a pause, a hand on the controls or an e-stop interrupted. A hold that is
    ``latched`` was a safety stop: its release needs a person."""

    mode: Mode = Mode.IDLE
    interrupted: Mode = Mode.IDLE
    latched: bool = False

    def allows(self, trigger: Trigger) -> bool:
        """Whether the table has a row for ``trigger`` in this mode."""
        return (self.mode, trigger) in TABLE

    def after(self, trigger: Trigger) -> Machine:
        """The machine after ``trigger``; itself when the table has no row for it."""
        target = TABLE.get((self.mode, trigger))
        if target is None:
            return self
        if not isinstance(target, Mode):
            return self._returned(trigger)
        if target is self.mode:
            return self._repeated(trigger)
        if target not in (*_INTERRUPTIONS, _ESTOPPED):
            return Machine(mode=target)
        latched = target is _HELD and trigger is Event.STOP
        return Machine(mode=target, interrupted=self._interrupted_by(target), latched=latched)

    def after_reset(self) -> Machine:
        """The machine once the e-stop is released: what was interrupted waits for a person to resume it."""
        moving = self.interrupted in MOVING
        return Machine(mode=_PAUSED, interrupted=self.interrupted) if moving else Machine(mode=self.interrupted)

    def _returned(self, trigger: Trigger) -> Machine:
        """Back to what was interrupted; after a safety stop only a person's word leads there."""
        if trigger is Event.RELEASE and self.latched:
            return Machine(mode=_PAUSED, interrupted=self.interrupted)
        return Machine(mode=self.interrupted)

    def _repeated(self, trigger: Trigger) -> Machine:
        if trigger is CommandKind.ABORT:
            return Machine(mode=self.mode)
        return replace(self, latched=True) if trigger is Event.STOP else self

    def _interrupted_by(self, target: Mode) -> Mode:
        """A robot that was driven away from its dock by hand is not at the dock any more."""
        if target is _TELEOP and self.mode is _DOCKED:
            return _IDLE
        return self.interrupted if self.mode in _INTERRUPTIONS else self.mode
