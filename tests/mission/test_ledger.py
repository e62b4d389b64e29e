# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission.ledger import Ledger
from patrol.errors import BadValue
from patrol.geometry import Pose2
from patrol.operations import Mission, Route, RouteWaypoint


def mission(legs: int = 3, laps: int = 2) -> Mission:
    stops = tuple(RouteWaypoint(waypoint_id=f"W{index}", pose=Pose2(float(index), 0.0, 0.0)) for index in range(legs))
    return Mission(mission_id="m", name="M", route=Route(route_id="r", waypoints=stops), laps=laps)


def test_outcomes_follow_laps_and_legs() -> None:
    ledger = Ledger(mission=mission(), leg_started_ns=10)
    ledger = ledger.settled("reached", "", 20).settled("missed", "blocked", 30).settled("reached", "", 40)
    assert [(one.lap, one.leg, one.waypoint_id, one.started_ns, one.ended_ns) for one in ledger.outcomes] == [
        (0, 0, "W0", 10, 20),
        (0, 1, "W1", 20, 30),
        (0, 2, "W2", 30, 40),
    ]
    assert (ledger.lap, ledger.leg, ledger.waypoint.waypoint_id) == (1, 0, "W0")


def test_a_finished_ledger_takes_no_more() -> None:
    ledger = Ledger(mission=mission(laps=1), leg_started_ns=0).pre_empted("aborted", 5)
    assert ledger.is_done
    assert {one.outcome for one in ledger.outcomes} == {"pre-empted"}
    with pytest.raises(BadValue):
        ledger.settled("reached", "", 6)
    assert ledger.pre_empted("again", 7).outcomes == ledger.outcomes


def test_more_outcomes_than_waypoints_are_refused() -> None:
    done = Ledger(mission=mission(legs=1, laps=2), leg_started_ns=0).pre_empted("x", 1)
    with pytest.raises(BadValue):
        Ledger(mission=mission(legs=1, laps=1), leg_started_ns=0, outcomes=done.outcomes)


events = st.lists(st.sampled_from(["reached", "missed", "take", "preempt"]), max_size=40)


@given(legs=st.integers(1, 5), laps=st.integers(1, 4), happened=events)
def test_every_waypoint_is_accounted_for_exactly_once(legs: int, laps: int, happened: list[str]) -> None:
    ledger = Ledger(mission=mission(legs, laps), leg_started_ns=0)
    handed_out: list[tuple[int, int]] = []
    for now_ns, event in enumerate([*happened, "preempt", "take"], start=1):
        if event == "take":
            fresh, ledger = ledger.taken()
            handed_out += [(one.lap, one.leg) for one in fresh]
        elif event == "preempt":
            ledger = ledger.pre_empted("aborted", now_ns)
        elif not ledger.is_done:
            ledger = ledger.settled("reached", "", now_ns) if event == "reached" else ledger.settled("missed", "x", now_ns)
    assert handed_out == [(lap, leg) for lap in range(laps) for leg in range(legs)]
