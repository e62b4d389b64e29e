# SPDX-License-Identifier: Apache-2.0
"""The trust monitor and global relocalisation: tricks are noticed, people are not, and the robot finds itself again."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.localisation import detection_s, false_trips, mapped
from patrol.geometry import IDENTITY2, Pose2
from slam.config import LocaliserConfig, MapperConfig
from slam.localiser import Localiser
from slam.map_files import SavedMap
from slam.mapper import Mapper
from slam.trust_monitor import Trust, TrustMonitor
from slam.updates import ScanOutcome
from tests.slam.raycaster import BASE_FROM_LIDAR, drive, hall, lap, room, scan_at


@pytest.fixture(scope="module")
def saved() -> SavedMap:
    return mapped()


def looks(saved: SavedMap, truth: Pose2, believed: Pose2, count: int = 15) -> list[Trust]:
    monitor, rng = TrustMonitor(saved.grid, LocaliserConfig().trust, BASE_FROM_LIDAR), np.random.default_rng(2)
    scans = [scan_at(hall(), truth, stamp_ns=10**8 * row, rng=rng) for row in range(count)]
    return [monitor.look(scan, believed).trust for scan in scans]


def test_the_right_pose_is_trusted(saved: SavedMap) -> None:
    assert set(looks(saved, lap()[30], lap()[30])) == {Trust.SURE}
    assert set(looks(saved, lap()[30], lap()[30] @ Pose2(0.06, -0.06, 0.01))) == {Trust.SURE}


def test_a_wrong_pose_is_not(saved: SavedMap) -> None:
    trusts = looks(saved, lap()[30], lap()[200])
    assert trusts[-1] is Trust.WRONG_PLACE
    assert trusts.index(Trust.WRONG_PLACE) <= 15


def test_a_pose_outside_the_map_tells_nothing(saved: SavedMap) -> None:
    assert set(looks(saved, lap()[30], Pose2(500.0, 0.0, 0.0))) == {Trust.UNKNOWN}


@pytest.mark.parametrize("kind", ["kidnapped", "mirrored", "furniture"])
def test_tricks_are_noticed_within_two_seconds(saved: SavedMap, kind: str) -> None:
    assert detection_s(saved, kind, 7) <= 2.0


def test_people_are_no_reason_for_doubt(saved: SavedMap) -> None:
    assert false_trips(saved, 0.1, 4) == 0


def test_a_robot_that_was_carried_off_finds_itself_again(saved: SavedMap) -> None:
    there = tuple(drive(hall(), lap(laps=1.0)[200:320], seed=9))
    localiser = Localiser(saved, LocaliserConfig(), BASE_FROM_LIDAR, start=lap()[20])
    updates = [localiser.add_scan(step.scan, step.odom_from_base) for step in there]
    found = [update.outcome is ScanOutcome.MATCHED and not update.estimate.doubt for update in updates]
    assert updates[-1].estimate.map_from_base.distance_to(there[-1].true_pose) < 0.2
    assert found[-1]
    wrong = [
        update.estimate.map_from_base.distance_to(step.true_pose) > 1.0 and not update.estimate.doubt
        for update, step in zip(updates, there, strict=True)
    ]
    assert sum(wrong) <= 20


def test_a_symmetric_room_leaves_two_places() -> None:
    walls, rng = room([(0, 0), (12, 0), (12, 7), (0, 7)]), np.random.default_rng(0)
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, Pose2(3.0, 3.0, 0.2))
    for row in range(12):
        pose = Pose2(3.0 + 0.5 * row, 3.0, 0.2)
        mapper.add_scan(scan_at(walls, pose, stamp_ns=10**9 * row + 1, rng=rng), Pose2(3.0, 3.0, 0.2).inverse() @ pose)
    localiser = Localiser(mapper.saved(), LocaliserConfig(), BASE_FROM_LIDAR, start=None)
    update = localiser.add_scan(scan_at(walls, Pose2(4.0, 2.0, 0.7), stamp_ns=1, rng=rng), IDENTITY2)
    assert update.outcome is ScanOutcome.LOST
    assert "any of 2 places" in update.estimate.doubt
    assert update.estimate.position_std_m > 5.0
