# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.clock import NS_PER_S
from patrol.errors import BadValue
from patrol.operations import WaypointOutcome
from patrol.promise import Kept, Promise, idleness_kept


def visit(place: str, at_s: float, *, missed: bool = False) -> WaypointOutcome:
    return WaypointOutcome(
        lap=0,
        leg=0,
        waypoint_id=place,
        outcome="missed" if missed else "reached",
        because="blocked" if missed else "",
        started_ns=0,
        ended_ns=round(at_s * NS_PER_S),
    )


def test_the_worst_gap_counts_between_visits_and_to_the_end() -> None:
    log = [visit("A", 10), visit("B", 20), visit("A", 50), visit("B", 55), visit("A", 60)]
    assert idleness_kept(log) == Kept(worst_s=40.0, place="A", gaps=3)
    assert idleness_kept([*log, visit("C", 130)]) == Kept(worst_s=75.0, place="B", gaps=3)


def test_a_missed_visit_is_none() -> None:
    assert idleness_kept([visit("A", 0), visit("A", 30, missed=True), visit("A", 70)]) == Kept(worst_s=70.0, place="A", gaps=1)


def test_one_visit_of_each_place_measures_nothing() -> None:
    assert idleness_kept([]) is None
    assert idleness_kept([visit("A", 1), visit("B", 2), visit("C", 900)]) is None


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.floats(min_value=0.1, max_value=50.0)), min_size=2, max_size=30))
def test_no_gap_is_longer_than_the_worst(steps: list[tuple[str, float]]) -> None:
    now_s, log, gaps = 0.0, [], []
    last: dict[str, float] = {}
    for place, takes_s in steps:
        now_s += takes_s
        log.append(visit(place, now_s))
        gaps += [now_s - last[place]] if place in last else []
        last[place] = now_s
    kept = idleness_kept(log)
    assert (kept is None) == (not gaps)
    if kept is not None:
        assert kept.gaps == len(gaps)
        assert kept.worst_s == pytest.approx(max(*gaps, *(now_s - at for at in last.values())), abs=1e-6)


def test_what_is_promised_about_attacks_goes_together() -> None:
    with pytest.raises(BadValue, match="go together"):
        Promise(mode="round", worst_idleness_s=10.0, average_idleness_s=5.0, attack_s=3.0)
    with pytest.raises(BadValue, match="worst_idleness_s"):
        Promise(mode="round", worst_idleness_s=0.0, average_idleness_s=0.0)
