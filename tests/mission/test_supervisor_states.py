# SPDX-License-Identifier: Apache-2.0
"""Every state that the supervisor can reach, over every fact alone and every pair of facts, any order to the robot, and time
that passes in every way that matters.

Facts whose rows in the table differ in their sentence only move the mode in the same way, so pairs are searched over one fact
of each kind of row; single facts are searched one by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations_with_replacement

import pytest

from mission.facts.fact import Fact, Observed
from mission.machine import MOVING, Machine
from mission.supervisor import Standing, SupervisorState, step
from mission.supervisor_rules import RULE_OF, RULES, Level, Rule
from patrol.operations import CommandKind, Mode

S = 1_000_000_000
ORDERS = (None, CommandKind.START, CommandKind.RESUME, CommandKind.PAUSE, CommandKind.TELEOP, CommandKind.DOCK)
SETS_MOVING = (CommandKind.START, CommandKind.RESUME, CommandKind.TELEOP, CommandKind.DOCK)
MOST_STATES = 4000
LONG_NS = 31 * S
"""Longer than every delay of the table."""


def row_of(rule: Rule) -> tuple[object, ...]:
    return (rule.patrol, rule.dock, rule.teleop, rule.raise_s > 0.0, rule.worsens_s)


KINDS: dict[tuple[object, ...], Fact] = {}
for each in RULES:
    KINDS.setdefault(row_of(each), each.fact)
PAIRS = sorted(combinations_with_replacement(sorted(KINDS.values()), 2))


def ordered(state: SupervisorState, order: CommandKind | None) -> SupervisorState:
    """The state after a person's order, as far as the table allows it."""
    if order is None or not state.machine.allows(order):
        return state
    return replace(state, machine=state.machine.after(order), note=f"Ordered to {order}.")


def limit_ns(one: Standing) -> int:
    """How far back the beginning of a fact matters: until it counts, or until it is worse."""
    rule = RULE_OF[one.fact]
    return round(max(rule.worsens_s or 0.0, 0.0 if one.counts else rule.raise_s) * S)


def aged(state: SupervisorState, now_ns: int) -> SupervisorState:
    """The state with its times told from now on, and nothing in it that no longer matters."""
    standing = tuple(
        replace(
            one,
            detail="",
            since_ns=max(one.since_ns - now_ns, -limit_ns(one)),
            last_ns=max(one.last_ns - now_ns, -round(RULE_OF[one.fact].clear_s * S)),
        )
        for one in sorted(state.standing, key=lambda one: one.fact)
    )
    return replace(state, standing=standing, note="said" if state.note else "")


Step = tuple[SupervisorState, frozenset[Fact], CommandKind | None, SupervisorState, Level]


def explored(facts: tuple[Fact, ...], start: SupervisorState, waits_ns: tuple[int, ...]) -> Iterator[Step]:
    """Every step from every state that can be reached from ``start``."""
    choices = [frozenset(facts[i] for i in range(len(facts)) if bits >> i & 1) for bits in range(2 ** len(facts))]
    known, front = {aged(start, 0)}, deque([aged(start, 0)])
    while front:
        before = front.popleft()
        for order in ORDERS:
            commanded = ordered(before, order)
            for told in choices:
                for wait_ns in waits_ns:
                    after, actions = step(commanded, [Observed(fact=fact) for fact in told], wait_ns)
                    yield before, told, order, after, actions.level
                    seen = aged(after, wait_ns)
                    if seen not in known:
                        known.add(seen)
                        front.append(seen)
        assert len(known) < MOST_STATES


def every_delay_ns(fact: Fact) -> tuple[int, ...]:
    """Waits at, just before and beyond each delay of the fact."""
    rule = RULE_OF[fact]
    delays = {round(delay * S) for delay in (rule.raise_s, rule.clear_s, rule.worsens_s or 0.0)}
    return tuple(sorted({0, LONG_NS} | delays | {max(delay - 1, 0) for delay in delays}))


def holds(facts: tuple[Fact, ...], waits_ns: tuple[int, ...]) -> set[Mode]:
    """Search, and assert what must hold at every step; returns the modes that were reached."""
    reached: set[Mode] = set()
    for before, told, order, after, level in explored(facts, SupervisorState(), waits_ns):
        reached.add(after.machine.mode)
        where = (before, told, order, after)
        moves, moved = after.machine.mode in MOVING, before.machine.mode in MOVING
        if before.machine.latched or before.machine.mode in (Mode.PAUSED, Mode.ESTOPPED, Mode.IDLE):
            assert not moves or order in SETS_MOVING, where
        if moves and not moved and before.machine.mode is not Mode.HELD:
            assert order in SETS_MOVING, where
        assert moves or after.note, where
        assert level < Level.HOLD or not moves, where
        stopping = {fact for fact in told if RULE_OF[fact].patrol is Level.STOP and RULE_OF[fact].raise_s == 0.0}
        assert not (stopping and moves and after.machine.mode is not Mode.TELEOP), where
        if after.machine.mode is Mode.HELD:
            assert after.machine.interrupted in (Mode.PATROLLING, Mode.DOCKING), where
        assert not after.machine.latched or after.machine.mode is Mode.HELD, where
        if before.machine.mode is Mode.ESTOPPED:
            assert after.machine.mode is Mode.ESTOPPED, where
    return reached


@pytest.mark.parametrize("fact", list(Fact))
def test_every_state_over_one_fact(fact: Fact) -> None:
    reached = holds((fact,), every_delay_ns(fact))
    level = RULE_OF[fact].patrol
    assert (Mode.HELD in reached) == (level in (Level.HOLD, Level.STOP))
    assert (Mode.ESTOPPED in reached) == (level is Level.ESTOP)


def test_every_state_over_every_pair_of_kinds_of_facts() -> None:
    assert len(KINDS) >= 10
    for pair in PAIRS:
        if pair[0] is not pair[1]:
            holds(pair, (0, LONG_NS))


def test_the_search_finds_a_supervisor_that_resumes_by_itself() -> None:
    """The properties can fail: a state that forgot that it was a safety stop breaks them."""
    stopped, _ = step(SupervisorState(machine=Machine(mode=Mode.PATROLLING)), [Observed(fact=Fact.PUSHED)], 0)
    forgot = replace(stopped, machine=replace(stopped.machine, latched=False))
    after, _ = step(forgot, [], 5 * S)
    assert after.machine.mode in MOVING
    kept, _ = step(stopped, [], 5 * S)
    assert kept.machine.mode is Mode.PAUSED
    assert isinstance(stopped.standing[0], Standing)
