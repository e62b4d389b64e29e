# SPDX-License-Identifier: Apache-2.0
"""The smaller types: they refuse what makes no sense, and say what they mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.checks import frozen_array, require_in, require_positive
from patrol.clock import ManualClock, nanoseconds, seconds
from patrol.errors import BadInput, BadValue, Fault, PatrolError
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from patrol.operations import Mission, OutcomeKind, Route, RouteWaypoint, WaypointOutcome
from patrol.percepts import Alert, Box, Detection, GroundPosition, Label, Threshold, Track
from patrol.topics import TOPICS, Qos, Side, topic


def test_a_writable_array_is_copied_and_a_frozen_one_is_not() -> None:
    source = np.arange(3.0)
    frozen = frozen_array("it", source, (3,))
    source[0] = 9.0
    assert frozen[0] == 0.0
    assert frozen_array("it", frozen, (3,)) is frozen
    part = frozen_array("it", np.arange(6.0)[:3], (None,))
    assert not part.flags.writeable
    with pytest.raises(BadValue, match=r"it: shape \(3,\) is not \(2,\)"):
        frozen_array("it", frozen, (2,))


def test_checks_name_the_field_and_the_value() -> None:
    with pytest.raises(BadValue, match="side: 'up' is not one of 'left', 'right'"):
        require_in("side", "up", ("left", "right"))
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(BadValue, match="size_m"):
            require_positive("size_m", bad)


def test_every_error_is_one_of_ours() -> None:
    assert issubclass(BadValue, PatrolError)
    error = BadInput("file.yaml", [Fault(field="a", value=1, because="is odd"), Fault(field="b", value=2, because="is even")])
    assert "2 fault(s)" in str(error)
    assert str(error).count("\n") == 2


@given(st.integers(0, 10**15))
def test_seconds_and_nanoseconds_undo_each_other(duration_ns: int) -> None:
    assert nanoseconds(seconds(duration_ns)) == pytest.approx(duration_ns, abs=1)


def test_a_manual_clock_moves_only_ahead() -> None:
    clock = ManualClock(5)
    clock.advance_to(7)
    assert clock.now_ns() == 7
    with pytest.raises(BadValue, match="lies before"):
        clock.advance_to(6)


def test_boxes_have_an_inside_and_a_foot() -> None:
    box = Box(x0_px=10, y0_px=20, x1_px=30, y1_px=80)
    assert (box.width_px, box.height_px, box.foot_px) == (20, 60, (20.0, 80))
    for corners in ((30, 20, 30, 80), (10, 80, 30, 20), (math.nan, 0, 1, 1)):
        with pytest.raises(BadValue, match="empty"):
            Box(x0_px=corners[0], y0_px=corners[1], x1_px=corners[2], y1_px=corners[3])


def test_scores_are_shares_and_states_are_known() -> None:
    box = Box(x0_px=0, y0_px=0, x1_px=1, y1_px=1)
    with pytest.raises(BadValue, match="score"):
        Detection(stamp_ns=1, frame_id="c", source="camera", label=Label.PERSON, score=1.5, box=box)
    unknown: Any = "lost"
    with pytest.raises(BadValue, match="state"):
        Track(
            track_id=1,
            label=Label.PERSON,
            state=unknown,
            stamp_ns=1,
            first_seen_ns=1,
            last_seen_ns=1,
            hits=1,
            score=0.5,
            box=box,
            ground=None,
        )
    with pytest.raises(BadValue, match="covariance_m2"):
        GroundPosition(position_m=np.zeros(2), velocity_mps=np.zeros(2), covariance_m2=np.zeros(2))


def test_margins_are_positive_when_the_test_held() -> None:
    assert Threshold(name="dwell_s", measured=3.0, limit=2.0, holds_when="at least").margin == 1.0
    assert Threshold(name="speed_mps", measured=3.0, limit=2.0, holds_when="at most").margin == -1.0


def test_alert_ids_follow_from_what_was_seen() -> None:
    one = Alert.id_for("rule", "zone", 1, 10)
    assert one == Alert.id_for("rule", "zone", 1, 10)
    assert (
        len({one, Alert.id_for("rule", "zone", 2, 10), Alert.id_for("rule", "zone", 1, 11), Alert.id_for("rule", "yard", 1, 10)})
        == 4
    )
    assert len(one) == 16


def test_outcomes_say_why_unless_reached() -> None:
    def outcome(kind: OutcomeKind, because: str) -> WaypointOutcome:
        return WaypointOutcome(
            lap=0,
            leg=0,
            waypoint_id="w",
            outcome=kind,
            because=because,
            started_ns=0,
            ended_ns=1,
        )

    assert outcome("reached", "").because == ""
    assert outcome("missed", "blocked").because == "blocked"
    senseless: tuple[tuple[OutcomeKind, str], ...] = (("reached", "luck"), ("missed", ""), ("pre-empted", ""))
    for kind, because in senseless:
        with pytest.raises(BadValue, match="because"):
            outcome(kind, because)


def test_missions_go_somewhere() -> None:
    stop = RouteWaypoint(waypoint_id="w", pose=IDENTITY2)
    route = Route(route_id="r", waypoints=(stop,))
    assert Mission(mission_id="m", name="M", route=route).laps == 1
    with pytest.raises(BadValue, match="waypoints"):
        Route(route_id="r", waypoints=())
    with pytest.raises(BadValue, match="dwell_s"):
        RouteWaypoint(waypoint_id="w", pose=IDENTITY2, dwell_s=-1.0)
    for laps, speed in ((0, 1.0), (1, 0.0)):
        with pytest.raises(BadValue, match=r"laps|speed_mps"):
            Mission(mission_id="m", name="M", route=route, laps=laps, speed_mps=speed)


@given(st.floats(0.01, 5), st.floats(0.01, 5), st.floats(-3.2, 3.2))
def test_worst_direction_is_found_whichever_way_it_points(long_m: float, short_m: float, angle: float) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    covariance = np.zeros((3, 3))
    covariance[:2, :2] = turn @ np.diag((long_m**2, short_m**2)) @ turn.T
    estimate = PoseEstimate(stamp_ns=0, map_from_odom=Pose2(1, 0, 0), odom_from_base=Pose2(2, 0, 0), covariance=covariance)
    assert estimate.position_std_m == pytest.approx(max(long_m, short_m), rel=1e-6)
    assert estimate.map_from_base.x_m == 3.0


def test_the_table_of_topics_holds_together() -> None:
    names = [row.name for row in TOPICS]
    assert len(set(names)) == len(names)
    assert topic("cmd_vel").publisher is Side.STOP
    for row in TOPICS:
        assert row.type.count("/msg/") == 1
        if row.stale_after_s is not None and row.rate_hz is not None:
            assert row.stale_after_s > 1.0 / row.rate_hz, row.name
        if row.type == "sensor_msgs/msg/Image":
            assert row.qos is Qos.STREAM
    with pytest.raises(KeyError):
        topic("nonsense")
