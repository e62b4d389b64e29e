# SPDX-License-Identifier: Apache-2.0
"""What robots tell one another survives the wire, and what makes no sense is refused whole."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission.team.allocate import Standing
from mission.team.knowledge import AlertCard, AlertState, Knowledge, PlanCard, Report
from mission.team.rounds import Round, rounds_of
from mission.team.unit import Duty, TeamGround
from mission.team.wire import MOST_ALERTS, MOST_BYTES, TeamWire
from patrol.errors import BadInput
from tests.mission.team.teams import counted, means_of, robots
from tests.mission.team.test_mate import ring

GRAPH = ring(6)
UNITS = robots(2)
MEANS = means_of(TeamGround(graph=GRAPH), UNITS)
WIRE = TeamWire(GRAPH, MEANS.units)


def told() -> Knowledge:
    allocation = MEANS.allocator.allocate(UNITS, [Standing(at=0), Standing(at=3)], counted(1.0))
    card = PlanCard(epoch=2, author="r0", begins_s=5.5, members=frozenset(MEANS.units), allocation=allocation)
    report = Report(unit_id="r1", count=4, stamp_s=1.25, duty=Duty.AWAY, at=2, ready_s=7.0, charge=0.5)
    going = AlertState.GOING
    alert = AlertCard(alert_id="a", place=1, raised_s=3.0, state=going, attempt=2, unit_id="r0", refused=frozenset({"r1"}))
    return Knowledge(
        reports={"r1": report},
        plan=card,
        alerts={"a": alert},
        seen_s=np.arange(6.0),
        visits={"r0": (1, 2, 0, 0, 0, 4)},
    )


def stops(begun: Round, count: int) -> list[Round]:
    """The round before each of its next stops."""
    return list(itertools.islice(itertools.accumulate(itertools.repeat(begun), lambda round_, _: round_.visited()), count))


def test_knowledge_survives_and_its_plan_is_walked_alike() -> None:
    before = told()
    after = WIRE.knowledge(WIRE.text(before))
    assert (after.reports, after.alerts, dict(after.visits)) == (before.reports, before.alerts, dict(before.visits))
    assert after.seen_s is not None
    assert after.seen_s.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert after.plan is not None
    assert before.plan is not None
    assert (after.plan.rank, after.plan.members) == (before.plan.rank, before.plan.members)
    assert after.plan.allocation.guarantee_s == pytest.approx(before.plan.allocation.guarantee_s)
    for (unit, one), (same, other) in zip(rounds_of(before.plan), rounds_of(after.plan), strict=True):
        assert unit == same
        walked, again = stops(one, 20), stops(other, 20)
        assert [each.place for each in walked] == [each.place for each in again]
        assert [each.due_s for each in walked] == pytest.approx([each.due_s for each in again])


def test_only_so_many_alerts_are_told_the_newest_first() -> None:
    cards = {f"a{n}": AlertCard(alert_id=f"a{n}", place=0, raised_s=float(n)) for n in range(MOST_ALERTS + 9)}
    after = WIRE.knowledge(WIRE.text(Knowledge(alerts=cards)))
    assert len(after.alerts) == MOST_ALERTS
    assert f"a{MOST_ALERTS + 8}" in after.alerts


def spoilt(**changes: Any) -> str:
    word = json.loads(WIRE.text(told()))
    for path, value in changes.items():
        part, *rest = path.split("__")
        inner = word
        while rest:
            inner = inner[int(part) if part.isdigit() else part]
            part, *rest = rest
        inner[int(part) if part.isdigit() else part] = value
    return json.dumps(word)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "word"),
        ("[]", "word"),
        ("x" * (MOST_BYTES + 1), "longer"),
        (spoilt(ground="elsewhere"), "another ground"),
        (spoilt(reports__0__at=6), "place"),
        (spoilt(reports__0__at=-1), "place"),
        (spoilt(reports__0__unit_id="stranger"), "stranger"),
        (spoilt(reports__0__stamp_s=float("nan")), "reports"),
        (spoilt(alerts__0__place=77), "place"),
        (spoilt(alerts__0__state=9), "state"),
        (spoilt(seen_s=[1.0]), "6 places"),
        (spoilt(visits={"r0": [1]}), "6 places"),
        (spoilt(plan__members=["ghost"]), "ghost"),
        (spoilt(plan__crews__0__beats__0__offsets_m=[0.0]), "offsets_m"),
        (spoilt(plan__crews__0__deployments__0__joins_at=99), "joins_at"),
        (spoilt(plan__crews__0__deployments__0__beat=9), "deployments"),
        (spoilt(plan__crews__0__deployments=[]), "deployments"),
        (spoilt(plan__surprise=1), "surprise"),
    ],
)
def test_a_word_that_makes_no_sense_is_refused_whole(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        WIRE.knowledge(text)


@given(st.text(max_size=200))
def test_any_text_is_refused_by_name_or_understood(text: str) -> None:
    with pytest.raises(BadInput):
        WIRE.knowledge(text)


def test_a_team_on_other_ground_or_of_other_units_is_not_listened_to() -> None:
    for other in (TeamWire(ring(6, 41.0), MEANS.units), TeamWire(GRAPH, {"r0": UNITS[0]})):
        with pytest.raises(BadInput, match="another ground"):
            other.knowledge(WIRE.text(Knowledge()))
