# SPDX-License-Identifier: Apache-2.0
"""What a beam that passes, or does not return, tells against a thing of the map: as much as the map's own beams allow."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from patrol.checks import Floats
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from patrol.sensors import Scan
from slam.config import ChangeConfig, MapperConfig
from slam.findings import Finding, FindingKind, findings_of
from slam.held_counts import BAND_M, HeldCounts, Weights
from slam.map_changes import Baseline, ChangeWatch
from slam.map_files import SavedMap
from slam.mapper import Mapper
from tests.slam.raycaster import BASE_FROM_LIDAR, Step, box, cast, scan_at

CONFIG = ChangeConfig()
CELLS = np.arange(5)


def counts_of(met: list[int], passed: list[int], lost: list[int] | None = None) -> HeldCounts:
    """Five cells side by side, met, passed and lost so often in the first bands of distance."""
    held = np.zeros((9, 20), dtype=np.bool_)
    held[4, 5:10] = True
    counts = HeldCounts(held, CONFIG.pool_m, CONFIG.cell_m)
    for kind, told in ((counts.met, met), (counts.passed, passed), (counts.lost, lost or [])):
        kind[: len(told)] = np.array(told, dtype=np.int32)[:, None]
    return counts


def against(weights: Weights, counts: HeldCounts) -> float:
    return float(weights.against(counts, CONFIG)[2])


def test_what_always_was_met_and_now_is_passed_is_gone() -> None:
    weights = Weights.by(counts_of([4, 4], [0, 0]), CONFIG)
    assert against(weights, counts_of([0], [6])) > CONFIG.gone_nats / CELLS.size
    assert against(weights, counts_of([6], [6])) < 0.0


def test_a_low_thing_goes_missing_from_where_it_was_met_alone() -> None:
    weights = Weights.by(counts_of([0, 5], [9, 0]), CONFIG)
    assert against(weights, counts_of([0, 0], [30, 0])) == 0.0
    assert against(weights, counts_of([0, 0], [0, 6])) > CONFIG.gone_nats / CELLS.size


def test_what_came_and_went_while_the_map_was_made_can_not_go_missing() -> None:
    weights = Weights.by(counts_of([9, 9], [9, 9]), CONFIG)
    assert against(weights, counts_of([0, 0], [50, 50])) == 0.0


def test_lost_beams_tell_where_the_maps_own_came_back() -> None:
    came_back = Weights.by(counts_of([5, 5], [0, 0]), CONFIG)
    lost = counts_of([0, 0], [0, 0], [0, 6])
    lost.met[0, 0] = 500
    assert against(came_back, lost) > CONFIG.gone_nats / CELLS.size
    assert against(Weights.by(counts_of([5, 0], [0, 0]), CONFIG), lost) == 0.0
    assert against(Weights.by(counts_of([5, 5], [0, 0], [0, 5]), CONFIG), lost) == 0.0


def test_what_is_lost_everywhere_tells_nothing() -> None:
    assert against(Weights.by(counts_of([5, 5], [0, 0]), CONFIG), counts_of([0, 0], [0, 0], [0, 6])) == 0.0


def test_a_beam_that_ends_beside_a_held_cell_has_met_it() -> None:
    counts = counts_of([], [])
    beside, off = 20 * 6 + 7, 20 * 7 + 7
    counts.add_met(np.array([beside, beside, off]), np.full(3, 1.5 * BAND_M))
    assert counts.met[1].tolist() == [0, 0, 1, 0, 0]
    assert counts.met.sum() == 1


def test_what_is_seldom_passed_is_met_from_nearly_there_too_but_from_no_other_distance() -> None:
    weights = Weights.by(counts_of([0, 0, 0, 5], []), CONFIG)
    assert against(weights, counts_of([], [0, 6])) > 0.0
    assert against(weights, counts_of([], [6])) == 0.0
    assert against(weights, counts_of([], [], [0, 6])) == 0.0


def test_a_map_that_holds_nothing_tells_nothing() -> None:
    counts = HeldCounts(np.zeros((9, 20), dtype=np.bool_), CONFIG.pool_m, CONFIG.cell_m)
    counts.add_met(np.array([27]), np.array([1.0]))
    assert Weights.by(counts, CONFIG).against(counts, CONFIG).size == 0


FAR_BOX = (20.0, 12.0, 2.0, 0.5)


def open_ground(*things: Floats) -> Floats:
    """A long wall to the south, a kiosk in the north and little else: most beams do not return."""
    return np.vstack([box(-12, -6, 60, 0.5), box(6, 5, 1.5, 1.0), box(30, 4, 1.0, 1.5), box(-4, 7, 2.0, 1.0), *things])


def drive(walls: Floats, seed: int, *, lost_share: float = 0.0, covered: slice | None = None) -> list[Step]:
    """Forty metres eastward with a lidar of 40 m. ``lost_share`` of its beams do not return; while the steps of ``covered`` are
    driven somebody stands before a quarter of it, and the robot waits."""
    rng, steps, pose = np.random.default_rng(seed), [], Pose2(-6.0, 0.0, 0.0)
    for row in range(160):
        is_covered = covered is not None and covered.start <= row < covered.stop
        pose = pose if is_covered else Pose2(pose.x_m + 0.25, 0.0, 0.0)
        near = scan_at(walls, pose, stamp_ns=1 + row * 10**9, rng=rng)
        ranges = cast(walls, pose @ BASE_FROM_LIDAR, near.angles_rad()) + rng.normal(0.0, 0.01, near.ranges_m.size)
        is_lost = (ranges > 40.0) | (rng.random(ranges.size) < lost_share)
        is_lost |= is_covered & (np.abs(near.angles_rad() + 0.5 * math.pi) < 0.25 * math.pi)
        scan: Scan = replace(near, range_max_m=40.0, ranges_m=np.where(is_lost, np.inf, ranges).astype(np.float32))
        steps.append(Step(scan=scan, odom_from_base=pose, true_pose=pose))
    return steps


@pytest.fixture(scope="module")
def ground() -> SavedMap:
    steps = drive(open_ground(box(*FAR_BOX)), 1)
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, steps[0].true_pose)
    for step in steps:
        mapper.add_scan(step.scan, step.odom_from_base)
    return mapper.saved()


def found(saved: SavedMap, steps: list[Step]) -> tuple[Finding, ...]:
    watch = ChangeWatch(Baseline.of(saved, CONFIG, BASE_FROM_LIDAR), CONFIG, BASE_FROM_LIDAR)
    for step in steps:
        sure = PoseEstimate(
            stamp_ns=step.scan.stamp_ns, map_from_odom=step.true_pose, odom_from_base=IDENTITY2, covariance=np.eye(3) * 1e-4
        )
        watch.look(step.scan, sure)
    return findings_of(watch, None, CONFIG)


def test_a_thing_far_off_with_nothing_behind_it_is_missed(ground: SavedMap) -> None:
    findings = found(ground, drive(open_ground(), 2))
    assert [finding.kind for finding in findings] == [FindingKind.MISSING_OBJECT]
    assert np.linalg.norm(findings[0].position_m - (21.0, 12.0)) < 0.6


def test_nobody_misses_what_is_there(ground: SavedMap) -> None:
    assert found(ground, drive(open_ground(box(*FAR_BOX)), 3)) == ()


def test_rain_takes_nothing_away(ground: SavedMap) -> None:
    assert found(ground, drive(open_ground(box(*FAR_BOX)), 4, lost_share=0.6)) == ()


def test_who_stands_before_the_lidar_takes_nothing_away(ground: SavedMap) -> None:
    assert found(ground, drive(open_ground(box(*FAR_BOX)), 5, covered=slice(60, 120))) == ()
