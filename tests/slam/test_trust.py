# SPDX-License-Identifier: Apache-2.0
"""The trust monitor and global relocalisation: tricks are noticed, people are not, and the robot finds itself again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.localisation import detection_s, false_trips, mapped, monitor_of
from patrol.geometry import IDENTITY2, Pose2
from patrol.sensors import Scan
from slam.beam_walk import BeamWalk
from slam.config import LocaliserConfig, MapperConfig, TrustConfig
from slam.localiser import Localiser
from slam.map_files import SavedMap
from slam.mapper import Mapper
from slam.scan_points import BodyRate
from slam.trust_monitor import Trust
from slam.updates import ScanOutcome
from tests.slam.raycaster import BASE_FROM_LIDAR, Step, cast, drive, hall, lap, room, scan_at


@pytest.fixture(scope="module")
def saved() -> SavedMap:
    return mapped()


def looks(saved: SavedMap, truth: Pose2, believed: Pose2, count: int = 15) -> list[Trust]:
    monitor, rng = monitor_of(saved), np.random.default_rng(2)
    scans = [scan_at(hall(), truth, stamp_ns=10**8 * row, rng=rng) for row in range(count)]
    return [monitor.look(scan, believed).trust for scan in scans]


def test_the_right_pose_is_trusted(saved: SavedMap) -> None:
    assert set(looks(saved, lap()[30], lap()[30])) == {Trust.SURE}
    assert set(looks(saved, lap()[30], lap()[30] @ Pose2(0.06, -0.06, 0.01))) == {Trust.SURE}


def test_a_wrong_pose_is_not(saved: SavedMap) -> None:
    trusts = looks(saved, lap()[30], lap()[200])
    assert trusts[-1] is Trust.WRONG_PLACE
    assert trusts.index(Trust.WRONG_PLACE) <= 15


def turning_scan(start: Pose2, turn_radps: float, *, stamp_ns: int, rng: np.random.Generator) -> Scan:
    """A revolution of a tenth of a second of a robot that turns on the spot."""
    beam_step_s = 0.1 / 360
    whole = scan_at(hall(), start, stamp_ns=stamp_ns, rng=rng)
    ranges = [
        float(cast(hall(), start @ Pose2(0.0, 0.0, turn_radps * beam_step_s * row) @ BASE_FROM_LIDAR, np.array([angle]))[0])
        for row, angle in enumerate(whole.angles_rad())
    ]
    noisy = np.array(ranges) + rng.normal(0.0, 0.01, len(ranges))
    return replace(whole, ranges_m=np.where(noisy > 12.0, np.inf, noisy).astype(np.float32), beam_step_s=beam_step_s)


def test_a_robot_that_turns_while_the_lidar_does_is_trusted(saved: SavedMap) -> None:
    rng, turn_radps = np.random.default_rng(2), 3.0
    told, untold = (monitor_of(saved) for _ in range(2))
    trusts: list[tuple[Trust, Trust]] = []
    for row in range(15):
        pose = lap()[30] @ Pose2(0.0, 0.0, 0.1 * turn_radps * row)
        scan = turning_scan(pose, turn_radps, stamp_ns=10**8 * row, rng=rng)
        trusts.append((told.look(scan, pose, BodyRate(yaw_radps=turn_radps)).trust, untold.look(scan, pose).trust))
    assert {with_rate for with_rate, _ in trusts} == {Trust.SURE}
    assert Trust.MAP_DIFFERS in {without for _, without in trusts}


def test_a_leap_is_not_believed_until_the_whole_map_was_searched(saved: SavedMap) -> None:
    path, steps = lap()[100:170], []
    for row, step in enumerate(drive(hall(), path, seed=9)):
        there = path[row] @ Pose2(0.0, 1.3 if row >= 30 else 0.0, 0.0)
        scan = scan_at(hall(), there, stamp_ns=step.scan.stamp_ns, rng=np.random.default_rng(row))
        steps.append(Step(scan=scan, odom_from_base=step.odom_from_base, true_pose=there))
    localiser = Localiser(saved, LocaliserConfig(), BASE_FROM_LIDAR, start=path[0])
    updates = [localiser.add_scan(step.scan, step.odom_from_base) for step in steps]
    assert not any(update.estimate.doubt for update in updates[:30])
    doubts = [update.estimate.doubt for update in updates[30:36]]
    assert all(doubts[1:])
    assert any("m from where the robot drove to" in doubt for doubt in doubts)
    assert not updates[-1].estimate.doubt
    assert updates[-1].estimate.map_from_base.distance_to(steps[-1].true_pose) < 0.1


def test_a_wrong_start_is_no_leap(saved: SavedMap) -> None:
    steps = tuple(drive(hall(), lap()[100:110], seed=9))
    localiser = Localiser(saved, LocaliserConfig(), BASE_FROM_LIDAR, start=steps[0].true_pose @ Pose2(0.0, -0.9, 0.0))
    updates = [localiser.add_scan(step.scan, step.odom_from_base) for step in steps]
    assert {update.outcome for update in updates} == {ScanOutcome.MATCHED}
    assert updates[-1].estimate.map_from_base.distance_to(steps[-1].true_pose) < 0.1


def test_a_pose_outside_the_map_tells_nothing(saved: SavedMap) -> None:
    assert set(looks(saved, lap()[30], Pose2(500.0, 0.0, 0.0))) == {Trust.UNKNOWN}


@pytest.mark.parametrize("row", [20, 80, 140, 200, 260, 320, 380])
def test_a_wall_on_the_border_of_cells_stops_beams(saved: SavedMap, row: int) -> None:
    pose = lap()[row]
    scan = scan_at(hall(), pose, stamp_ns=1, rng=np.random.default_rng(row))
    look = BeamWalk(saved, TrustConfig(), BASE_FROM_LIDAR).look(scan, pose)
    assert look.decides.sum() > 200
    assert not look.through.any()
    assert not look.short.any()


def test_what_nobody_ever_saw_stops_none() -> None:
    corridor, rng = room([(0, 0), (25, 0), (25, 4), (0, 4)]), np.random.default_rng(0)
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, Pose2(2.0, 2.0, 0.0))
    for row in range(4):
        pose = Pose2(2.0 + 0.5 * row, 2.0, 0.0)
        mapper.add_scan(scan_at(corridor, pose, stamp_ns=10**9 * row, rng=rng), Pose2(2.0, 2.0, 0.0).inverse() @ pose)
    scan = scan_at(corridor, pose, stamp_ns=10**10, rng=rng)
    ranges = cast(corridor, pose @ BASE_FROM_LIDAR, scan.angles_rad()).astype(np.float32)
    look = BeamWalk(mapper.saved(), TrustConfig(), BASE_FROM_LIDAR).look(replace(scan, range_max_m=30.0, ranges_m=ranges), pose)
    assert ranges.max() > 20.0
    assert look.ends_m[:, 0].max() < 17.0
    assert not look.through.any()


@pytest.mark.parametrize(("kind", "seed"), [("kidnapped", 7), ("mirrored", 7), ("furniture", 7), ("furniture", 6)])
def test_tricks_are_noticed_within_two_seconds(saved: SavedMap, kind: str, seed: int) -> None:
    assert detection_s(saved, kind, seed) <= 2.0


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
