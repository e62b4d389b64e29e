# SPDX-License-Identifier: Apache-2.0
"""The table of modes, row by row."""

from __future__ import annotations

from itertools import product

import pytest

from mission.machine import MOVING, RETURN, TABLE, Event, Machine
from patrol.operations import CommandKind, Mode

_C, _E, _M = CommandKind, Event, Mode
STANDING = sorted(set(Mode) - MOVING)


def after(machine: Machine, *triggers: CommandKind | Event) -> Machine:
    for trigger in triggers:
        machine = machine.after(trigger)
    return machine


def test_a_new_machine_is_idle() -> None:
    assert Machine() == Machine(mode=_M.IDLE, interrupted=_M.IDLE, latched=False)


def test_the_table_speaks_of_known_modes_only() -> None:
    assert all(target in set(Mode) or target == RETURN for target in TABLE.values())
    assert RETURN not in set(Mode)


@pytest.mark.parametrize("mode", list(Mode))
def test_an_e_stop_stops_every_mode(mode: Mode) -> None:
    assert Machine(mode=mode).after(_C.ESTOP).mode is _M.ESTOPPED
    assert Machine(mode=mode).after(_E.STOP_NEEDED).mode is _M.ESTOPPED


@pytest.mark.parametrize(("mode", "trigger"), list(product(Mode, [*CommandKind, *Event])))
def test_a_machine_goes_where_its_row_leads_and_stays_without_one(mode: Mode, trigger: CommandKind | Event) -> None:
    machine = Machine(mode=mode, interrupted=_M.PATROLLING)
    target = TABLE.get((mode, trigger))
    assert machine.allows(trigger) == (target is not None)
    if target is None:
        assert machine.after(trigger) is machine
    elif target == RETURN:
        assert machine.after(trigger) == Machine(mode=_M.PATROLLING)
    else:
        assert machine.after(trigger).mode is target


def test_nothing_but_a_person_the_route_or_a_release_sets_the_robot_moving() -> None:
    movers = {_C.START, _C.RESUME, _C.DOCK, _C.TELEOP, _E.RELEASE, _E.DOCK_NEEDED, _E.ROUTE_DONE}
    for mode, trigger, interrupted in product(STANDING, [*CommandKind, *Event], Mode):
        assert Machine(mode=mode, interrupted=interrupted).after(trigger).mode not in MOVING or trigger in movers


@pytest.mark.parametrize("mode", [_M.PATROLLING, _M.DOCKING])
def test_what_was_interrupted_is_returned_to(mode: Mode) -> None:
    start = Machine(mode=mode)
    assert after(start, _C.PAUSE) == Machine(mode=_M.PAUSED, interrupted=mode)
    assert after(start, _C.PAUSE, _C.RESUME) == Machine(mode=mode)
    assert after(start, _E.HOLD) == Machine(mode=_M.HELD, interrupted=mode)
    assert after(start, _E.HOLD, _E.RELEASE) == Machine(mode=mode)
    assert after(start, _C.TELEOP) == Machine(mode=_M.TELEOP, interrupted=mode)
    assert after(start, _C.TELEOP, _C.RESUME) == Machine(mode=mode)
    assert after(start, _E.HOLD, _C.PAUSE, _C.TELEOP, _E.HOLD, _C.RESUME) == Machine(mode=mode)


def test_a_safety_stop_is_latched_and_its_release_waits_for_a_person() -> None:
    stopped = after(Machine(mode=_M.PATROLLING), _E.STOP)
    assert stopped == Machine(mode=_M.HELD, interrupted=_M.PATROLLING, latched=True)
    assert after(stopped, _E.STOP) == stopped
    assert after(stopped, _E.RELEASE) == Machine(mode=_M.PAUSED, interrupted=_M.PATROLLING)
    assert after(stopped, _E.RELEASE, _C.RESUME) == Machine(mode=_M.PATROLLING)
    assert after(stopped, _C.PAUSE) == Machine(mode=_M.PAUSED, interrupted=_M.PATROLLING)
    held = after(Machine(mode=_M.DOCKING), _E.HOLD)
    assert not held.latched
    assert after(held, _E.STOP) == Machine(mode=_M.HELD, interrupted=_M.DOCKING, latched=True)


def test_hand_control_that_is_stopped_pauses_what_it_interrupted() -> None:
    by_hand = after(Machine(mode=_M.PATROLLING), _C.TELEOP)
    for event in (_E.HOLD, _E.STOP):
        assert after(by_hand, event) == Machine(mode=_M.PAUSED, interrupted=_M.PATROLLING)


def test_a_robot_driven_off_its_dock_by_hand_is_docked_no_more() -> None:
    assert after(Machine(mode=_M.DOCKED), _C.TELEOP) == Machine(mode=_M.TELEOP, interrupted=_M.IDLE)
    assert after(Machine(mode=_M.DOCKED), _C.TELEOP, _C.RESUME).mode is _M.IDLE


def test_an_abort_leaves_nothing_to_return_to() -> None:
    stopped = after(Machine(mode=_M.PATROLLING), _C.ESTOP)
    assert stopped == Machine(mode=_M.ESTOPPED, interrupted=_M.PATROLLING)
    assert after(stopped, _C.ABORT) == Machine(mode=_M.ESTOPPED)
    assert after(stopped, _C.ESTOP) == stopped


def test_a_released_e_stop_pauses_what_moved_and_leaves_what_stood() -> None:
    assert after(Machine(mode=_M.PATROLLING), _C.ESTOP).after_reset() == Machine(mode=_M.PAUSED, interrupted=_M.PATROLLING)
    assert after(Machine(mode=_M.DOCKED), _C.ESTOP).after_reset() == Machine(mode=_M.DOCKED)
    paused = after(Machine(mode=_M.DOCKING), _C.PAUSE, _C.ESTOP)
    assert paused.after_reset() == Machine(mode=_M.PAUSED, interrupted=_M.DOCKING)
