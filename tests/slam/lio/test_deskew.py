# SPDX-License-Identifier: Apache-2.0
"""Motion undistortion: by known motions, and against the reference of a real revolution."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.lidar_odometry import newer_college
from patrol.checks import Floats
from patrol.errors import BadValue
from patrol.geometry import Pose3
from slam.lio.deskew import BodyMotion, undistorted
from slam.lio.rotations import righted, skew, turn_of, turned_by

DATA = Path(os.environ.get("PATROL_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")) / "slam" / "3d"
REAL = st.floats(-3.0, 3.0)
VECTOR = st.tuples(REAL, REAL, REAL).map(np.array)


def motion_of(rate: Floats, velocity: Floats, times: Floats) -> BodyMotion:
    poses = tuple(Pose3(velocity * time_s, turned_by(rate * time_s)) for time_s in times)
    return BodyMotion.of(times, poses)


@settings(max_examples=40)
@given(VECTOR, VECTOR, st.integers(2, 12))
def test_a_steady_motion_is_taken_out_whole(rate: Floats, velocity: Floats, knots: int) -> None:
    rng = np.random.default_rng(knots)
    world, times = rng.uniform(-20.0, 20.0, (50, 3)), rng.uniform(0.0, 0.1, 50)
    seen = np.array([turned_by(rate * t).T @ (p - velocity * t) for p, t in zip(world, times, strict=True)])
    motion = motion_of(rate, velocity, np.linspace(0.0, 0.1, knots))
    expected = turned_by(rate * 0.1).T @ (world - velocity * 0.1).T
    assert np.allclose(undistorted(seen, times, motion), expected.T, atol=1e-9)


@given(VECTOR)
def test_a_turn_and_its_vector_are_one(vector: Floats) -> None:
    turned = turned_by(vector * 0.9)
    assert np.allclose(turned @ turned.T, np.eye(3), atol=1e-12)
    assert np.allclose(turned_by(turn_of(turned)), turned, atol=1e-9)
    assert np.allclose(skew(vector) @ np.array([1.0, 2.0, 3.0]), np.cross(vector, [1.0, 2.0, 3.0]))
    assert np.allclose(righted(turned * 1.001), turned, atol=1e-5)


def test_one_moment_alone_stood_still() -> None:
    points = np.array([[1.0, 2.0, 3.0]])
    still = BodyMotion.of(np.array([0.5]), (Pose3(np.ones(3), np.eye(3)),))
    assert np.array_equal(undistorted(points, np.array([0.1]), still), points)


def test_time_that_does_not_rise_is_refused() -> None:
    with pytest.raises(BadValue, match="does not rise"):
        BodyMotion.of(np.array([0.0, 0.0]), (Pose3(np.zeros(3), np.eye(3)),) * 2)


@pytest.mark.skipif(not (DATA / "newer_06").is_dir(), reason="PATROL_DATA has no slam/3d/newer_06")
def test_the_reference_of_newer_college_is_reproduced() -> None:
    for figures in newer_college(DATA / "newer_06"):
        assert figures.raw_m > 0.1
        assert figures.median_m < 0.005
        assert figures.p95_m < 0.03
