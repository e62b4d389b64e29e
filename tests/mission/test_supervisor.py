# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission.facts.fact import Fact, Observed
from mission.machine import MOVING, Event, Machine
from mission.supervisor import Actions, Standing, SupervisorState, step
from mission.supervisor_rules import LINK_DOCK_S, RULE_OF, RULES, Level, Rule
from patrol.operations import Mode

MS = 1_000_000
BEGIN_NS = 7_000_000_123
"""Scripts count from here, so that no time is zero by chance."""
PATROLLING = SupervisorState(machine=Machine(mode=Mode.PATROLLING), note="Started by anna.")
scripts = st.lists(st.sets(st.sampled_from(list(Fact))), min_size=1, max_size=12)
Script = list[tuple[int, set[Fact]]]


def run(script: Script, state: SupervisorState = PATROLLING, detail: str = "d") -> tuple[SupervisorState, Actions]:
    actions: Actions | None = None
    for at_ms, told in script:
        state, actions = step(state, [Observed(fact=fact, detail=detail) for fact in told], BEGIN_NS + at_ms * MS)
    assert actions is not None
    return state, actions


def level(script: Script, state: SupervisorState = PATROLLING) -> Level:
    return run(script, state)[1].level


def in_mode(mode: Mode) -> SupervisorState:
    return SupervisorState(machine=Machine(mode=mode), note="before.")


def test_every_fact_has_exactly_one_rule() -> None:
    assert sorted(rule.fact for rule in RULES) == sorted(Fact)
    assert all(rule.sentence and not rule.sentence.endswith(".") for rule in RULES)


def test_without_facts_the_robot_goes() -> None:
    state, actions = run([(0, set())])
    assert state == PATROLLING
    assert actions == Actions(
        level=Level.GO, because="", facts=(), sentences=(), slow=False, finish_leg=False, close_mission=False
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.fact)
def test_each_rule_raises_after_its_delay_and_clears_after_its_own(rule: Rule) -> None:
    raise_ms, clear_ms = round(rule.raise_s * 1000), round(rule.clear_s * 1000)
    if raise_ms:
        assert level([(0, {rule.fact}), (raise_ms - 1, {rule.fact})]) is Level.GO
    raised: Script = [(0, {rule.fact}), (raise_ms, {rule.fact})]
    state, actions = run(raised)
    assert actions.level is rule.patrol
    assert (actions.because, actions.sentences) == (f"{rule.sentence} (d).", (f"{rule.sentence} (d).",))
    assert run(raised, detail="")[1].because == f"{rule.sentence}."
    idle: Script = [(0, {rule.fact}), (raise_ms, {rule.fact})]
    if clear_ms:
        assert run([*idle, (raise_ms + clear_ms - 1, set())], in_mode(Mode.IDLE))[1].facts == (rule.fact,)
    assert run([*idle, (raise_ms + clear_ms, set())], in_mode(Mode.IDLE))[1].facts == ()
    assert state.machine.mode is _MODE_AFTER[rule.patrol]


_MODE_AFTER = {
    Level.NOTE: Mode.PATROLLING,
    Level.SLOW: Mode.PATROLLING,
    Level.FINISH: Mode.PATROLLING,
    Level.DOCK: Mode.DOCKING,
    Level.HOLD: Mode.HELD,
    Level.STOP: Mode.HELD,
    Level.ESTOP: Mode.ESTOPPED,
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.fact)
@pytest.mark.parametrize("mode", list(Mode))
def test_each_fact_asks_in_each_mode_for_what_the_table_says(rule: Rule, mode: Mode) -> None:
    expected = {Mode.PATROLLING: rule.patrol, Mode.DOCKING: rule.dock, Mode.TELEOP: rule.teleop}
    standing = Level.ESTOP if rule.fact is Fact.ESTOP_PRESSED else Level.NOTE
    raise_ms = round(rule.raise_s * 1000)
    told: Script = [(0, {rule.fact}), (raise_ms, {rule.fact})]
    assert level(told if raise_ms else told[:1], in_mode(mode)) is expected.get(mode, standing)
    assert rule.level_in(mode) is expected.get(mode, standing)


def test_a_fact_that_flickers_before_its_delay_never_counts() -> None:
    script: Script = [(at, {Fact.BATTERY_LOW} if at % 2000 < 1000 else set()) for at in range(0, 20_000, 100)]
    assert level(script) is Level.GO


def test_the_time_told_counts_on_end_from_its_beginning() -> None:
    told: Script = [(at, {Fact.BATTERY_LOW}) for at in (0, 900, 1900)]
    state, actions = run(told)
    assert actions.level is Level.GO
    assert state.standing == (
        Standing(fact=Fact.BATTERY_LOW, detail="d", since_ns=BEGIN_NS, last_ns=BEGIN_NS + 1900 * MS, counts=False),
    )
    assert level([*told, (2000, {Fact.BATTERY_LOW})]) is Level.DOCK


def test_the_most_severe_fact_is_the_reason_and_all_are_told_in_order() -> None:
    told = {Fact.BATTERY_LOW, Fact.NODE_DEAD, Fact.PERSON_CLOSE}
    _, actions = run([(0, told), (3000, told)])
    assert actions.level is Level.HOLD
    assert actions.because == "A part of the software is not running (d)."
    assert actions.facts == (Fact.NODE_DEAD, Fact.BATTERY_LOW, Fact.PERSON_CLOSE)
    assert actions.sentences == (actions.because, "The battery is low (d).", "A person is close (d).")
    assert (actions.slow, actions.finish_leg, actions.close_mission) == (True, False, False)


def test_two_tellings_of_one_fact_are_joined() -> None:
    both = [Observed(fact=Fact.SENSOR_SILENT, detail="no scan"), Observed(fact=Fact.SENSOR_SILENT, detail="no odometry")]
    assert step(PATROLLING, both, 0)[1].because == "A sensor is silent (no scan; no odometry)."
    blank = [Observed(fact=Fact.SENSOR_SILENT), Observed(fact=Fact.SENSOR_SILENT, detail="no odometry")]
    assert step(PATROLLING, blank, 0)[1].because == "A sensor is silent (no odometry)."


def test_a_hold_ends_by_itself_and_names_its_newest_reason() -> None:
    state, _ = run([(0, {Fact.SENSOR_SILENT})])
    assert (state.machine, state.note) == (
        Machine(mode=Mode.HELD, interrupted=Mode.PATROLLING),
        "A sensor is silent (d).",
    )
    state, _ = run([(0, {Fact.SENSOR_SILENT}), (900, {Fact.NODE_DEAD})])
    assert state.note == "A part of the software is not running (d)."
    state, _ = run([(0, {Fact.SENSOR_SILENT}), (500, set())])
    assert (state.machine, state.note) == (Machine(mode=Mode.PATROLLING), "Going on after a hold.")


@pytest.mark.parametrize("fact", [rule.fact for rule in RULES if rule.patrol is Level.STOP])
def test_a_safety_stop_ends_in_waiting_for_a_person(fact: Fact) -> None:
    raise_ms, clear_ms = round(RULE_OF[fact].raise_s * 1000), round(RULE_OF[fact].clear_s * 1000)
    stopped, _ = run([(0, {fact}), (raise_ms, {fact})])
    assert stopped.machine == Machine(mode=Mode.HELD, interrupted=Mode.PATROLLING, latched=True)
    over, actions = run([(raise_ms + clear_ms, set())], stopped)
    assert over.machine == Machine(mode=Mode.PAUSED, interrupted=Mode.PATROLLING)
    assert over.note == f"{RULE_OF[fact].sentence} (d). That is over; waiting to be resumed."
    assert actions.level is Level.GO


def test_a_hold_that_turns_into_a_safety_stop_is_one() -> None:
    state, _ = run([(0, {Fact.SENSOR_SILENT}), (100, {Fact.SENSOR_SILENT, Fact.PUSHED}), (9000, set())])
    assert state.machine == Machine(mode=Mode.PAUSED, interrupted=Mode.PATROLLING)


def test_a_lost_link_finishes_the_leg_and_goes_home_after_ten_seconds() -> None:
    lost = {Fact.LINK_LOST}
    begun: Script = [(0, lost), (1000, lost)]
    _, actions = run(begun)
    assert (actions.level, actions.finish_leg, actions.slow) == (Level.FINISH, True, False)
    ends_ms = round(LINK_DOCK_S * 1000)
    assert level([*begun, (ends_ms - 1, lost)]) is Level.FINISH
    state, actions = run([*begun, (ends_ms, lost)])
    assert (state.machine.mode, actions.level, actions.close_mission) == (Mode.DOCKING, Level.DOCK, True)
    again, actions = run([(ends_ms + 50, lost)], state)
    assert (again.machine.mode, actions.close_mission) == (Mode.DOCKING, False)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.fact)
def test_nothing_but_a_lost_link_asks_for_more_as_time_goes_by(rule: Rule) -> None:
    told = Standing(fact=rule.fact, detail="d", since_ns=BEGIN_NS, last_ns=BEGIN_NS, counts=True)
    expected = Level.DOCK if rule.fact is Fact.LINK_LOST else rule.patrol
    assert level([(round(6_000 * LINK_DOCK_S), {rule.fact})], replace(PATROLLING, standing=(told,))) is expected


def test_a_robot_held_after_its_leg_stays_held_and_then_goes_home() -> None:
    lost = {Fact.LINK_LOST}
    driving, _ = run([(0, lost), (1000, lost)])
    held = replace(driving, machine=driving.machine.after(Event.HOLD), note="x")
    state, _ = run([(5000, lost)], held)
    assert (state.machine.mode, state.note) == (Mode.HELD, "The link to the command centre is lost (d).")
    state, actions = run([(10_000, lost)], held)
    assert (state.machine.mode, actions.close_mission) == (Mode.DOCKING, True)
    assert state.note == "The link to the command centre is lost (d)."
    state, _ = run([(2000, set())], held)
    assert state.machine.mode is Mode.PATROLLING


def test_without_a_dock_the_robot_holds_after_its_leg_instead() -> None:
    nowhere = SupervisorState(machine=Machine(mode=Mode.PATROLLING), can_dock=False)
    state, actions = run([(0, {Fact.BATTERY_LOW}), (2000, {Fact.BATTERY_LOW})], nowhere)
    assert (actions.level, actions.finish_leg, state.machine.mode) == (Level.FINISH, True, Mode.PATROLLING)
    assert not state.can_dock


def test_a_stopped_robot_does_not_go_home_by_itself() -> None:
    stopped, _ = run([(0, {Fact.PUSHED})])
    low = {Fact.BATTERY_LOW}
    state, actions = run([(5000, low), (7000, low)], stopped)
    assert (state.machine, actions.close_mission) == (Machine(mode=Mode.PAUSED, interrupted=Mode.PATROLLING), False)
    both = {Fact.PUSHED, Fact.BATTERY_LOW}
    stopped, _ = run([(0, both), (3000, both)])
    state, actions = run([(9000, low)], stopped)
    assert (state.machine, actions.level) == (Machine(mode=Mode.PAUSED, interrupted=Mode.PATROLLING), Level.DOCK)
    assert actions.close_mission is False


@pytest.mark.parametrize("fact", [Fact.TELEOP_SILENT, Fact.PUSHED, Fact.NODE_DEAD])
def test_what_stops_a_robot_driven_by_hand_pauses_it(fact: Fact) -> None:
    by_hand = SupervisorState(machine=Machine(mode=Mode.TELEOP, interrupted=Mode.PATROLLING))
    state, _ = run([(0, {fact})], by_hand)
    assert state.machine == Machine(mode=Mode.PAUSED, interrupted=Mode.PATROLLING)


@given(script=scripts)
def test_the_level_is_always_that_of_the_worst_fact_that_counts(script: list[set[Fact]]) -> None:
    state = in_mode(Mode.TELEOP)
    for index, told in enumerate(script):
        mode = state.machine.mode
        state, actions = step(state, [Observed(fact=fact) for fact in told], index * 250 * MS)
        assert actions.level == max((RULE_OF[fact].level_in(mode) for fact in actions.facts), default=Level.GO)
        assert {fact for fact in told if RULE_OF[fact].raise_s == 0.0} <= set(actions.facts)
        assert actions.level < Level.HOLD or state.machine.mode not in MOVING


def test_safe_defaults_are_on() -> None:
    """Every fact is judged, everything that may hurt somebody stops or slows, and nothing that moves ignores an e-stop."""
    assert all(rule.patrol is not Level.GO for rule in RULES)
    stops = {rule.fact for rule in RULES if rule.patrol is Level.STOP}
    assert stops == {
        Fact.TIPPED,
        Fact.PUSHED,
        Fact.STUCK,
        Fact.OUTSIDE_GEOFENCE,
        Fact.SENSOR_STUCK,
        Fact.SENSOR_GARBAGE,
    }
    assert {rule.fact for rule in RULES if rule.patrol is Level.HOLD} >= {
        Fact.LOCALISATION_LOST,
        Fact.SENSOR_SILENT,
        Fact.NODE_DEAD,
        Fact.NODE_HUNG,
    }
    assert RULE_OF[Fact.PERSON_CLOSE].dock is Level.SLOW
    assert {RULE_OF[Fact.ESTOP_PRESSED].level_in(mode) for mode in Mode} == {Level.ESTOP}
    assert LINK_DOCK_S == 10.0
