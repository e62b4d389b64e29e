# SPDX-License-Identifier: Apache-2.0
"""What changed in a hall, as typed findings; versions of a map that a person approves; nothing found where nothing changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patrol.checks import Floats
from patrol.errors import BadInput, BadValue
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from slam.config import ChangeConfig, MapperConfig, MatchConfig
from slam.findings import Finding, FindingKind, findings_of
from slam.held_counts import Weights
from slam.lap_review import changes_between
from slam.map_changes import Baseline, ChangeWatch
from slam.map_files import SavedMap
from slam.map_versions import MapLibrary, Standing
from slam.mapper import Mapper
from tests.slam.raycaster import BASE_FROM_LIDAR, Step, box, cast, drive, hall, lap, scan_at


def mapped(walls: Floats, seed: int) -> SavedMap:
    steps = tuple(drive(walls, lap(laps=1.05), seed=seed))
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, steps[0].true_pose)
    for step in steps:
        mapper.add_scan(step.scan, step.odom_from_base)
    return mapper.saved()


@pytest.fixture(scope="module")
def before() -> SavedMap:
    return mapped(hall(), 3)


@pytest.fixture(scope="module")
def with_van() -> SavedMap:
    return mapped(np.vstack([hall(), box(17.5, 2.2, 3.4, 1.6)]), 3)


def found(before: SavedMap, walls: Floats, seed: int) -> tuple[Finding, ...]:
    """The findings of a lap in ``walls`` with poses a few centimetres off."""
    watch = ChangeWatch(Baseline.of(before, ChangeConfig(), BASE_FROM_LIDAR), ChangeConfig(), BASE_FROM_LIDAR)
    rng = np.random.default_rng(seed)
    for step in tuple(drive(walls, lap(laps=1.0), seed=seed))[::2]:
        off = Pose2(*(float(value) for value in rng.normal(0.0, (0.02, 0.02, 0.003))))
        estimate = PoseEstimate(
            stamp_ns=step.scan.stamp_ns, map_from_odom=step.true_pose @ off, odom_from_base=IDENTITY2, covariance=np.eye(3) * 1e-3
        )
        watch.look(step.scan, estimate)
    return findings_of(watch, None, ChangeConfig())


def test_an_unchanged_hall_has_no_finding(before: SavedMap) -> None:
    assert found(before, hall(), 21) == ()


def test_a_crate_is_a_new_object(before: SavedMap) -> None:
    findings = found(before, np.vstack([hall(), box(21.6, 5.0, 0.6, 0.6)]), 22)
    assert [finding.kind for finding in findings] == [FindingKind.NEW_OBJECT]
    assert np.linalg.norm(findings[0].position_m - (21.9, 5.3)) < 0.5
    assert "new object" in findings[0].sentence


def in_the_open(walls: Floats, *, lost_share: float, seed: int) -> tuple[Step, ...]:
    """A drive along y = 14 m past ``walls``; of the beams a share is lost."""
    rng = np.random.default_rng(seed)
    steps = []
    for row in range(75):
        pose = Pose2(0.2 * row, 14.0, 0.0)
        scan = scan_at(walls, pose, stamp_ns=10**8 * row, rng=rng)
        ranges = np.where(rng.random(scan.ranges_m.size) < lost_share, np.float32(np.inf), scan.ranges_m)
        steps.append(Step(scan=replace(scan, ranges_m=ranges), odom_from_base=Pose2(0.2 * row, 0.0, 0.0), true_pose=pose))
    return tuple(steps)


def found_in_the_open(walls: Floats, later: Floats, *, lost_share: float = 0.0) -> tuple[Finding, ...]:
    """What a drive past ``later`` finds changed against a map that was made on the same way past ``walls``."""
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, Pose2(0.0, 14.0, 0.0))
    for step in in_the_open(walls, lost_share=lost_share, seed=1):
        mapper.add_scan(step.scan, step.odom_from_base)
    watch = ChangeWatch(Baseline.of(mapper.saved(), ChangeConfig(), BASE_FROM_LIDAR), ChangeConfig(), BASE_FROM_LIDAR)
    for step in in_the_open(later, lost_share=0.0, seed=2):
        stamp_ns, covariance = step.scan.stamp_ns, np.eye(3) * 1e-3
        watch.look(
            step.scan,
            PoseEstimate(stamp_ns=stamp_ns, map_from_odom=step.true_pose, odom_from_base=IDENTITY2, covariance=covariance),
        )
    return findings_of(watch, None, ChangeConfig())


STRIP = np.vstack([box(-4.0, 17.0, 24.0, 0.2), box(3.0, 16.0, 0.5, 0.4), box(9.0, 15.8, 0.7, 0.7)])
CRATE = box(7.0, 6.5, 0.8, 0.8)


def test_a_crate_where_no_beam_came_back_from_is_new() -> None:
    findings = found_in_the_open(STRIP, np.vstack([STRIP, CRATE]))
    assert [finding.kind for finding in findings] == [FindingKind.NEW_OBJECT]
    assert np.linalg.norm(findings[0].position_m - (7.4, 6.9)) < 0.5
    assert found_in_the_open(STRIP, STRIP) == ()


def test_what_stood_behind_a_van_is_not_new_though_beams_were_lost_on_it() -> None:
    van = box(3.0, 9.0, 9.0, 1.8)
    findings = found_in_the_open(np.vstack([STRIP, van, CRATE]), np.vstack([STRIP, CRATE]), lost_share=0.2)
    assert findings
    assert FindingKind.NEW_OBJECT not in {finding.kind for finding in findings}


def test_a_pillar_that_is_gone_is_missing(before: SavedMap) -> None:
    walls = hall()
    gone = np.delete(walls, slice(len(walls) - 16, len(walls) - 12), axis=0)
    findings = found(before, gone, 23)
    assert [finding.kind for finding in findings] == [FindingKind.MISSING_OBJECT]
    assert np.linalg.norm(findings[0].position_m - (3.3, 11.3)) < 0.5


def test_beams_that_end_out_of_range_tell_what_is_missing(before: SavedMap) -> None:
    watch = ChangeWatch(Baseline.of(before, ChangeConfig(), BASE_FROM_LIDAR), ChangeConfig(), BASE_FROM_LIDAR)
    gone, rng = box(3, 11, 0.6, 0.6), np.random.default_rng(5)
    for row, pose in enumerate(lap()[::5]):
        scan = scan_at(hall(), pose, stamp_ns=10**9 * row, rng=rng)
        nearest = cast(gone, pose @ BASE_FROM_LIDAR, scan.angles_rad())
        is_open = np.abs(np.where(np.isfinite(nearest), nearest, -1.0) - scan.ranges_m) < 0.1
        far = replace(scan, ranges_m=np.where(is_open, np.float32(35.0), scan.ranges_m), range_max_m=40.0)
        sure = PoseEstimate(stamp_ns=scan.stamp_ns, map_from_odom=pose, odom_from_base=IDENTITY2, covariance=np.eye(3) * 1e-3)
        watch.look(far, sure)
    findings = findings_of(watch, None, ChangeConfig())
    assert [finding.kind for finding in findings] == [FindingKind.MISSING_OBJECT]
    assert np.linalg.norm(findings[0].position_m - (3.3, 11.3)) < 0.5


def test_half_a_metre_out_of_a_wall_is_a_hole(before: SavedMap) -> None:
    walls = hall()
    assert walls[0].tolist() == [0.0, 0.0, 24.0, 0.0]
    holed = np.vstack([walls[1:], [[0.0, 0.0, 11.75, 0.0], [12.25, 0.0, 24.0, 0.0]], box(5, -6, 14, 0.2)])
    findings = found(before, holed, 24)
    assert [finding.kind for finding in findings] == [FindingKind.FENCE_HOLE]
    assert np.linalg.norm(findings[0].position_m - (12.0, 0.0)) < 0.3
    assert findings[0].size_m[0] == pytest.approx(0.5, abs=0.3)


def test_a_van_that_moved_is_one_finding(with_van: SavedMap) -> None:
    findings = found(with_van, np.vstack([hall(), box(18.5, 5.6, 3.4, 1.6)]), 25)
    vans = [finding for finding in findings if finding.kind is FindingKind.VEHICLE_MOVED]
    assert len(vans) == 1
    assert vans[0].from_m is not None
    assert np.linalg.norm(vans[0].position_m - (20.2, 6.4)) < 1.0


def test_nobody_misses_a_van_that_left_while_the_map_was_made(before: SavedMap, with_van: SavedMap) -> None:
    both = replace(with_van, keyframes=with_van.keyframes + before.keyframes)
    assert found(both, hall(), 26) == ()
    assert len(found(with_van, hall(), 26)) == 1


def test_a_doubtful_pose_counts_for_nothing(before: SavedMap) -> None:
    watch = ChangeWatch(Baseline.of(before, ChangeConfig(), BASE_FROM_LIDAR), ChangeConfig(), BASE_FROM_LIDAR)
    step = next(iter(drive(hall(), lap(laps=0.1), seed=1)))
    sure = PoseEstimate(stamp_ns=1, map_from_odom=step.true_pose, odom_from_base=IDENTITY2, covariance=np.eye(3) * 1e-3)
    doubtful = PoseEstimate(
        stamp_ns=1, map_from_odom=step.true_pose, odom_from_base=IDENTITY2, covariance=np.eye(3) * 1e-3, doubt="lost"
    )
    loose = PoseEstimate(stamp_ns=1, map_from_odom=step.true_pose, odom_from_base=IDENTITY2, covariance=np.eye(3))
    assert not watch.look(step.scan, doubtful)
    assert not watch.look(step.scan, loose)
    assert watch.hits.sum() == 0
    assert watch.look(step.scan, sure)
    assert watch.hits.sum() > 50


@pytest.mark.parametrize(("hits_beside", "gone_cells"), [(0, 4), (1, 4), (9, 0)])
def test_a_pole_a_little_off_its_place_is_not_missing(before: SavedMap, hits_beside: int, gone_cells: int) -> None:
    baseline = Baseline.of(before, ChangeConfig(), BASE_FROM_LIDAR)

    def watch_of(columns: slice) -> ChangeWatch:
        held = np.zeros_like(baseline.held)
        held[50, columns] = True
        watch = ChangeWatch(
            replace(baseline, held=held, weights=Weights.unknown(int(held.sum()))), ChangeConfig(), BASE_FROM_LIDAR
        )
        watch.held.passed[1, :4] = 8
        return watch

    pole = watch_of(slice(60, 64))
    pole.hits[51, 61] = hits_beside
    assert pole.vanished[50, 60:64].sum() == gone_cells
    wall = watch_of(slice(60, 120))
    wall.hits[50, 64:120], wall.held.met[1, 4:] = 30, 30
    assert wall.vanished[50].nonzero()[0].tolist() == [60, 61, 62, 63]


def test_two_maps_are_compared(before: SavedMap) -> None:
    later = mapped(np.vstack([hall(), box(21.6, 5.0, 0.6, 0.6)]), 6)
    findings = changes_between(before, later, site=None, config=ChangeConfig(), match=MatchConfig())
    assert FindingKind.NEW_OBJECT in {finding.kind for finding in findings}
    assert all(np.linalg.norm(finding.position_m - (21.9, 5.3)) < 0.8 for finding in findings)


def test_a_person_approves_a_version(tmp_path: Path, before: SavedMap) -> None:
    library = MapLibrary(tmp_path / "maps")
    assert library.baseline is None
    finding = Finding(kind=FindingKind.NEW_OBJECT, position_m=np.array([1.0, 2.0]), size_m=(0.5, 0.4), views=9)
    first = library.propose(before, (), now_ns=1)
    second = library.propose(before, (finding,), now_ns=2)
    assert library.baseline is None
    library.decide(first.number, Standing.APPROVED, by="A. Guard", now_ns=3)
    library.decide(second.number, Standing.REJECTED, by="A. Guard", now_ns=4, note="a van was in the way")
    again = MapLibrary(tmp_path / "maps")
    assert again.baseline is not None
    assert (again.baseline.number, again.baseline.decided_by) == (1, "A. Guard")
    assert again.version(2).findings[0].kind == "new object"
    assert len(again.load(1).keyframes) == len(before.keyframes)
    with pytest.raises(BadValue, match="can not become"):
        again.decide(2, Standing.APPROVED, by="B", now_ns=5)
    with pytest.raises(BadValue, match="name"):
        again.decide(again.propose(before, (), now_ns=6).number, Standing.APPROVED, by=" ", now_ns=7)
    with pytest.raises(BadValue, match="there is no version 9"):
        again.load(9)


def test_a_version_that_was_touched_is_refused(tmp_path: Path, before: SavedMap) -> None:
    library = MapLibrary(tmp_path)
    library.propose(before, (), now_ns=1)
    path = tmp_path / "00001" / "map.pgm"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(BadInput, match="SHA-256 differs"):
        library.load(1)
    (tmp_path / "versions.json").write_text("{", "utf-8")
    with pytest.raises(BadInput, match="is not JSON"):
        MapLibrary(tmp_path)
