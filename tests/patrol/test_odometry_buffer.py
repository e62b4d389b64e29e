# SPDX-License-Identifier: Apache-2.0
"""Where odometry had the robot at a given stamp."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.geometry import STOPPED, Pose2, Twist2
from patrol.odometry_buffer import OdometryBuffer
from patrol.sensors import Odometry

S = 1_000_000_000


def at(stamp_ns: int, pose: Pose2, twist: Twist2 = STOPPED) -> Odometry:
    return Odometry(stamp_ns=stamp_ns, odom_from_base=pose, twist=twist)


def test_an_empty_buffer_knows_nothing() -> None:
    assert OdometryBuffer().at(0) is None
    assert OdometryBuffer().newest is None


@given(st.floats(0.0, 1.0))
def test_between_two_stamps_the_way_is_shared(share: float) -> None:
    buffer = OdometryBuffer()
    buffer.add(at(0, Pose2(0.0, 0.0, 3.0)))
    buffer.add(at(S, Pose2(2.0, 4.0, -3.0)))
    pose = buffer.at(round(share * S))
    assert pose is not None
    assert abs(math.remainder(pose.yaw_rad - (3.0 + share * (2 * math.pi - 6.0)), 2 * math.pi)) < 1e-6
    assert (pose.x_m, pose.y_m) == pytest.approx((2.0 * share, 4.0 * share), abs=1e-6)


def test_beyond_the_newest_the_twist_carries_on_for_a_moment() -> None:
    buffer = OdometryBuffer(reach_s=0.5)
    buffer.add(at(S, Pose2(1.0, 0.0, math.pi / 2), Twist2(forward_mps=2.0)))
    pose = buffer.at(S + S // 4)
    assert pose is not None
    assert (pose.x_m, pose.y_m) == pytest.approx((1.0, 0.5))
    assert buffer.at(2 * S) is None


def test_old_odometry_is_forgotten_and_time_that_jumps_back_starts_over() -> None:
    buffer = OdometryBuffer(keep_s=1.0)
    for second in range(5):
        buffer.add(at(second * S, Pose2(float(second), 0.0, 0.0)))
    assert buffer.at(S) is None
    assert buffer.at(3 * S) == Pose2(3.0, 0.0, 0.0)
    buffer.add(at(0, Pose2(7.0, 0.0, 0.0)))
    assert buffer.at(3 * S) is None
    assert buffer.at(0) == Pose2(7.0, 0.0, 0.0)
