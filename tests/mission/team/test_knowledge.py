# SPDX-License-Identifier: Apache-2.0
"""What a team knows does not depend on the order in which it was heard, nor on how often."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission.team.allocate import Allocation
from mission.team.knowledge import AlertCard, AlertState, Knowledge, PlanCard, Report
from mission.team.radio import Radio
from mission.team.unit import Duty
from patrol.errors import BadValue

NOTHING = Allocation(crews=(), reserve=(), bound_s=0.0, because="")
reports = st.builds(
    lambda unit, count: Report(unit_id=unit, count=count, stamp_s=float(count), duty=Duty.PATROL, at=count, ready_s=0.0),
    st.sampled_from("ab"),
    st.integers(0, 3),
)
plans = st.builds(
    lambda epoch, author: PlanCard(epoch=epoch, author=author, begins_s=0.0, members=frozenset(author), allocation=NOTHING),
    st.integers(0, 3),
    st.sampled_from("ab"),
)
alerts = st.builds(
    lambda name, state, attempt, unit: AlertCard(
        alert_id=name, place=0, raised_s=0.0, state=state, attempt=attempt, unit_id=unit
    ),
    st.sampled_from("xy"),
    st.sampled_from(AlertState),
    st.integers(0, 2),
    st.sampled_from("ab"),
)
knowledge = st.builds(
    lambda said, plan, raised, seen: Knowledge(
        reports={one.unit_id: one for one in said},
        plan=plan,
        alerts={one.alert_id: one for one in raised},
        seen_s=None if seen is None else np.array(seen, dtype=np.float64),
    ),
    st.lists(reports, max_size=3),
    st.none() | plans,
    st.lists(alerts, max_size=3),
    st.none() | st.lists(st.integers(0, 5), min_size=2, max_size=2),
)


def content(one: Knowledge) -> object:
    plan = None if one.plan is None else one.plan.rank
    seen = None if one.seen_s is None else tuple(one.seen_s.tolist())
    return {name: card.rank for name, card in one.reports.items()}, plan, dict(one.alerts), seen


@given(one=knowledge, other=knowledge, third=knowledge)
def test_merging_is_a_join(one: Knowledge, other: Knowledge, third: Knowledge) -> None:
    assert content(one.merged(other)) == content(other.merged(one))
    assert content(one.merged(other).merged(third)) == content(one.merged(other.merged(third)))
    assert content(one.merged(one)) == content(one)


def test_an_alert_that_is_done_stays_done() -> None:
    done = AlertCard(alert_id="x", place=0, raised_s=0.0, state=AlertState.DONE, attempt=1, unit_id="a")
    again = AlertCard(alert_id="x", place=0, raised_s=0.0, state=AlertState.GOING, attempt=2, unit_id="b")
    assert Knowledge(alerts={"x": again}).merged(Knowledge(alerts={"x": done})).alerts["x"] is done


def test_the_radio_loses_as_many_as_it_is_said_to() -> None:
    radio = Radio(0.9, seed=1)
    heard = np.mean([radio.heard(5)[~np.eye(5, dtype=bool)].mean() for _ in range(2000)])
    assert heard == pytest.approx(0.1, abs=0.01)
    often = np.mean([radio.heard(5, times=5)[~np.eye(5, dtype=bool)].mean() for _ in range(2000)])
    assert often == pytest.approx(1.0 - 0.9**5, abs=0.01)
    assert np.mean([radio.exchange_s() for _ in range(4000)]) == pytest.approx(2.0 * 9.0 / 20.0, rel=0.1)
    assert Radio(0.0, seed=1).exchange_s() == 0.0
    with pytest.raises(BadValue):
        Radio(1.0, seed=1)
