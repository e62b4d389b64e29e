# SPDX-License-Identifier: Apache-2.0
"""The situation: mode and ledger together, and what commands and events make of them. Pure functions over one frozen type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mission.ledger import Ledger
from mission.machine import MOVING, Event, Machine
from patrol.clock import nanoseconds
from patrol.operations import Command, CommandKind, Mission, Mode, WaypointOutcome

RESET_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """``ledger`` is the newest mission's; ``backlog`` are outcomes of earlier ones not handed out yet; ``armed_ns`` is when
    an e-stop reset was armed; ``note`` is a sentence about what led here."""

    machine: Machine = field(default_factory=Machine)
    ledger: Ledger | None = None
    backlog: tuple[WaypointOutcome, ...] = ()
    armed_ns: int | None = None
    note: str = ""

    @property
    def mode(self) -> Mode:
        return self.machine.mode

    @property
    def is_open(self) -> bool:
        """Whether a mission has waypoints left to settle."""
        return self.ledger is not None and not self.ledger.is_done

    def taken(self) -> tuple[tuple[WaypointOutcome, ...], Situation]:
        """The outcomes not handed out yet, and the situation that knows they now are."""
        if self.ledger is None:
            return self.backlog, replace(self, backlog=())
        fresh, ledger = self.ledger.taken()
        return (*self.backlog, *fresh), replace(self, ledger=ledger, backlog=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What commands can draw on: the missions by id, whether the site has a dock, and why a mission can not be driven."""

    missions: Mapping[str, Mission]
    has_dock: bool
    out_of_reach: Mapping[str, str] = field(default_factory=dict)


def carry_out(situation: Situation, command: Command, means: Means, now_ns: int) -> Situation | str:
    """The situation after ``command``, or why it can not be carried out."""
    if command.kind in (CommandKind.ESTOP_ARM_RESET, CommandKind.ESTOP_RESET):
        return _reset(situation, command, now_ns)
    if not situation.machine.allows(command.kind):
        return f"can not {command.kind} while {situation.mode}"
    if command.kind is CommandKind.START:
        return _start(situation, command, means, now_ns)
    if command.kind is CommandKind.DOCK and not means.has_dock:
        return "the site has no dock"
    note = f"{_DONE[command.kind]} by {command.issued_by}."
    if command.kind in (CommandKind.ABORT, CommandKind.DOCK):
        situation = _closed(situation, note, now_ns)
    return replace(situation, machine=situation.machine.after(command.kind), armed_ns=None, note=note)


def judged(situation: Situation, machine: Machine, note: str, *, closes: str, now_ns: int) -> Situation:
    """The situation after the supervisor's word: the mode it leaves the robot in and why. ``closes`` is not empty when the
    mission ends with it: then every open waypoint is pre-empted for that reason."""
    if closes:
        situation = _closed(situation, closes, now_ns)
    return replace(situation, machine=machine, note=note)


def happen(situation: Situation, event: Event, because: str) -> Situation:
    """The situation after ``event``; the same one when it does not apply in this mode."""
    if not situation.machine.allows(event):
        return situation
    return replace(situation, machine=situation.machine.after(event), note=because)


def restarted(situation: Situation) -> Situation:
    """The situation after the process died: what was moving is held until the facts allow it to go on, what was driven by
    hand is paused, a safety stop stays one; an armed reset is forgotten."""
    machine = situation.machine
    if machine.latched:
        return replace(situation, armed_ns=None)
    if machine.mode not in MOVING:
        return replace(situation, armed_ns=None, note=situation.note or "Restarted.")
    return replace(situation, machine=machine.after(Event.HOLD), armed_ns=None, note="Restarted; going on at the breakpoint.")


_DONE = {
    CommandKind.PAUSE: "Paused",
    CommandKind.RESUME: "Resumed",
    CommandKind.ABORT: "Aborted",
    CommandKind.DOCK: "Sent to the dock",
    CommandKind.TELEOP: "Driven by hand",
    CommandKind.ESTOP: "Stopped",
}


def _start(situation: Situation, command: Command, means: Means, now_ns: int) -> Situation | str:
    mission = means.missions.get(command.mission_id)
    if mission is None:
        return f"there is no mission {command.mission_id!r}"
    if command.mission_id in means.out_of_reach:
        return means.out_of_reach[command.mission_id]
    backlog, _ = situation.taken()
    return replace(
        situation,
        machine=situation.machine.after(command.kind),
        ledger=Ledger(mission=mission, leg_started_ns=now_ns),
        backlog=backlog,
        note=f"Started by {command.issued_by}.",
    )


def _reset(situation: Situation, command: Command, now_ns: int) -> Situation | str:
    if situation.mode is not Mode.ESTOPPED:
        return "the e-stop is not latched"
    if command.kind is CommandKind.ESTOP_ARM_RESET:
        return replace(situation, armed_ns=now_ns)
    armed_ns = situation.armed_ns
    if armed_ns is None or not 0 <= now_ns - armed_ns <= nanoseconds(RESET_WITHIN_S):
        return f"the reset was not armed within the last {RESET_WITHIN_S:g} s"
    return replace(
        situation,
        machine=situation.machine.after_reset(),
        armed_ns=None,
        note=f"E-stop released by {command.issued_by}; waiting to be resumed.",
    )


def _closed(situation: Situation, because: str, now_ns: int) -> Situation:
    if situation.ledger is None:
        return situation
    return replace(situation, ledger=situation.ledger.pre_empted(because, now_ns))
