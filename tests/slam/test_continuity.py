# SPDX-License-Identifier: Apache-2.0
"""A scan that fits the map but does not follow on the one before: carried off along a corridor that is the same all the way."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.localisation import mapped
from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2
from slam.config import ContinuityConfig, LocaliserConfig, MapperConfig
from slam.localiser import Localiser
from slam.map_files import SavedMap
from slam.mapper import Mapper
from tests.slam.raycaster import BASE_FROM_LIDAR, box, drive, hall, lap, room, scan_at

CORRIDOR = room([(0.0, 0.0), (80.0, 0.0), (80.0, 4.0), (0.0, 4.0)])
START = Pose2(20.0, 2.0, 0.0)


@pytest.fixture(scope="module")
def corridor() -> SavedMap:
    mapper, rng = Mapper(MapperConfig(), BASE_FROM_LIDAR, START), np.random.default_rng(1)
    for row in range(80):
        moved = Pose2(0.5 * row, 0.0, 0.0)
        mapper.add_scan(scan_at(CORRIDOR, START @ moved, stamp_ns=10**8 * row + 1, rng=rng), moved)
    return mapper.saved()


@pytest.fixture(scope="module")
def saved() -> SavedMap:
    return mapped()


def doubts_along(saved: SavedMap, walls: Sequence[Floats], poses: Sequence[Pose2], odometry: Sequence[Pose2]) -> list[str]:
    """What the localiser doubts at each pose, in walls of that moment."""
    rng, told = np.random.default_rng(3), []
    localiser = Localiser(saved, LocaliserConfig(), BASE_FROM_LIDAR, start=poses[0])
    for row, (around, pose, odom) in enumerate(zip(walls, poses, odometry, strict=True)):
        scan = scan_at(around, pose, stamp_ns=10**8 * row + 1, rng=rng)
        told.append(localiser.add_scan(scan, odom).estimate.doubt)
    return told


def carried_aside(saved: SavedMap, config: LocaliserConfig, aside_m: float) -> list[str]:
    """Doubts of a robot that drives 6 m down the corridor and then goes on 20 m away, ``aside_m`` aside."""
    rng, told = np.random.default_rng(2), []
    localiser = Localiser(saved, config, BASE_FROM_LIDAR, start=START)
    for row in range(45):
        moved = Pose2(0.2 * row, 0.0, 0.0)
        there = START @ moved @ (Pose2(20.0, aside_m, 0.0) if row >= 30 else IDENTITY2)
        scan = scan_at(CORRIDOR, there, stamp_ns=10**8 * row + 1, rng=rng)
        told.append(localiser.add_scan(scan, moved).estimate.doubt)
    return told


@pytest.mark.parametrize("aside_m", [0.25, -0.45])
def test_who_was_carried_along_a_corridor_is_noticed_by_the_step_between_two_scans(corridor: SavedMap, aside_m: float) -> None:
    told = carried_aside(corridor, LocaliserConfig(), aside_m)
    assert not any(told[:30])
    assert "does not follow on the last one" in told[30]


def test_the_map_alone_does_not_tell(corridor: SavedMap) -> None:
    blind = LocaliserConfig(continuity=ContinuityConfig(same_min=0.0))
    assert not any(carried_aside(corridor, blind, 0.45))


def test_wheels_that_lie_are_no_carrying_off(saved: SavedMap) -> None:
    rng, poses, odometry = np.random.default_rng(4), lap(), [IDENTITY2]
    for before, after in pairwise(poses):
        moved = before.inverse() @ after
        slipped = Pose2(moved.x_m * rng.uniform(0.3, 1.5), 0.0, moved.yaw_rad + rng.normal(0.0, 0.08))
        odometry.append(odometry[-1] @ slipped)
    told = doubts_along(saved, [hall()] * len(poses), poses, odometry)
    assert sum("does not follow" in doubt for doubt in told[:50]) <= 1
    assert not any(told[50:])


def test_who_steps_before_the_lidar_and_away_again_is_no_carrying_off(saved: SavedMap) -> None:
    poses, walls = lap()[60:140], []
    for row, pose in enumerate(poses):
        beside = (pose @ BASE_FROM_LIDAR).apply([[0.0, 0.7]])[0]
        who = box(beside[0] - 1.0, beside[1] - 0.2, 2.0, 0.4)
        walls.append(np.vstack([hall(), who]) if row // 10 % 2 else hall())
    odometry = [poses[0].inverse() @ pose for pose in poses]
    assert not any("does not follow" in doubt for doubt in doubts_along(saved, walls, poses, odometry))


def test_a_drive_that_odometry_tells_a_little_wrong_is_followed(saved: SavedMap) -> None:
    steps = tuple(drive(hall(), lap()[20:120], seed=5))
    localiser = Localiser(saved, LocaliserConfig(), BASE_FROM_LIDAR, start=steps[0].true_pose)
    updates = [localiser.add_scan(step.scan, step.odom_from_base) for step in steps]
    assert not any(update.estimate.doubt for update in updates)
    assert updates[-1].estimate.map_from_base.distance_to(steps[-1].true_pose) < 0.05
