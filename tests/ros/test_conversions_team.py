# SPDX-License-Identifier: Apache-2.0
"""What a team assigns survives the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.assignment import Assignment
from patrol.errors import BadValue
from patrol.geometry import Pose2
from patrol.operations import RouteWaypoint
from patrol.passages import PassagesHeld
from tests.ros.conversion_cases import POSES, STAMPS, TEXT, assert_same_pose, through_wire

team = pytest.importorskip("patrol_ros.conversions.team", reason="the ROS interfaces are not built: make setup")


@given(STAMPS, TEXT, st.lists(POSES, min_size=1, max_size=4), st.floats(0.0, 600.0))
def test_assignment(stamp_ns: int, text: str, poses: list[Pose2], dwell_s: float) -> None:
    stops = tuple(
        RouteWaypoint(waypoint_id=f"w{number}", pose=pose, dwell_s=dwell_s, not_before_ns=stamp_ns, floor=number - 1)
        for number, pose in enumerate(poses)
    )
    before = Assignment(stamp_ns=stamp_ns, mission_id=text, stops=stops, because=text)
    after = team.assignment_from_ros(through_wire(team.assignment_to_ros(before)))
    assert (after.stamp_ns, after.mission_id, after.because, after.is_over) == (stamp_ns, text, text, False)
    for one, other in zip(before.stops, after.stops, strict=True):
        assert (one.waypoint_id, one.dwell_s, one.not_before_ns) == (other.waypoint_id, other.dwell_s, other.not_before_ns)
        assert one.floor == other.floor
        assert_same_pose(one.pose, other.pose)


def test_the_end_has_no_stops_and_nothing_else_has_none() -> None:
    message = team.assignment_to_ros(Assignment(stamp_ns=1, mission_id="m", stops=(), because="done", is_over=True))
    assert team.assignment_from_ros(message).is_over
    message.is_over = False
    with pytest.raises(BadValue, match="stops"):
        team.assignment_from_ros(message)


@given(STAMPS, st.frozensets(TEXT, max_size=3), st.dictionaries(TEXT, TEXT, max_size=3))
def test_passages(stamp_ns: int, held: frozenset[str], refused: dict[str, str]) -> None:
    told = PassagesHeld(stamp_ns=stamp_ns, held=held, refused=refused)
    assert team.passages_from_ros(through_wire(team.passages_to_ros(told))) == told
