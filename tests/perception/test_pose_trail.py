# SPDX-License-Identifier: Apache-2.0
"""Where the robot was: between poses, beyond them, and as surely as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.clock import nanoseconds
from patrol.geometry import IDENTITY2, Pose2, wrap_angle
from perception.pose_trail import PoseTrail
from tests.perception.test_carried_pose import arc

MOST_RADPS2 = 3.0


def heard(times_s: list[float], poses: list[Pose2]) -> PoseTrail:
    trail = PoseTrail()
    for at_s, pose in zip(times_s, poses, strict=True):
        trail.hear(nanoseconds(at_s), pose)
    return trail


@settings(deadline=None, max_examples=60)
@given(st.floats(-1.0, 1.5), st.floats(-1.2, 1.2), st.floats(-0.2, 0.2), st.floats(-3.0, 3.0))
def test_steady_driving_is_followed_between_poses_and_beyond(speed: float, turn: float, at_s: float, yaw: float) -> None:
    start = Pose2(3.0, -2.0, yaw)
    times_s = [-0.3, -0.2, -0.1, 0.0]
    trail = heard(times_s[::-1], [start @ arc(speed, turn, t + 1.0) for t in times_s][::-1])
    there, found = start @ arc(speed, turn, at_s + 1.0), trail.pose_at(nanoseconds(at_s))
    assert found.distance_to(there) < 0.01
    assert abs(wrap_angle(found.yaw_rad - there.yaw_rad)) < 1e-6


@settings(deadline=None, max_examples=60)
@given(st.floats(0.0, 0.1), st.sampled_from([0.02, 0.1, 0.3]), st.floats(0.0, 0.3))
def test_no_turn_that_the_drive_can_begin_is_off_by_more_than_it_says(begins_s: float, gap_s: float, ahead_s: float) -> None:
    """The robot stands, and at some time begins to turn as quickly as it can."""

    def yaw(at_s: float) -> float:
        return 0.5 * MOST_RADPS2 * max(at_s - begins_s, 0.0) ** 2

    times_s = np.arange(0.0, 0.31, gap_s).tolist()
    trail = heard(times_s, [Pose2(0.0, 0.0, yaw(t)) for t in times_s])
    for at_s in (0.5 * gap_s, times_s[-1] + ahead_s):
        unknown_s2 = trail.unknown_s2(nanoseconds(at_s))
        assert unknown_s2 is not None
        assert abs(trail.pose_at(nanoseconds(at_s)).yaw_rad - yaw(at_s)) <= MOST_RADPS2 * unknown_s2 + 1e-9


def test_where_no_two_poses_tell_it_nothing_is_claimed() -> None:
    trail = heard([1.0], [Pose2(1.0, 2.0, 0.5)])
    assert trail.unknown_s2(nanoseconds(1.2)) is None
    assert trail.alone_s(nanoseconds(1.2)) == pytest.approx(0.2)
    assert trail.pose_at(nanoseconds(1.2)) == Pose2(1.0, 2.0, 0.5)
    trail.hear(nanoseconds(1.9), IDENTITY2)
    assert trail.unknown_s2(nanoseconds(2.0)) is None, "0.9 s apart they do not tell the pace"
    assert trail.unknown_s2(nanoseconds(0.9)) is None
    assert trail.alone_s(nanoseconds(0.9)) == pytest.approx(0.1)
    assert trail.alone_s(nanoseconds(1.5)) == 0.0


def test_half_a_turn_is_not_taken_for_one_the_other_way() -> None:
    trail = heard([0.0, 0.1], [Pose2(0.0, 0.0, math.pi - 0.05), Pose2(0.0, 0.0, -math.pi + 0.05)])
    assert abs(abs(trail.pose_at(nanoseconds(0.05)).yaw_rad) - math.pi) < 1e-6
    assert trail.pose_at(nanoseconds(0.2)).yaw_rad == pytest.approx(-math.pi + 0.15)


def test_only_the_last_second_is_kept_and_what_comes_later_than_that_changes_nothing() -> None:
    trail = heard([0.1 * number for number in range(30)], [Pose2(0.1 * number, 0.0, 0.0) for number in range(30)])
    trail.hear(nanoseconds(1.5), Pose2(50.0, 0.0, 0.0))
    trail.hear(nanoseconds(2.5), Pose2(50.0, 0.0, 0.0))
    assert trail.pose_at(0).x_m == pytest.approx(1.9)
    assert trail.pose_at(nanoseconds(2.5)).x_m == pytest.approx(2.5)
    trail.hear(nanoseconds(2.45), Pose2(2.47, 0.0, 0.0))
    assert trail.pose_at(nanoseconds(2.45)).x_m == pytest.approx(2.47), "what comes a little late counts"
