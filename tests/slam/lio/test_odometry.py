# SPDX-License-Identifier: Apache-2.0
"""Lidar-inertial odometry: accuracy on a known course, each sensor silent in turn, and input that can not be used."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.geometry import Pose2, Twist2
from patrol.sensors import Imu, Odometry, PointCloud
from slam.lio.cloud_check import CloudOutcome
from slam.lio.config import LioConfig
from slam.lio.odometry import LidarInertialOdometry, LioUpdate, Mounts3
from tests.slam.lio.course import START_NS, Course, mounts, start, true_at


def run(course: Course, *, told: Mounts3 | None = None) -> tuple[LidarInertialOdometry, list[LioUpdate]]:
    odometry, updates = LidarInertialOdometry(LioConfig(), told or mounts(), start(course)), []
    for event in course.events():
        if isinstance(event, PointCloud):
            updates.append(odometry.add_cloud(event))
        else:
            odometry.add_reading(event)
    return odometry, updates


def errors_m(updates: list[LioUpdate]) -> list[float]:
    return [update.odom_from_base.to_pose2().distance_to(true_at(update.stamp_ns)) for update in updates]


def test_the_pose_follows_the_robot_and_the_wheels_are_seen_through() -> None:
    odometry, updates = run(Course(lasts_s=7.0, every_s=0.25, scale=1.03))
    assert {update.outcome for update in updates} == {CloudOutcome.REGISTERED}
    assert max(errors_m(updates)) < 0.05
    assert max(abs(update.odom_from_base.translation_m[2]) for update in updates) < 0.05
    assert odometry.wheel_scale == pytest.approx(1.03, abs=0.01)
    assert np.linalg.norm(odometry.gravity_mps2) == pytest.approx(9.81)
    assert not any(update.doubts for update in updates[1:])


@pytest.mark.parametrize(
    ("course", "doubt"),
    [
        (Course(lasts_s=4.0, every_s=0.25, with_imu=False), "the IMU is silent"),
        (Course(lasts_s=4.0, every_s=0.25, with_wheels=False), "wheel odometry is silent"),
    ],
)
def test_a_silent_sensor_is_named_and_the_others_carry_on(course: Course, doubt: str) -> None:
    _, updates = run(course)
    assert all(doubt in update.doubts for update in updates)
    assert updates[-1].outcome is CloudOutcome.REGISTERED
    assert max(errors_m(updates)) < 0.10


def test_an_imu_whose_place_is_not_known_is_not_heard() -> None:
    known = mounts()
    _, updates = run(Course(lasts_s=2.0, every_s=0.2), told=Mounts3(base_from_lidar=known.base_from_lidar))
    assert "the IMU is silent" in updates[-1].doubts
    assert max(errors_m(updates)) < 0.10


def test_a_run_that_is_joined_while_it_moves_begins_at_the_speed_of_the_wheels() -> None:
    _, updates = run(Course(lasts_s=1.5, every_s=0.5, from_s=20.0))
    assert max(errors_m(updates)) < 0.06


def clouds(count: int) -> list[PointCloud]:
    course = Course(lasts_s=0.1 * count + 0.1, with_imu=False, with_wheels=False)
    return [event for event in course.events() if isinstance(event, PointCloud)]


def test_input_that_can_not_be_used_has_a_name_and_leaves_the_map_alone() -> None:
    odometry = LidarInertialOdometry(LioConfig(), mounts(), start())
    first, second, third = clouds(3)
    before = odometry.add_cloud(first)
    broken = np.full(second.points_m.shape, np.nan, dtype=np.float32)
    count = len(second.points_m)
    empty = PointCloud(
        stamp_ns=third.stamp_ns,
        frame_id="lidar_link",
        points_m=np.zeros((0, 3), dtype=np.float32),
        intensity=np.zeros(0, dtype=np.float32),
        ring=np.zeros(0, dtype=np.uint8),
        time_s=np.zeros(0, dtype=np.float32),
    )
    assert odometry.add_cloud(first).outcome is CloudOutcome.TIME_BACKWARDS
    assert odometry.add_cloud(replace(second, points_m=broken)).outcome is CloudOutcome.NOT_FINITE
    refused = odometry.add_cloud(replace(empty, stamp_ns=third.stamp_ns + 100_000_000))
    assert (refused.outcome, refused.key) == (CloudOutcome.TOO_FEW_RETURNS, None)
    assert "only 0 points" in refused.because
    later = replace(third, stamp_ns=third.stamp_ns + 200_000_000)
    assert odometry.add_cloud(later).outcome is CloudOutcome.REGISTERED
    assert odometry.add_cloud(replace(later, stamp_ns=later.stamp_ns + 100_000_000)).outcome is CloudOutcome.STUCK
    gap = odometry.add_cloud(replace(first, stamp_ns=later.stamp_ns + 60_000_000_000))
    assert gap.outcome is CloudOutcome.GAP
    assert before.key is not None
    assert count > 5000


def test_a_revolution_of_another_place_is_a_poor_match() -> None:
    odometry = LidarInertialOdometry(LioConfig(), mounts(), start())
    first, second = clouds(2)
    odometry.add_cloud(first)
    here = odometry.add_cloud(replace(second, points_m=second.points_m * np.float32(0.2) + np.float32(15.0)))
    assert here.outcome is CloudOutcome.POOR_MATCH
    assert "of the points" in here.because
    assert here.key is None


def still(stamp_ns: int) -> Imu:
    force = np.array([0.0, 0.0, 9.81])
    return Imu(stamp_ns=stamp_ns, frame_id="imu_link", angular_velocity_radps=np.zeros(3), linear_acceleration_mps2=force)


def test_readings_that_are_late_or_not_finite_are_left_out() -> None:
    odometry = LidarInertialOdometry(LioConfig(), mounts(), start())
    (first,) = clouds(1)
    odometry.add_cloud(first)
    assert not odometry.add_reading(still(START_NS))
    broken = replace(still(START_NS + 10**9), angular_velocity_radps=np.array([math.nan, 0.0, 0.0]))
    assert not odometry.add_reading(broken)
    assert odometry.add_reading(still(START_NS + 10**9))
    twist = Twist2(forward_mps=0.1)
    assert odometry.add_reading(Odometry(stamp_ns=START_NS + 10**9, odom_from_base=Pose2(0, 0, 0), twist=twist))


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.integers(-(10**10), 10**10))
def test_no_cloud_whatever_breaks_it(seed: int, count: int, shift_ns: int) -> None:
    rng = np.random.default_rng(seed)
    odometry = LidarInertialOdometry(LioConfig(), mounts(), start())
    for number in range(3):
        points = rng.normal(0.0, 10.0, (count, 3)).astype(np.float32)
        points[rng.random(count) < 0.2] = rng.choice([np.nan, np.inf, 1e30])
        cloud = PointCloud(
            stamp_ns=START_NS + number * shift_ns,
            frame_id="lidar_link",
            points_m=points,
            intensity=np.zeros(count, dtype=np.float32),
            ring=np.zeros(count, dtype=np.uint8),
            time_s=rng.uniform(0.0, 0.1, count).astype(np.float32),
        )
        update = odometry.add_cloud(cloud)
        assert isinstance(update.outcome, CloudOutcome)
        assert np.isfinite(update.odom_from_base.translation_m).all()
