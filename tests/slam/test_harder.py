# SPDX-License-Identifier: Apache-2.0
"""What the benchmark of harder logs does to a log."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.slam_harder import HARDER, Records
from patrol.geometry import Pose2
from patrol.sensors import Scan
from slam.carmen import CarmenRecord


def straight(count: int) -> Records:
    """Two scans a second of 181 beams over half a turn, ranges from 1 to 19 m, on a straight line."""
    scans = [
        Scan(
            stamp_ns=row * 500_000_000 + 1,
            frame_id="lidar_link",
            angle_min_rad=-0.5 * math.pi,
            angle_step_rad=math.pi / 180.0,
            range_min_m=0.05,
            range_max_m=30.0,
            ranges_m=np.linspace(1.0, 19.0, 181, dtype=np.float32),
        )
        for row in range(count)
    ]
    return [
        CarmenRecord(stamp_ns=scan.stamp_ns, scan=scan, odom_from_base=Pose2(0.1 * row, 0.0, 0.0))
        for row, scan in enumerate(scans)
    ]


def test_scans_are_lost() -> None:
    records = straight(480)
    assert [record.stamp_ns for record in HARDER["every_third"](records)] == [record.stamp_ns for record in records[::3]]
    assert len(HARDER["gaps"](records)) == 4 * 110
    assert np.diff([record.stamp_ns for record in HARDER["gaps"](records)]).max() == pytest.approx(5.5e9)


@pytest.mark.parametrize("name", ["few_beams", "narrow"])
def test_the_beams_that_are_left_keep_their_bearings(name: str) -> None:
    before = straight(1)[0].scan
    after = HARDER[name](straight(1))[0].scan
    told = dict(zip(np.round(before.angles_rad(), 6), before.ranges_m, strict=True))
    assert after.ranges_m.size == 91
    assert all(told[angle] == length_m for angle, length_m in zip(np.round(after.angles_rad(), 6), after.ranges_m, strict=True))
    assert np.ptp(after.angles_rad()) == pytest.approx(math.pi if name == "few_beams" else 0.5 * math.pi)


def test_nothing_comes_back_from_afar() -> None:
    scan = HARDER["short_sighted"](straight(1))[0].scan
    assert scan.ranges_m[scan.valid()].max() <= 8.0
    assert int(scan.valid().sum()) == int((straight(1)[0].scan.ranges_m <= 8.0).sum())


def test_odometry_bends_or_stands() -> None:
    records = straight(401)
    bent = HARDER["odometry_bends"](records)
    steps = [before.odom_from_base.inverse() @ after.odom_from_base for before, after in pairwise(bent)]
    turns = np.array([step.yaw_rad for step in steps])
    assert {round(math.hypot(step.x_m, step.y_m), 6) for step in steps} == {0.105}
    assert turns.std() == pytest.approx(0.05 * math.sqrt(0.1), rel=0.15)
    assert turns.mean() == pytest.approx(0.02 * 0.1, abs=3.0 * turns.std() / math.sqrt(len(steps)))
    assert {record.odom_from_base for record in HARDER["no_odometry"](records)} == {records[0].odom_from_base}
