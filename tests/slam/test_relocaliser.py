# SPDX-License-Identifier: Apache-2.0
"""Started with no idea of its pose between two fences that look the same all the way: what was seen on the way tells where it
is, not one scan, and until then no place is told."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.localisation import mapped
from patrol.checks import Floats
from patrol.geometry import Pose2, wrap_angle
from slam.config import LocaliserConfig, MapperConfig, MatchConfig, TrailConfig
from slam.likelihood import Apart, LikelihoodField, SearchHits, SearchWindow
from slam.localiser import Localiser
from slam.map_files import SavedMap
from slam.mapper import Mapper
from slam.motion import MotionModel
from slam.relocaliser import Nearby
from slam.scan_points import BodyRate, ScanPoints, points_from_scan
from slam.trail import Trail
from slam.updates import ScanOutcome, SlamUpdate
from tests.slam.raycaster import BASE_FROM_LIDAR, Step, box, drive, hall, lap, room, scan_at

AWAY = Apart(same_m=1.0, rad=0.4, beside_m=1.0, beside_share=0.9)
LENGTH_M, WIDTH_M, EVERY_M = 80.0, 4.0, 4.0
CROWDED = "lost: it could be at any of more than 16 places"
EASTWARDS = [Pose2(3.0 + 0.2 * row, 2.0, 0.0) for row in range(355)]


def strip() -> Floats:
    """Posts every four metres on either side, all alike, and at the east end a yard."""
    posts = [box(x, y, 0.4, 0.4) for x in np.arange(2.0, LENGTH_M - 8.0, EVERY_M) for y in (0.0, WIDTH_M - 0.4)]
    yard = [(LENGTH_M - 8.0, 0.0), (LENGTH_M - 8.0, -7.0), (LENGTH_M, -7.0), (LENGTH_M, 9.0), (LENGTH_M - 5.0, 9.0)]
    return np.vstack([room([(0.0, 0.0), *yard, (LENGTH_M - 5.0, WIDTH_M), (0.0, WIDTH_M)]), *posts])


@pytest.fixture(scope="module")
def saved() -> SavedMap:
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, EASTWARDS[0])
    for step in drive(strip(), EASTWARDS, seed=3):
        mapper.add_scan(step.scan, step.true_pose)
    return mapper.saved()


def told(localiser: Localiser, steps: list[Step]) -> list[SlamUpdate]:
    return [localiser.add_scan(step.scan, step.odom_from_base) for step in steps]


@pytest.mark.parametrize(("first", "seed"), [(150, 1), (160, 2), (180, 3)])
def test_between_fences_the_end_tells_where_it_is(saved: SavedMap, first: int, seed: int) -> None:
    steps = list(drive(strip(), EASTWARDS[first:], seed=seed))
    updates = told(Localiser(saved, LocaliserConfig(), BASE_FROM_LIDAR, start=None), steps)
    assert updates[0].estimate.doubt == CROWDED
    found = [row for row, update in enumerate(updates) if update.outcome is ScanOutcome.MATCHED]
    assert found
    assert steps[found[0]].true_pose.x_m > LENGTH_M - 14.0
    for row in found:
        assert updates[row].estimate.map_from_base.distance_to(steps[row].true_pose) < 0.3


def test_between_fences_gnss_leaves_the_places_near_it(saved: SavedMap) -> None:
    localiser = Localiser(saved, LocaliserConfig(), BASE_FROM_LIDAR, start=None)
    for step in drive(strip(), EASTWARDS[150:200], seed=4):
        there = np.array((step.true_pose.x_m + 0.4, step.true_pose.y_m - 0.3))
        localiser.hint(Nearby(stamp_ns=step.scan.stamp_ns, position_m=there, std_m=0.4))
        update = localiser.add_scan(step.scan, step.odom_from_base)
        if update.outcome is ScanOutcome.MATCHED:
            break
        assert update.estimate.doubt != CROWDED
    assert update.estimate.map_from_base.distance_to(step.true_pose) < 0.3


def _points(step: Step) -> ScanPoints:
    return points_from_scan(step.scan, BASE_FROM_LIDAR, BodyRate(), LocaliserConfig().scan)


def test_the_trail_is_straighter_than_odometry() -> None:
    steps = list(drive(hall(), lap(laps=0.6), seed=5))
    trail, motion = Trail(TrailConfig(), MatchConfig()), MotionModel(MapperConfig().motion)
    for step in steps:
        trail.add(step.scan, _points(step), BodyRate(), motion.step(step.scan.stamp_ns, step.odom_from_base))
    looks = trail.looks
    assert len(looks) == TrailConfig().looks_max
    by_stamp = {step.scan.stamp_ns: step for step in steps}
    last, first = steps[-1], by_stamp[looks[-1].scan.stamp_ns]
    truth, told_first = last.true_pose.inverse() @ first.true_pose, looks[-1].now_from_then
    odometry = last.odom_from_base.inverse() @ first.odom_from_base
    assert told_first.distance_to(truth) < 0.1 < odometry.distance_to(truth)
    assert abs(wrap_angle(told_first.yaw_rad - truth.yaw_rad)) < 0.01
    assert trail.length_m == pytest.approx(15.0, abs=1.5)
    sample = last.true_pose.apply(trail.sample_m(_points(last), 0.2, 200))
    assert 100 <= len(sample) <= 207
    field = LikelihoodField(
        np.vstack([s.true_pose.apply(_points(s).points_m) for s in steps]), resolution_m=0.1, std_m=0.1, levels=0
    )
    hit = field.search(sample, SearchWindow(centre=Pose2(0.0, 0.0, 0.0), half_x_m=0.0, half_y_m=0.0, half_rad=0.0), 0.5)
    assert hit is not None
    assert hit.score > 0.8


def test_what_tells_how_far_along_a_wall_is_not_drowned() -> None:
    long = np.column_stack((np.arange(-20.0, 20.0, 0.2), np.full(200, 1.5)))
    side = np.column_stack((np.full(5, 3.0), np.arange(0.3, 1.3, 0.2)))
    seen = np.vstack([long, side])
    points = ScanPoints(points_m=seen, rays=seen / np.linalg.norm(seen, axis=1, keepdims=True))
    sample = Trail(TrailConfig(), MatchConfig()).sample_m(points, 0.1, 45)
    assert len(sample) <= 45
    assert sum(abs(x - 3.0) < 0.01 and y < 1.4 for x, y in sample) >= 3


def test_a_jump_of_odometry_begins_the_trail_anew() -> None:
    steps = list(drive(hall(), lap(laps=0.3), seed=6))
    trail, motion = Trail(TrailConfig(), MatchConfig()), MotionModel(MapperConfig().motion)
    for row, step in enumerate(steps):
        odometry = step.odom_from_base if row < 80 else Pose2(50.0, 0.0, 0.0) @ step.odom_from_base
        trail.add(step.scan, _points(step), BodyRate(), motion.step(step.scan.stamp_ns, odometry))
        if row == 80:
            assert [look.scan.stamp_ns for look in trail.looks] == [step.scan.stamp_ns]
    assert trail.length_m < 6.0


def test_the_search_for_all_places_equals_trying_every_pose() -> None:
    rng = np.random.default_rng(2)
    obstacles = np.vstack([rng.uniform(0.0, 8.0, (60, 2)), rng.uniform(0.0, 8.0, (1, 2))])
    points = obstacles[rng.permutation(60)[:20]] - (4.0, 4.0)
    window = SearchWindow(centre=Pose2(4.0, 4.0, 0.0), half_x_m=1.5, half_y_m=1.0, half_rad=0.5)
    many = [LikelihoodField(obstacles, resolution_m=0.2, std_m=0.2, levels=levels) for levels in (4, 0)]
    bounded, tried = (field.search_all(points, window, 0.1, 0.4) for field in many)
    assert len(bounded.scores) > 10
    assert bounded.scores == pytest.approx(tried.scores, abs=1e-6)
    assert (bounded.scores > 0.4 * bounded.scores[0]).all()
    assert {tuple(pose) for pose in bounded.poses.round(6)} == {tuple(pose) for pose in tried.poses.round(6)}
    best = many[0].search(points, window, 0.1)
    assert best is not None
    assert best.score == pytest.approx(float(bounded.scores[0]))


def test_places_apart_are_told_best_first_and_whether_they_are_all() -> None:
    field = LikelihoodField(np.array([(x, 0.0) for x in np.arange(0.0, 30.0, 3.0)]), resolution_m=0.2, std_m=0.2, levels=4)
    window = SearchWindow(centre=Pose2(15.0, 0.0, 0.0), half_x_m=20.0, half_y_m=2.0, half_rad=0.0)
    found = field.search_all(np.zeros((1, 2)), window, 0.5, 0.5)
    places, is_all = found.apart(AWAY, 12)
    assert is_all
    assert sorted(round(hit.pose.x_m / 3.0) for hit in places) == list(range(10))
    assert all(first.score >= second.score for first, second in itertools.pairwise(places))
    few, is_all = found.apart(AWAY, 4)
    assert (len(few), is_all) == (4, False)
    nothing = field.search_all(np.full((1, 2), 500.0), window, 0.5, 0.5)
    assert nothing.apart(AWAY, 4) == ([], True)


def test_beside_a_better_place_only_one_that_fits_nearly_as_well_is_another() -> None:
    hits = SearchHits(
        poses=np.array([(0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (-2.0, 0.0, 0.0), (2.0, 0.0, 1.0), (5.0, 0.0, 0.0)]),
        scores=np.array([1.0, 0.95, 0.85, 0.85, 0.85]),
        is_whole=True,
    )
    places, is_all = hits.apart(replace(AWAY, beside_m=3.0), 12)
    assert is_all
    assert [(hit.pose.x_m, hit.pose.yaw_rad) for hit in places] == [(0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (5.0, 0.0)]


def test_a_search_that_fits_everywhere_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slam.likelihood._HITS_MAX", 1000)
    grid = np.stack(np.meshgrid(np.arange(0.0, 20.0, 0.2), np.arange(0.0, 20.0, 0.2)), axis=-1).reshape(-1, 2)
    field = LikelihoodField(grid, resolution_m=0.2, std_m=0.2, levels=4)
    window = SearchWindow(centre=Pose2(10.0, 10.0, 0.0), half_x_m=8.0, half_y_m=8.0, half_rad=math.pi)
    found = field.search_all(np.zeros((1, 2)), window, 0.5, 0.8)
    assert not found.is_whole
    assert found.scores.size > 0
    assert not found.apart(replace(AWAY, same_m=100.0, rad=4.0), 12)[1]


def elsewhere(kind: int) -> Floats:
    """Rooms that are on no map of the hall, though walls are walls."""
    outline = [
        [(0.0, 0.0), (14.0, 0.0), (14.0, 9.0), (0.0, 9.0)],
        [(0.0, 0.0), (20.0, 0.0), (20.0, 5.0), (12.0, 5.0), (12.0, 9.0), (0.0, 9.0)],
        [(0.0, 0.0), (17.0, 0.0), (17.0, 11.0), (0.0, 11.0), (0.0, 7.0), (-3.0, 7.0), (-3.0, 4.0), (0.0, 4.0)],
    ][kind]
    return np.vstack([room(outline), box(4.0, 6.5, 1.0, 1.0), box(9.0, 0.5, 0.6, 1.2)])


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_who_starts_where_the_map_does_not_reach_is_told_nowhere(kind: int) -> None:
    poses = [Pose2(1.5 + 0.1 * row, 3.0, 0.01 * row) for row in range(70)]
    updates = told(
        Localiser(mapped(), LocaliserConfig(), BASE_FROM_LIDAR, start=None), list(drive(elsewhere(kind), poses, seed=kind))
    )
    assert {update.outcome for update in updates} == {ScanOutcome.LOST}
    assert all(update.estimate.doubt.startswith("lost: ") for update in updates)


def test_what_differs_from_the_map_may_be_seen_from_elsewhere(saved: SavedMap) -> None:
    """Carried along the strip by whole spaces between posts, to where the yard comes into view: both are fences and posts."""
    known = list(drive(strip(), EASTWARDS[100:140], seed=8))
    localiser, rng = Localiser(saved, LocaliserConfig(), BASE_FROM_LIDAR, start=known[0].true_pose), np.random.default_rng(8)
    for step in known:
        assert not localiser.add_scan(step.scan, step.odom_from_base).estimate.doubt
    last, off_m, doubts = known[-1], [], []
    for row in range(1, 80):
        moved = Pose2(0.1 * row, 0.0, 0.0)
        there = last.true_pose @ Pose2(9 * EVERY_M, 0.0, 0.0) @ moved
        scan = scan_at(strip(), there, stamp_ns=last.scan.stamp_ns + row * 10**8, rng=rng)
        update = localiser.add_scan(scan, last.odom_from_base @ moved)
        off_m.append(update.estimate.map_from_base.distance_to(there))
        doubts.append(bool(update.estimate.doubt))
    assert off_m[0] > 20.0
    assert off_m[-1] < 0.1
    assert not doubts[-1]
    noticed = doubts.index(True)
    assert all(far < 0.1 or doubt for far, doubt in zip(off_m[noticed:], doubts[noticed:], strict=True))


def test_a_map_of_one_scan_is_a_map() -> None:
    steps = list(drive(hall(), lap(laps=0.1), seed=2))[:3]
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, steps[0].true_pose)
    mapper.add_scan(steps[0].scan, steps[0].odom_from_base)
    update = told(Localiser(mapper.saved(), LocaliserConfig(), BASE_FROM_LIDAR, start=None), steps[1:2])[0]
    assert update.estimate.map_from_base.distance_to(steps[1].true_pose) < 0.1
