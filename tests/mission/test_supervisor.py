# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission.supervisor import RULES, Fact, Level, Observed, Ruling, SupervisorState, step

MS = 1_000_000
facts = st.lists(st.sets(st.sampled_from(list(Fact))), min_size=1, max_size=30)


def after(script: list[tuple[int, set[Fact]]]) -> Ruling:
    state, ruling = SupervisorState(), None
    for at_ms, told in script:
        state, ruling = step(state, [Observed(fact=fact, detail="d") for fact in told], at_ms * MS)
    assert ruling is not None
    return ruling


def test_every_fact_has_exactly_one_rule() -> None:
    assert sorted(rule.fact for rule in RULES) == sorted(Fact)
    assert all(rule.sentence and not rule.sentence.endswith(".") for rule in RULES)


def test_without_facts_the_robot_goes() -> None:
    assert after([(0, set())]) == Ruling(level=Level.GO, because="", facts=(), sentences=())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.fact)
def test_each_rule_raises_after_its_delay_and_clears_after_its_own(rule: object) -> None:
    row = next(one for one in RULES if one is rule)
    raise_ms, clear_ms = round(row.raise_s * 1000), round(row.clear_s * 1000)
    if raise_ms:
        assert after([(0, {row.fact}), (raise_ms - 1, {row.fact})]).level is Level.GO
    raised = [(0, {row.fact}), (raise_ms, {row.fact})]
    assert after(raised).level is row.level
    assert after(raised).because == f"{row.sentence} (d)."
    if clear_ms:
        assert after([*raised, (raise_ms + clear_ms - 1, set())]).level is row.level
    assert after([*raised, (raise_ms + clear_ms, set())]).level is Level.GO


def test_a_fact_that_flickers_before_its_delay_never_counts() -> None:
    script: list[tuple[int, set[Fact]]] = [
        (at, {Fact.BATTERY_LOW} if at % 2000 < 1000 else set()) for at in range(0, 20_000, 100)
    ]
    assert after(script).level is Level.GO


def test_the_most_severe_fact_is_the_reason() -> None:
    ruling = after([(0, {Fact.BATTERY_LOW, Fact.NODE_DEAD, Fact.PERSON_CLOSE}), (3000, {Fact.BATTERY_LOW, Fact.NODE_DEAD})])
    assert ruling.level is Level.HOLD
    assert ruling.because.startswith("A part of the software has stopped")
    assert set(ruling.facts) == {Fact.BATTERY_LOW, Fact.NODE_DEAD}


def test_a_lost_link_does_not_stop_the_patrol() -> None:
    assert after([(0, {Fact.LINK_LOST}), (60_000, {Fact.LINK_LOST})]).level is Level.NOTE


@given(script=facts)
def test_the_level_is_always_that_of_the_worst_fact_that_counts(script: list[set[Fact]]) -> None:
    level_of = {rule.fact: rule.level for rule in RULES}
    state = SupervisorState()
    for index, told in enumerate(script):
        state, ruling = step(state, [Observed(fact=fact) for fact in told], index * 250 * MS)
        assert ruling.level == max((level_of[fact] for fact in ruling.facts), default=Level.GO)
        immediate = {fact for fact in told if next(rule for rule in RULES if rule.fact is fact).raise_s == 0.0}
        assert immediate <= set(ruling.facts)
        assert step(state, [Observed(fact=fact) for fact in told], index * 250 * MS)[0] == state
