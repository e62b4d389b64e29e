# SPDX-License-Identifier: Apache-2.0
"""A lap that is kept says the same when it is read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.lap_logs import Sight, keep_lap, kept_lap
from patrol.errors import BadInput
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2
from slam.scan_points import BodyRate
from tests.slam.raycaster import drive, hall, lap


def sights() -> list[Sight]:
    found: list[Sight] = []
    for step in drive(hall(), lap()[:4], seed=1):
        estimate = PoseEstimate(
            stamp_ns=step.scan.stamp_ns,
            map_from_odom=step.true_pose @ Pose2(0.03, 0.04, 0.0) @ step.odom_from_base.inverse(),
            odom_from_base=step.odom_from_base,
            covariance=np.diag([0.01, 0.02, 0.001]),
            doubt="" if len(found) % 2 else "lost: the scan fits nowhere",
        )
        found.append(Sight(scan=step.scan, estimate=estimate, rate=BodyRate(x_mps=1.0), true_pose=step.true_pose))
    return found


def test_a_lap_that_is_kept_says_the_same_again(tmp_path: Path) -> None:
    path, told = tmp_path / "maps" / "lap0.npz", sights()
    assert list(keep_lap(path, told)) == told
    assert sorted(each.name for each in path.parent.iterdir()) == ["lap0.npz"]
    for before, after in zip(told, kept_lap(path), strict=True):
        assert np.array_equal(before.scan.ranges_m, after.scan.ranges_m)
        assert (before.scan.stamp_ns, before.scan.angle_step_rad) == (after.scan.stamp_ns, after.scan.angle_step_rad)
        assert (before.rate, before.estimate.doubt) == (after.rate, after.estimate.doubt)
        assert before.estimate.position_std_m == after.estimate.position_std_m
        assert after.off_m == pytest.approx(0.05, abs=1e-9)


def test_a_file_that_lacks_something_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "lap0.npz", poses=np.zeros((2, 3)))
    with pytest.raises(BadInput, match="ranges_m"):
        next(kept_lap(tmp_path / "lap0.npz"))
