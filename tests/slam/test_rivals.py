# SPDX-License-Identifier: Apache-2.0
"""Scans a metre apart and no odometry: found where the walls tell it, named where they do not, and free where odometry tells."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2, wrap_angle
from patrol.sensors import Scan
from slam.config import MapperConfig, MotionConfig
from slam.mapper import Mapper
from slam.tracker import Tracker
from slam.updates import ScanOutcome, SlamUpdate
from tests.slam.raycaster import BASE_FROM_LIDAR, drive, hall, lap, room, scan_at

NO_ODOMETRY = MapperConfig(motion=MotionConfig(use_odometry=False))
PERIOD_NS = 2_000_000_000


def sparse_scans(walls: Floats, poses: list[Pose2], *, seed: int) -> list[Scan]:
    """One scan every two seconds, taken standing."""
    rng = np.random.default_rng(seed)
    return [scan_at(walls, pose, stamp_ns=1 + row * PERIOD_NS, rng=rng) for row, pose in enumerate(poses)]


def mapped(scans: list[Scan], start: Pose2) -> tuple[Mapper, list[SlamUpdate]]:
    mapper = Mapper(NO_ODOMETRY, BASE_FROM_LIDAR, start)
    return mapper, [mapper.add_scan(scan, IDENTITY2) for scan in scans]


def teeth(every_m: float, *, to_m: float = 40.0) -> Floats:
    """A corridor of 2.4 m with a niche every ``every_m`` on both sides."""
    low: list[tuple[float, float]] = []
    for x in np.arange(0.5, to_m - 1.0, every_m):
        low += [(x, 0.0), (x, -0.6), (x + 0.6, -0.6), (x + 0.6, 0.0)]
    high = [(x, 2.4 - y) for x, y in low]
    return room([(-20.0, 0.0), *low, (to_m + 20.0, 0.0), (to_m + 20.0, 2.4), *high[::-1], (-20.0, 2.4)])


def test_a_hall_is_mapped_from_scans_a_metre_apart_without_odometry() -> None:
    poses = lap(laps=0.5)[::10]
    mapper, updates = mapped(sparse_scans(hall(), poses, seed=3), poses[0])
    trajectory = mapper.trajectory()
    errors = [trajectory.pose(row).distance_to(pose) for row, pose in enumerate(poses)]
    turns = [abs(wrap_angle(b.yaw_rad - a.yaw_rad)) for a, b in pairwise(poses)]
    assert max(turns) > 0.2
    assert max(errors) < 0.15
    assert {update.outcome for update in updates} == {ScanOutcome.MATCHED}


def test_niches_all_alike_are_told_and_widen_what_is_stated() -> None:
    poses = [Pose2(6.0 + 0.9 * row, 1.2, 0.0) for row in range(4)]
    _, updates = mapped(sparse_scans(teeth(1.8), poses, seed=1), poses[0])
    assert [update.outcome for update in updates[1:]] == [ScanOutcome.AMBIGUOUS] * 3
    for update, pose in zip(updates, poses, strict=True):
        assert update.estimate.map_from_base.distance_to(pose) < 4.0 * update.estimate.position_std_m + 0.1
    assert all("as well" in update.estimate.doubt for update in updates[1:])


def test_a_robot_that_was_carried_out_of_the_window_starts_anew() -> None:
    around = lap(laps=1.0)
    poses = [*around[:60:10], *around[220:300:10]]
    mapper, updates = mapped(sparse_scans(hall(), poses, seed=2), poses[0])
    after = updates[6:]
    named = {ScanOutcome.POOR_MATCH, ScanOutcome.AMBIGUOUS}
    assert after[0].outcome in named
    assert after[0].estimate.doubt
    assert any(update.keyframe_added for update in after)
    assert np.isfinite(mapper.trajectory().poses).all()


def test_nothing_is_searched_for_where_odometry_tells_the_motion(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr(Tracker, "_weighed", never)
    steps = tuple(drive(hall(), lap(laps=0.3), seed=3))
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, steps[0].true_pose)
    updates = [mapper.add_scan(step.scan, step.odom_from_base) for step in steps]
    assert {update.outcome for update in updates} == {ScanOutcome.MATCHED}
    assert not math.isclose(updates[-1].estimate.map_from_base.x_m, steps[0].true_pose.x_m)
