# SPDX-License-Identifier: Apache-2.0
"""The algebra of poses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import BadValue
from patrol.geometry import IDENTITY2, STOPPED, Pose2, Pose3, Twist2, wrap_angle

METRES = st.floats(-1e4, 1e4)
ANGLES = st.floats(-50.0, 50.0)
POSES2 = st.builds(Pose2, METRES, METRES, ANGLES)
POSES3 = st.builds(Pose3.from_xyz_rpy, METRES, METRES, METRES, ANGLES, ANGLES, ANGLES)


def same2(one: Pose2, two: Pose2) -> None:
    assert one.x_m == pytest.approx(two.x_m, abs=1e-6)
    assert one.y_m == pytest.approx(two.y_m, abs=1e-6)
    assert wrap_angle(one.yaw_rad - two.yaw_rad) == pytest.approx(0.0, abs=1e-9)


def same3(one: Pose3, two: Pose3) -> None:
    np.testing.assert_allclose(one.translation_m, two.translation_m, atol=1e-6)
    np.testing.assert_allclose(one.rotation, two.rotation, atol=1e-9)


@given(ANGLES)
def test_wrapped_angles_lie_in_one_turn_and_point_the_same_way(angle: float) -> None:
    wrapped = wrap_angle(angle)
    assert -math.pi < wrapped <= math.pi
    assert math.cos(wrapped) == pytest.approx(math.cos(angle), abs=1e-9)
    assert math.sin(wrapped) == pytest.approx(math.sin(angle), abs=1e-9)


def test_half_a_turn_is_positive() -> None:
    assert wrap_angle(-math.pi) == math.pi
    assert Pose2(0, 0, 3 * math.pi).yaw_rad == math.pi


@given(POSES2, POSES2, POSES2)
def test_planar_poses_are_a_group(a: Pose2, b: Pose2, c: Pose2) -> None:
    same2((a @ b) @ c, a @ (b @ c))
    same2(a @ a.inverse(), IDENTITY2)
    same2(a.inverse() @ a, IDENTITY2)
    same2(a @ IDENTITY2, a)


@given(POSES3, POSES3, POSES3)
def test_rigid_transforms_are_a_group(a: Pose3, b: Pose3, c: Pose3) -> None:
    same3((a @ b) @ c, a @ (b @ c))
    same3(a @ a.inverse(), Pose3(np.zeros(3), np.eye(3)))
    np.testing.assert_allclose(a.rotation @ a.rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(a.rotation) == pytest.approx(1.0)


@given(POSES2, POSES2, METRES, METRES)
def test_product_applies_right_to_left_and_keeps_distances(a: Pose2, b: Pose2, x: float, y: float) -> None:
    points = np.array([[x, y], [0.0, 0.0]])
    np.testing.assert_allclose((a @ b).apply(points), a.apply(b.apply(points)), atol=1e-6)
    moved = a.apply(points)
    assert math.dist(moved[0], moved[1]) == pytest.approx(math.hypot(x, y), abs=1e-6)


@given(POSES3, st.lists(st.tuples(METRES, METRES, METRES), min_size=1, max_size=4))
def test_inverse_brings_points_back(pose: Pose3, points: list[tuple[float, float, float]]) -> None:
    np.testing.assert_allclose(pose.inverse().apply(pose.apply(points)), points, atol=1e-5)


@given(POSES2, POSES2)
def test_planar_and_spatial_agree(a: Pose2, b: Pose2) -> None:
    same2((Pose3.from_pose2(a) @ Pose3.from_pose2(b)).to_pose2(), a @ b)
    assert Pose3.from_pose2(a, 1.5).translation_m[2] == 1.5
    assert a.distance_to(b) == pytest.approx(b.distance_to(a))


@given(POSES3)
def test_quaternion_round_trip(pose: Pose3) -> None:
    quaternion = pose.quaternion_xyzw()
    assert np.linalg.norm(quaternion) == pytest.approx(1.0)
    same3(Pose3.from_quaternion(pose.translation_m, quaternion), pose)


def test_rpy_is_about_fixed_axes() -> None:
    pose = Pose3.from_xyz_rpy(0, 0, 0, math.pi / 2, 0, math.pi / 2)
    np.testing.assert_allclose(pose.apply([[0, 1, 0]]), [[0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(pose.apply([[1, 0, 0]]), [[0, 1, 0]], atol=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nothing_that_is_not_finite(bad: float) -> None:
    for arguments in ((bad, 0, 0), (0, bad, 0), (0, 0, bad)):
        with pytest.raises(BadValue, match="not finite"):
            Pose2(*arguments)
        with pytest.raises(BadValue, match="not finite"):
            Twist2(*arguments)
    with pytest.raises(BadValue, match="translation_m"):
        Pose3(np.array([0, bad, 0]), np.eye(3))
    with pytest.raises(BadValue, match="rotation"):
        Pose3(np.zeros(3), np.eye(4))


def test_poses_can_not_be_changed() -> None:
    source = np.zeros(3)
    pose = Pose3(source, np.eye(3))
    with pytest.raises(ValueError, match="read-only"):
        pose.translation_m[0] = 1.0
    assert Twist2() == STOPPED
