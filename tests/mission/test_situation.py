# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.desk import CommandDesk
from mission.machine import Event, Machine
from mission.situation import Means, Situation, carry_out, happen, judged, restarted
from patrol.operations import Accepted, Command, CommandKind, Mode, Refused
from tests.mission.test_ledger import mission

SECOND = 1_000_000_000
MEANS = Means(missions={"m": mission()}, has_dock=True)


def command(kind: CommandKind, name: str = "c", mission_id: str = "m", expires_ns: int = 10**18) -> Command:
    return Command(command_id=name, kind=kind, expires_ns=expires_ns, issued_by="anna", mission_id=mission_id)


def ordered(situation: Situation, *kinds: CommandKind, now_ns: int = 0) -> Situation:
    for kind in kinds:
        after = carry_out(situation, command(kind), MEANS, now_ns)
        assert isinstance(after, Situation), after
        situation = after
    return situation


def test_a_hold_that_is_paused_goes_back_to_the_patrol() -> None:
    machine = Machine(mode=Mode.PATROLLING).after(Event.HOLD).after(CommandKind.PAUSE).after(CommandKind.RESUME)
    assert machine.mode is Mode.PATROLLING


def test_start_opens_the_ledger_and_abort_pre_empts_what_is_left() -> None:
    running = ordered(Situation(), CommandKind.START)
    assert (running.mode, running.is_open) == (Mode.PATROLLING, True)
    assert running.ledger is not None
    aborted = ordered(running, CommandKind.ABORT)
    assert (aborted.mode, aborted.is_open) == (Mode.IDLE, False)
    outcomes, _ = aborted.taken()
    assert {(one.outcome, one.because) for one in outcomes} == {("pre-empted", "Aborted by anna.")}
    assert len(outcomes) == running.ledger.total


def test_outcomes_not_handed_out_survive_the_next_start() -> None:
    situation = ordered(Situation(), CommandKind.START, CommandKind.ABORT, CommandKind.START)
    outcomes, rest = situation.taken()
    assert len(outcomes) == 6
    assert rest.taken()[0] == ()
    assert rest.is_open


@pytest.mark.parametrize(
    ("situation", "kind", "because"),
    [
        (Situation(), CommandKind.PAUSE, "can not pause while idle"),
        (Situation(), CommandKind.RESUME, "can not resume while idle"),
        (Situation(machine=Machine(mode=Mode.PATROLLING)), CommandKind.START, "can not start while patrolling"),
        (Situation(machine=Machine(mode=Mode.ESTOPPED)), CommandKind.START, "can not start while estopped"),
        (Situation(), CommandKind.ESTOP_ARM_RESET, "not latched"),
        (Situation(machine=Machine(mode=Mode.ESTOPPED)), CommandKind.ESTOP_RESET, "was not armed"),
    ],
)
def test_what_does_not_fit_the_mode_is_refused_with_a_reason(situation: Situation, kind: CommandKind, because: str) -> None:
    answer = carry_out(situation, command(kind), MEANS, 0)
    assert isinstance(answer, str)
    assert because in answer


def test_unknown_missions_and_docks_that_are_not_there_are_refused() -> None:
    assert carry_out(Situation(), command(CommandKind.START, mission_id="x"), MEANS, 0) == "there is no mission 'x'"
    nowhere = Means(missions={}, has_dock=False)
    assert carry_out(Situation(), command(CommandKind.DOCK), nowhere, 0) == "the site has no dock"


def test_the_estop_needs_both_steps_in_time_and_never_resumes_by_itself() -> None:
    stopped = ordered(Situation(), CommandKind.START, CommandKind.ESTOP)
    armed = ordered(stopped, CommandKind.ESTOP_ARM_RESET)
    assert isinstance(carry_out(armed, command(CommandKind.ESTOP_RESET), MEANS, 11 * SECOND), str)
    released = ordered(armed, CommandKind.ESTOP_RESET, now_ns=9 * SECOND)
    assert (released.mode, released.is_open) == (Mode.PAUSED, True)
    assert ordered(released, CommandKind.RESUME).mode is Mode.PATROLLING
    again = ordered(armed, CommandKind.ESTOP)
    assert isinstance(carry_out(again, command(CommandKind.ESTOP_RESET), MEANS, SECOND), str)


def test_an_estop_while_idle_is_released_to_idle() -> None:
    situation = ordered(Situation(), CommandKind.ESTOP, CommandKind.ESTOP_ARM_RESET, CommandKind.ESTOP_RESET)
    assert situation.mode is Mode.IDLE


def test_an_abort_during_an_estop_leaves_nothing_to_resume() -> None:
    situation = ordered(Situation(), CommandKind.START, CommandKind.ESTOP, CommandKind.ABORT)
    assert (situation.mode, situation.is_open) == (Mode.ESTOPPED, False)
    assert ordered(situation, CommandKind.ESTOP_ARM_RESET, CommandKind.ESTOP_RESET).mode is Mode.IDLE


def test_a_low_battery_ends_the_patrol_and_says_so() -> None:
    running = ordered(Situation(), CommandKind.START)
    machine = running.machine.after(Event.DOCK_NEEDED)
    situation = judged(running, machine, "The battery is low.", closes="The battery is low.", now_ns=5)
    assert (situation.mode, situation.is_open, situation.note) == (Mode.DOCKING, False, "The battery is low.")
    assert judged(running, machine, "x", closes="", now_ns=5).is_open
    assert situation.taken()[0][0].because == "The battery is low."


def test_a_restart_holds_what_was_moving_and_keeps_what_stood() -> None:
    running = ordered(Situation(), CommandKind.START)
    held = restarted(running)
    assert (held.mode, held.ledger) == (Mode.HELD, running.ledger)
    assert happen(held, Event.RELEASE, "ok").mode is Mode.PATROLLING
    by_hand = restarted(ordered(Situation(), CommandKind.START, CommandKind.TELEOP))
    assert (by_hand.mode, by_hand.machine.interrupted) == (Mode.PAUSED, Mode.PATROLLING)
    stopped = happen(running, Event.STOP, "Somebody moved the robot.")
    assert restarted(stopped) == stopped
    for kinds in ((CommandKind.START, CommandKind.PAUSE), (CommandKind.START, CommandKind.ESTOP)):
        before = ordered(Situation(), *kinds)
        assert restarted(before).mode is before.mode


def happened(situation: Situation, event: Event, now_ns: int) -> Situation:
    """What the executive makes of an event: a low battery comes by way of the supervisor and closes the mission."""
    if event is not Event.DOCK_NEEDED:
        return happen(situation, event, "because.")
    after = situation.machine.after(event)
    closes = "because." if after is not situation.machine else ""
    return judged(situation, after, "because.", closes=closes, now_ns=now_ns)


triggers = st.lists(st.sampled_from([*CommandKind, *Event, "settle", "take", "restart"]), max_size=60)


@settings(max_examples=300)
@given(script=triggers)
def test_whatever_happens_every_waypoint_of_every_mission_is_accounted_for_once(script: list[str]) -> None:
    situation, started, handed_out = Situation(), 0, 0
    for now_ns, trigger in enumerate([*script, CommandKind.ABORT], start=1):
        if isinstance(trigger, CommandKind):
            after = carry_out(situation, command(trigger), MEANS, now_ns)
            started += trigger is CommandKind.START and not isinstance(after, str)
            situation = situation if isinstance(after, str) else after
        elif isinstance(trigger, Event):
            done = trigger in (Event.ROUTE_DONE, Event.ROUTE_DONE_STAY)
            situation = situation if done and situation.is_open else happened(situation, trigger, now_ns)
        elif trigger == "restart":
            situation = restarted(situation)
        elif trigger == "take":
            fresh, situation = situation.taken()
            handed_out += len(fresh)
        elif situation.mode is Mode.PATROLLING and situation.ledger is not None and situation.is_open:
            settled = situation.ledger.settled("reached", "", now_ns)
            situation = Situation(machine=situation.machine, ledger=settled, backlog=situation.backlog)
        assert situation.is_open <= (situation.mode in (Mode.PATROLLING, Mode.PAUSED, Mode.HELD, Mode.TELEOP, Mode.ESTOPPED))
    fresh, situation = situation.taken()
    assert handed_out + len(fresh) == 6 * started
    assert not situation.is_open


def test_the_desk_answers_an_id_once_and_the_same_for_ever() -> None:
    desk, done = CommandDesk(), []

    def carry(order: Command) -> str:
        done.append(order.command_id)
        return "no" if order.command_id == "bad" else ""

    assert desk.answer(command(CommandKind.START, "one"), 0, carry) == Accepted(command_id="one")
    assert desk.answer(command(CommandKind.ABORT, "one"), 0, carry) == Accepted(command_id="one")
    assert desk.answer(command(CommandKind.START, "bad"), 0, carry) == Refused(command_id="bad", because="no")
    assert CommandDesk(desk.answers).answer(command(CommandKind.START, "bad"), 0, carry) == Refused(
        command_id="bad", because="no"
    )
    assert done == ["one", "bad"]


def test_a_late_command_is_refused_but_never_an_estop() -> None:
    desk = CommandDesk()
    late = desk.answer(command(CommandKind.START, "a", expires_ns=5), 6, lambda _: "")
    assert late == Refused(command_id="a", because="the command has expired")
    assert desk.answer(command(CommandKind.START, "b", expires_ns=5), 5, lambda _: "") == Accepted(command_id="b")
    assert desk.answer(command(CommandKind.ESTOP, "c", expires_ns=5), 6, lambda _: "") == Accepted(command_id="c")


def test_the_desk_forgets_the_oldest_beyond_its_bound_once_they_would_be_too_late() -> None:
    desk, done = CommandDesk(), list[str]()

    def carry(order: Command) -> str:
        done.append(order.command_id)
        return ""

    for index in range(600):
        desk.answer(command(CommandKind.PAUSE, str(index), expires_ns=1000 + index), 0, carry)
    assert len(desk.answers) == 600, "every one of them could still come again"
    assert desk.answer(command(CommandKind.PAUSE, "0", expires_ns=1000), 900, carry) == Accepted(command_id="0")
    desk.answer(command(CommandKind.PAUSE, "new", expires_ns=9000), 1050, carry)
    assert len(desk.answers) == 600 - 50 + 1
    assert desk.answers[0].answer.command_id == "50"
    late = desk.answer(command(CommandKind.PAUSE, "0", expires_ns=1000), 1050, carry)
    assert late == Refused(command_id="0", because="the command has expired")
    assert len(done) == len(set(done)) == 601


def test_a_flood_of_commands_is_refused_but_never_an_estop() -> None:
    desk = CommandDesk()
    for index in range(5000):
        desk.answer(command(CommandKind.PAUSE, str(index)), 0, lambda _: "")
    flooded = desk.answer(command(CommandKind.PAUSE, "more"), 0, lambda _: "")
    assert flooded == Refused(command_id="more", because="too many commands are outstanding")
    assert desk.answer(command(CommandKind.ESTOP, "stop"), 0, lambda _: "") == Accepted(command_id="stop")
