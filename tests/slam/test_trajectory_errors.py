# SPDX-License-Identifier: Apache-2.0
"""ATE and RPE: the figures that the field's own tool gives, what must hold for any trajectory, and files that are broken."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from patrol.errors import BadInput, BadValue
from slam.stamped_poses import StampedPoses, lifted, read_kitti, read_tum, write_kitti, write_tum
from slam.trajectory import Trajectory
from slam.trajectory_errors import (
    ErrorSummary,
    absolute_errors_m,
    aligned,
    associated,
    pairs_by_count,
    pairs_by_path,
    relative_errors,
)

ROOT = Path(__file__).resolve().parents[2]
TRAJECTORIES = Path(os.environ.get("PATROL_DATA", ROOT.parent / "shared" / "data")) / "slam" / "traj"
needs_data = pytest.mark.skipif(not TRAJECTORIES.is_dir(), reason=f"no trajectories under {TRAJECTORIES}; set PATROL_DATA")


def wandering(seed: int, count: int = 60) -> StampedPoses:
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, :3, 3] = np.cumsum(rng.normal(0.0, 1.0, (count, 3)), axis=0)
    poses[:, :3, :3] = Rotation.from_rotvec(np.cumsum(rng.normal(0.0, 0.1, (count, 3)), axis=0)).as_matrix()
    return StampedPoses(stamps_s=np.linspace(3.0, 9.0, count), poses=poses)


def moved(trajectory: StampedPoses, seed: int) -> StampedPoses:
    rng = np.random.default_rng(seed)
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_rotvec(rng.normal(0.0, 1.0, 3)).as_matrix()
    motion[:3, 3] = rng.normal(0.0, 20.0, 3)
    return StampedPoses(stamps_s=trajectory.stamps_s, poses=motion @ trajectory.poses)


@needs_data
def test_kitti_errors_are_those_of_the_field() -> None:
    reference, estimate = (
        read_kitti(TRAJECTORIES.parent / "3d" / "kitti00" / "KITTI_00_gt.txt"),
        read_kitti(TRAJECTORIES / "KITTI_00_ORB.txt"),
    )
    absolute = ErrorSummary.of(absolute_errors_m(reference, aligned(reference, estimate)))
    relative = ErrorSummary.of(relative_errors(reference, estimate, pairs_by_path(estimate, 100.0))[0])
    assert absolute.rmse == pytest.approx(1.303450, abs=1e-6)
    assert absolute.mean == pytest.approx(1.156997, abs=1e-6)
    assert absolute.max == pytest.approx(3.587949, abs=1e-6)
    assert relative.rmse == pytest.approx(1.193976, abs=1e-6)
    assert relative.mean == pytest.approx(1.054478, abs=1e-6)
    assert relative.max == pytest.approx(2.959638, abs=1e-6)


@needs_data
def test_tum_errors_are_those_of_the_field() -> None:
    truth = read_tum(TRAJECTORIES / "freiburg1_xyz-groundtruth.txt")
    pairs = associated(truth, read_tum(TRAJECTORIES / "freiburg1_xyz-rgbdslam.txt"))
    absolute = ErrorSummary.of(absolute_errors_m(pairs[0], aligned(*pairs)))
    assert absolute.rmse == pytest.approx(0.013470, abs=1e-6)
    assert absolute.mean == pytest.approx(0.012024, abs=1e-6)
    assert absolute.max == pytest.approx(0.034760, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_rigid_motion_is_no_error(seed: int) -> None:
    truth = wandering(seed)
    other = moved(truth, seed + 1)
    assert absolute_errors_m(truth, other).max() > 0.1
    assert absolute_errors_m(truth, aligned(truth, other)).max() < 1e-6
    translation, rotation = relative_errors(truth, other, pairs_by_count(truth, 5))
    assert translation.max() < 1e-6
    assert rotation.max() < 1e-5


def test_a_drift_shows_in_the_relative_error() -> None:
    truth = wandering(4)
    drift = truth.poses.copy()
    drift[:, 0, 3] *= 1.1
    translation, rotation = relative_errors(truth, StampedPoses(stamps_s=truth.stamps_s, poses=drift), pairs_by_path(truth, 8.0))
    assert 0.05 < translation.mean() < 0.8
    assert rotation.max() < 1e-6


def test_files_round_trip(tmp_path: Path) -> None:
    truth = wandering(7)
    write_tum(tmp_path / "tum.txt", truth)
    write_kitti(tmp_path / "kitti.txt", truth)
    tum, kitti = read_tum(tmp_path / "tum.txt"), read_kitti(tmp_path / "kitti.txt")
    assert np.allclose(tum.poses, truth.poses, atol=1e-7)
    assert np.allclose(tum.stamps_s, truth.stamps_s)
    assert np.allclose(kitti.poses, truth.poses, atol=1e-9)


def test_a_planar_trajectory_is_lifted() -> None:
    planar = Trajectory(stamps_ns=np.array([10**9, 2 * 10**9]), poses=np.array([[1.0, 2.0, 0.5], [3.0, 4.0, -0.5]]))
    space = lifted(planar)
    assert space.stamps_s.tolist() == [1.0, 2.0]
    assert space.positions_m[1].tolist() == [3.0, 4.0, 0.0]
    assert space.poses[0, 1, 0] == pytest.approx(np.sin(0.5))


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("1 0 0 0 0 0 0 1\n2 0 0 0\n", "line 2"),
        ("1 0 0 nan 0 0 0 1\n", "line 1"),
        ("1 0 0 0 0 0 0 3\n", "unit quaternion"),
        ("2 0 0 0 0 0 0 1\n1 0 0 0 0 0 0 1\n", "does not rise"),
        ("# nothing\n", "no pose"),
        ("1 a 0 0 0 0 0 1\n", "line 1"),
    ],
)
def test_a_broken_tum_file_is_refused(tmp_path: Path, text: str, because: str) -> None:
    path = tmp_path / "path.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput, match=because):
        read_tum(path)


def test_a_kitti_line_without_rotation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "path.txt"
    path.write_text("1 0 0 0 0 2 0 0 0 0 1 0\n", "utf-8")
    with pytest.raises(BadInput, match="no rotation"):
        read_kitti(path)


def test_what_can_not_be_compared_says_so() -> None:
    one, other = wandering(1), wandering(2, count=50)
    with pytest.raises(BadValue, match="50 for 60"):
        absolute_errors_m(one, other)
    with pytest.raises(BadValue, match="no two poses"):
        associated(one, StampedPoses(stamps_s=one.stamps_s + 100.0, poses=one.poses))
    with pytest.raises(BadValue, match="too short"):
        relative_errors(one, one, pairs_by_path(one, 1e6))
    straight = np.tile(np.eye(4), (5, 1, 1))
    straight[:, 0, 3] = np.arange(5)
    line = StampedPoses(stamps_s=np.arange(5.0), poses=straight)
    with pytest.raises(BadValue, match="one line"):
        aligned(line, line)
