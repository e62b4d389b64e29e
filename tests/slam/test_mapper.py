# SPDX-License-Identifier: Apache-2.0
"""Mapping a hall: accuracy, the grid, saving, localising; and everything that can be wrong with a scan."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.errors import BadInput
from patrol.geometry import Pose2, wrap_angle
from patrol.sensors import Scan
from slam.config import LocaliserConfig, MapperConfig
from slam.localiser import Localiser
from slam.map_files import load_map
from slam.mapper import Mapper
from slam.updates import ScanOutcome, SlamUpdate
from tests.slam.raycaster import BASE_FROM_LIDAR, Step, drive, hall, lap


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """A hall mapped by a lap and a half."""

    mapper: Mapper
    steps: tuple[Step, ...]
    updates: tuple[SlamUpdate, ...]
    folder: Path


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    steps = tuple(drive(hall(), lap(laps=1.4), seed=3))
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, steps[0].true_pose)
    updates = tuple(mapper.add_scan(step.scan, step.odom_from_base) for step in steps)
    folder = tmp_path_factory.mktemp("hall")
    mapper.save(folder)
    return Driven(mapper=mapper, steps=steps, updates=updates, folder=folder)


def position_errors_m(updates: tuple[SlamUpdate, ...], steps: tuple[Step, ...]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    pairs = zip(updates, steps, strict=True)
    return np.array([update.estimate.map_from_base.distance_to(step.true_pose) for update, step in pairs])


def test_pose_holds_while_odometry_drifts(driven: Driven) -> None:
    errors = position_errors_m(driven.updates, driven.steps)
    last = driven.steps[-1]
    odometry_error = (driven.steps[0].true_pose @ last.odom_from_base).distance_to(last.true_pose)
    yaw = [
        abs(wrap_angle(update.estimate.map_from_base.yaw_rad - step.true_pose.yaw_rad))
        for update, step in zip(driven.updates, driven.steps, strict=True)
    ]
    assert odometry_error > 0.5
    assert float(np.median(errors)) < 0.05
    assert float(errors.max()) < 0.15
    assert math.degrees(float(np.median(yaw))) < 0.3


def test_second_lap_closes_loops(driven: Driven) -> None:
    closed = [index for index, update in enumerate(driven.updates) if update.loop_closed]
    assert closed
    assert min(closed) > len(driven.updates) // 4


def test_truth_lies_within_the_stated_covariance(driven: Driven) -> None:
    errors = position_errors_m(driven.updates, driven.steps)
    stated = np.array([update.estimate.position_std_m for update in driven.updates])
    assert float((errors < 4.0 * stated + 0.02).mean()) > 0.95


def test_grid_knows_walls_and_floor(driven: Driven) -> None:
    grid = driven.mapper.grid(7)
    walls = np.array([[12.0, 0.0], [24.0, 5.0], [8.0, 7.0]])
    floor = np.array([[12.0, 3.0], [20.0, 8.0], [5.0, 8.0]])
    rows, cols = grid.rows_cols(walls).T
    near_wall = [grid.cells[r - 2 : r + 3, c - 2 : c + 3].max() for r, c in zip(rows, cols, strict=True)]
    rows, cols = grid.rows_cols(floor).T
    assert min(near_wall) >= 65
    assert grid.cells[rows, cols].max() <= 25
    assert grid.cells[tuple(grid.rows_cols([[12.0, 7.5]])[0])] == -1
    assert grid.stamp_ns == 7


def test_final_trajectory_covers_every_scan(driven: Driven) -> None:
    trajectory = driven.mapper.trajectory()
    errors = [trajectory.pose(row).distance_to(step.true_pose) for row, step in enumerate(driven.steps)]
    assert len(trajectory) == len(driven.steps)
    assert max(errors) < 0.15


def test_saved_map_reads_back(driven: Driven) -> None:
    saved = load_map(driven.folder)
    grid = driven.mapper.grid(0)
    occupied = saved.grid.cells == 100
    assert np.array_equal(occupied, grid.cells >= 65)
    assert len(saved.edges) >= len(saved.keyframes) - 1
    assert saved.keyframes[0].scan.ranges_m.tolist() == driven.steps[0].scan.ranges_m.tolist()


@pytest.mark.parametrize("name", ["map.npz", "map.pgm", "map.yaml"])
def test_broken_map_is_refused_whole(driven: Driven, tmp_path: Path, name: str) -> None:
    for path in driven.folder.iterdir():
        data = path.read_bytes()
        (tmp_path / path.name).write_bytes(data[: len(data) // 3] if path.name == name else data)
    with pytest.raises(BadInput):
        load_map(tmp_path)


def test_missing_map_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"map\.yaml"):
        Localiser.load(tmp_path, LocaliserConfig(), BASE_FROM_LIDAR)


def test_localiser_tracks_another_drive(driven: Driven) -> None:
    steps = tuple(drive(hall(), lap(laps=0.4, speed_mps=0.8), seed=11))
    localiser = Localiser.load(driven.folder, LocaliserConfig(), BASE_FROM_LIDAR, start=steps[0].true_pose)
    updates = tuple(localiser.add_scan(step.scan, step.odom_from_base) for step in steps)
    assert float(position_errors_m(updates, steps).max()) < 0.12
    assert not any(update.estimate.doubt for update in updates)


@pytest.mark.parametrize("index", [40, 200, 330])
def test_localiser_finds_itself_anywhere(driven: Driven, index: int) -> None:
    localiser = Localiser.load(driven.folder, LocaliserConfig(), BASE_FROM_LIDAR)
    step = driven.steps[index]
    update = localiser.add_scan(step.scan, Pose2(0.0, 0.0, 0.0))
    assert update.outcome is ScanOutcome.MATCHED
    assert update.estimate.map_from_base.distance_to(step.true_pose) < 0.15


def test_localiser_doubts_what_does_not_fit(driven: Driven) -> None:
    localiser = Localiser.load(driven.folder, LocaliserConfig(), BASE_FROM_LIDAR, start=driven.steps[0].true_pose)
    localiser.add_scan(driven.steps[0].scan, driven.steps[0].odom_from_base)
    strange = np.random.default_rng(1).uniform(0.5, 4.0, 360).astype(np.float32)
    updates = [
        localiser.add_scan(
            replace(driven.steps[0].scan, stamp_ns=10**9 + n, ranges_m=np.roll(strange, n)), driven.steps[0].odom_from_base
        )
        for n in range(12)
    ]
    assert "does not fit" in updates[0].estimate.doubt
    assert updates[-1].outcome is ScanOutcome.LOST
    assert updates[-1].estimate.position_std_m > 5.0


def fresh_mapper(steps: tuple[Step, ...], count: int) -> Mapper:
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, steps[0].true_pose)
    for step in steps[:count]:
        mapper.add_scan(step.scan, step.odom_from_base)
    return mapper


def with_ranges(scan: Scan, value: float) -> Scan:
    return replace(scan, ranges_m=np.full(scan.ranges_m.size, value, dtype=np.float32))


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 1e9])
def test_scan_without_returns_moves_by_odometry_and_leaves_the_map(driven: Driven, value: float) -> None:
    mapper = fresh_mapper(driven.steps, 20)
    before, step = mapper.grid(0), driven.steps[20]
    update = mapper.add_scan(with_ranges(step.scan, value), step.odom_from_base)
    assert update.outcome is ScanOutcome.TOO_FEW_RETURNS
    assert "beams returned" in update.estimate.doubt
    assert update.estimate.map_from_base.distance_to(step.true_pose) < 0.1
    assert np.array_equal(mapper.grid(0).cells, before.cells)


def test_empty_scan_first_then_mapping_starts(driven: Driven) -> None:
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, driven.steps[1].true_pose)
    empty = replace(driven.steps[0].scan, ranges_m=np.zeros(0, dtype=np.float32))
    assert mapper.add_scan(empty, driven.steps[0].odom_from_base).outcome is ScanOutcome.TOO_FEW_RETURNS
    assert mapper.grid(0).cells.tolist() == [[-1]]
    update = mapper.add_scan(driven.steps[1].scan, driven.steps[1].odom_from_base)
    assert update.outcome is ScanOutcome.MATCHED
    assert update.keyframe_added


def test_time_going_backwards_changes_nothing(driven: Driven) -> None:
    mapper = fresh_mapper(driven.steps, 20)
    before = mapper.grid(0)
    update = mapper.add_scan(driven.steps[5].scan, driven.steps[19].odom_from_base)
    after = mapper.add_scan(driven.steps[20].scan, driven.steps[20].odom_from_base)
    assert update.outcome is ScanOutcome.TIME_BACKWARDS
    assert "older" in update.estimate.doubt
    assert np.array_equal(before.cells, mapper.grid(0).cells) or after.keyframe_added
    assert after.estimate.map_from_base.distance_to(driven.steps[20].true_pose) < 0.1


def test_stuck_scan_is_named(driven: Driven) -> None:
    mapper = fresh_mapper(driven.steps, 20)
    last = driven.steps[19]
    moved = last.odom_from_base @ Pose2(0.3, 0.0, 0.0)
    stuck = replace(last.scan, stamp_ns=last.scan.stamp_ns + 10**8)
    update = mapper.add_scan(stuck, moved)
    assert update.outcome is ScanOutcome.STUCK
    assert not update.keyframe_added


def test_odometry_that_jumps_is_not_believed(driven: Driven) -> None:
    mapper = fresh_mapper(driven.steps, 30)
    liar = Pose2(50.0, -20.0, 2.0)
    updates = [mapper.add_scan(step.scan, liar @ step.odom_from_base) for step in driven.steps[30:34]]
    assert "odometry jumped" in updates[0].estimate.doubt
    assert updates[-1].estimate.map_from_base.distance_to(driven.steps[33].true_pose) < 0.1
    assert updates[-1].estimate.doubt == ""


@pytest.mark.parametrize("moves_for", [0, 20])
def test_odometry_that_is_off_is_made_up_for_by_scans(driven: Driven, moves_for: int) -> None:
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, driven.steps[0].true_pose)
    updates = [
        mapper.add_scan(step.scan, driven.steps[min(row, moves_for)].odom_from_base) for row, step in enumerate(driven.steps[:70])
    ]
    assert float(position_errors_m(tuple(updates), driven.steps[:70]).max()) < 0.1
    assert driven.steps[70].true_pose.distance_to(driven.steps[20].true_pose) > 4.0


def test_a_laser_that_was_silent_is_taken_up_again(driven: Driven) -> None:
    mapper = fresh_mapper(driven.steps, 20)
    updates = [mapper.add_scan(step.scan, step.odom_from_base) for step in driven.steps[45:50]]
    assert float(position_errors_m(tuple(updates), driven.steps[45:50]).max()) < 0.1
    assert not any(update.estimate.doubt for update in updates)


NAMED = {
    "as it is": {ScanOutcome.MATCHED},
    "no returns": {ScanOutcome.TOO_FEW_RETURNS},
    "NaN": {ScanOutcome.TOO_FEW_RETURNS},
    "no beams": {ScanOutcome.TOO_FEW_RETURNS},
    "old": {ScanOutcome.TIME_BACKWARDS},
    "a tenth missing": {ScanOutcome.MATCHED},
    "skipped": set[ScanOutcome](),
}


def spoilt(scan: Scan, fault: str) -> Scan:
    if fault == "no beams":
        return replace(scan, ranges_m=np.zeros(0, dtype=np.float32))
    if fault == "old":
        return replace(scan, stamp_ns=1)
    if fault == "a tenth missing":
        return replace(scan, ranges_m=np.where(np.arange(360) % 10 == 3, np.nan, scan.ranges_m).astype(np.float32))
    return with_ranges(scan, math.nan if fault == "NaN" else math.inf) if fault in ("NaN", "no returns") else scan


@settings(max_examples=8, deadline=None)
@given(faults=st.lists(st.sampled_from(sorted(NAMED)), min_size=1, max_size=10))
def test_any_run_of_faults_is_named_and_leaves_the_pose(driven: Driven, faults: list[str]) -> None:
    mapper, first = fresh_mapper(driven.steps, 4), 4
    for row, fault in enumerate(faults, start=first):
        if fault == "skipped":
            continue
        before = mapper.grid(0).cells
        update = mapper.add_scan(spoilt(driven.steps[row].scan, fault), driven.steps[row].odom_from_base)
        assert update.outcome in NAMED[fault], fault
        assert np.isfinite(update.estimate.covariance).all()
        if update.outcome is not ScanOutcome.MATCHED:
            assert update.estimate.doubt
            assert np.array_equal(mapper.grid(0).cells, before)
    last = driven.steps[first + len(faults)]
    update = mapper.add_scan(last.scan, last.odom_from_base)
    assert update.outcome is ScanOutcome.MATCHED
    assert update.estimate.map_from_base.distance_to(last.true_pose) < 0.1


def test_a_tenth_of_the_beams_missing_is_no_matter(driven: Driven) -> None:
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, driven.steps[0].true_pose)
    rng = np.random.default_rng(5)
    updates = []
    for step in driven.steps[:60]:
        ranges = np.where(rng.random(360) < 0.1, np.nan, step.scan.ranges_m).astype(np.float32)
        updates.append(mapper.add_scan(replace(step.scan, ranges_m=ranges), step.odom_from_base))
    assert float(position_errors_m(tuple(updates), driven.steps[:60]).max()) < 0.1


@settings(max_examples=25, deadline=None)
@given(
    ranges=st.lists(st.floats(width=32, allow_nan=True, allow_infinity=True), max_size=80),
    stamp_ns=st.integers(min_value=0, max_value=2**62),
    x_m=st.floats(-1e6, 1e6),
    yaw_rad=st.floats(-10, 10),
)
def test_nothing_that_can_be_in_a_scan_breaks_the_mapper(
    driven: Driven, ranges: list[float], stamp_ns: int, x_m: float, yaw_rad: float
) -> None:
    mapper = fresh_mapper(driven.steps, 3)
    scan = replace(driven.steps[0].scan, stamp_ns=stamp_ns, ranges_m=np.array(ranges, dtype=np.float32))
    update = mapper.add_scan(scan, Pose2(x_m, 0.0, yaw_rad))
    assert update.outcome in ScanOutcome
    assert np.isfinite(update.estimate.covariance).all()
    assert update.outcome is ScanOutcome.MATCHED or not update.keyframe_added or update.estimate.doubt
