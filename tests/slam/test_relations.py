# SPDX-License-Identifier: Apache-2.0
"""The relations metric, on paper and on real logs whose raw-odometry figures are published."""

from __future__ import annotations

import bz2
import gzip
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import BadInput, BadValue
from patrol.geometry import Pose2
from slam.carmen import read_carmen
from slam.config import MapperConfig
from slam.mapper import Mapper
from slam.relations import Relation, read_relations, relations_outside, score_relations
from slam.trajectory import Trajectory

DATA = Path(os.environ.get("PATROL_DATA", Path(__file__).parents[2] / "../shared/data")) / "slam/2d"
needs_data = pytest.mark.skipif(not (DATA / "fr079.relations").is_file(), reason=f"no recordings under {DATA}; set PATROL_DATA")
poses = st.builds(Pose2, st.floats(-50, 50), st.floats(-50, 50), st.floats(-3, 3))


def straight(count: int) -> Trajectory:
    return Trajectory.from_poses([n * 10**9 for n in range(count)], [Pose2(float(n), 0.0, 0.0) for n in range(count)])


def test_errors_of_one_relation() -> None:
    relation = Relation(from_ns=0, to_ns=2 * 10**9, from_to=Pose2(2.0, 0.5, math.radians(10.0)))
    errors = score_relations((relation,), straight(3), straight(3))
    assert errors.translation_m[0] == pytest.approx(0.5)
    assert errors.rotation_deg[0] == pytest.approx(10.0)
    assert errors.path_m[0] == pytest.approx(2.0)


def test_swapped_translation_is_that_of_delta_by_inverse_reference() -> None:
    reference = Pose2(2.0, 0.5, math.radians(10.0))
    errors = score_relations((Relation(from_ns=0, to_ns=2 * 10**9, from_to=reference),), straight(3), straight(3))
    rest = Pose2(2.0, 0.0, 0.0) @ reference.inverse()
    assert errors.translation_swapped_m[0] == pytest.approx(math.hypot(rest.x_m, rest.y_m))
    assert errors.translation_swapped_m[0] != pytest.approx(errors.translation_m[0], abs=1e-3)


def test_stamp_far_from_any_pose_is_carried_on_by_odometry() -> None:
    sparse = Trajectory.from_poses([0], [Pose2(5.0, 5.0, 0.5 * math.pi)])
    pose = sparse.pose_at(3 * 10**9, straight(5), 10**8)
    assert (pose.x_m, pose.y_m) == pytest.approx((5.0, 8.0))


@given(frame=poses)
def test_the_metric_does_not_depend_on_the_map_frame(frame: Pose2) -> None:
    plain = straight(4)
    moved = Trajectory.from_poses(plain.stamps_ns.tolist(), [frame @ plain.pose(n) for n in range(4)])
    relations = (Relation(from_ns=0, to_ns=3 * 10**9, from_to=Pose2(2.0, 0.5, 0.1)),)
    ours, theirs = score_relations(relations, plain, plain), score_relations(relations, moved, plain)
    assert np.allclose(ours.translation_m, theirs.translation_m, atol=1e-9)
    assert np.allclose(ours.rotation_deg, theirs.rotation_deg, atol=1e-6)


def test_trajectory_refuses_disorder() -> None:
    with pytest.raises(BadValue, match="backwards"):
        Trajectory(stamps_ns=np.array([2, 1]), poses=np.zeros((2, 3)))
    with pytest.raises(BadValue, match="at least one"):
        Trajectory(stamps_ns=np.zeros(0, dtype=np.int64), poses=np.zeros((0, 3)))


def test_broken_relations_are_named(tmp_path: Path) -> None:
    path = tmp_path / "relations"
    path.write_text("1 2 0 0 0 0 0 0\n1 2 3\n1 2 x 0 0 0 0 0\n", "ascii")
    with pytest.raises(BadInput) as caught:
        read_relations(path)
    assert [fault.field for fault in caught.value.faults] == ["line 2", "line 3"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_relations_come_in_many_forms(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    text = "\ufeff# t1 t2 ...\r\n\r\n 1.5 2.25 1 0.5 0 0 0 -0.25  # checked\r\n\t2,3, 0.125,0,0,0,0, 3.0\n\n1.5\t2.25 0 0 0 0 0 0"
    path = tmp_path / "relations"
    path.write_bytes(pack(text.encode("utf-8")))
    first, second, third = read_relations(path)
    assert first == Relation(from_ns=1_500_000_000, to_ns=2_250_000_000, from_to=Pose2(1.0, 0.5, -0.25))
    assert second.from_to == Pose2(0.125, 0.0, 3.0)
    assert third.from_to == Pose2(0.0, 0.0, 0.0)


@pytest.mark.parametrize("line", ["1 inf 0 0 0 0 0 0", "nan 2 0 0 0 0 0 0", "1 2 0 0 0 0 0 nan", "1 2 0 0 0 0 0 0 0"])
def test_numbers_that_are_none_are_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "relations"
    path.write_text(f"# head\n1 2 0 0 0 0 0 0\n{line}\n", "ascii")
    with pytest.raises(BadInput, match="line 3"):
        read_relations(path)


def test_a_file_without_relations_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "relations"
    path.write_text("# nothing\n", "ascii")
    with pytest.raises(BadInput, match="holds no relation"):
        read_relations(path)


def test_relations_outside_the_log_are_counted() -> None:
    stamps_s = [(0.0, 1.0), (1.0, 4.05), (2.0, 4.2), (-3.0, 1.0)]
    relations = tuple(Relation(from_ns=round(a * 1e9), to_ns=round(b * 1e9), from_to=Pose2(0, 0, 0)) for a, b in stamps_s)
    assert relations_outside(relations, straight(5)) == 2


def test_a_stamp_between_poses_takes_the_nearest_and_far_from_all_goes_on_by_odometry() -> None:
    odometry = Trajectory.from_poses([n * 10**8 for n in range(50)], [Pose2(0.1 * n, 0.0, 0.0) for n in range(50)])
    known = Trajectory.from_poses([0, 10**9], [Pose2(0.0, 5.0, 0.0), Pose2(1.0, 5.0, 0.0)])
    near, far = (Relation(from_ns=0, to_ns=to_ns, from_to=Pose2(1.0, 0.0, 0.0)) for to_ns in (1_060_000_000, 1_500_000_000))
    errors = score_relations((near, far), known, odometry)
    assert errors.translation_m.tolist() == pytest.approx([0.0, 0.5])


@needs_data
@pytest.mark.parametrize(
    ("name", "mean_m", "std_m", "max_m", "mean_deg"),
    [("fr079", 6.504, 13.668, 60.11, 30.292), ("aces", 0.549, 2.675, 18.90, 2.328)],
)
def test_raw_odometry_scores_as_published(name: str, mean_m: float, std_m: float, max_m: float, mean_deg: float) -> None:
    log = read_carmen(DATA / f"{name}.clf.bz2")
    odometry = Trajectory.from_poses([r.stamp_ns for r in log], [r.odom_from_base for r in log])
    errors = score_relations(read_relations(DATA / f"{name}.relations"), odometry, odometry)
    assert errors.translation_m.mean() == pytest.approx(mean_m, abs=1e-3)
    assert errors.translation_m.std(ddof=1) == pytest.approx(std_m, abs=1e-3)
    assert errors.translation_m.max() == pytest.approx(max_m, abs=1e-2)
    assert errors.rotation_deg.mean() == pytest.approx(mean_deg, abs=1e-3)


@needs_data
def test_first_minutes_of_a_real_log() -> None:
    log = read_carmen(DATA / "fr079.clf.bz2")
    records = log.records[:1200]
    mapper = Mapper(MapperConfig(), log.base_from_lidar, records[0].odom_from_base)
    for record in records:
        mapper.add_scan(record.scan, record.odom_from_base)
    odometry = Trajectory.from_poses([r.stamp_ns for r in records], [r.odom_from_base for r in records])
    relations = tuple(r for r in read_relations(DATA / "fr079.relations") if max(r.from_ns, r.to_ns) <= records[-1].stamp_ns)
    ours, raw = (score_relations(relations, trajectory, odometry) for trajectory in (mapper.trajectory(), odometry))
    assert len(relations) > 100
    assert ours.translation_m.mean() < 0.06
    assert ours.translation_m.mean() < 0.5 * raw.translation_m.mean()


@needs_data
@pytest.mark.parametrize("from_s", [2160, 2190])
def test_a_turn_that_odometry_did_not_see_is_found_though_the_scan_half_fits_where_it_led(from_s: int) -> None:
    """The relation of this moment says 21.6 deg, odometry 3.3; next to odometry seven beams in ten fit."""
    log = read_carmen(DATA / "fr079.clf.bz2")
    first_ns, last_ns = 2_203_410_566_000, 2_205_330_253_000
    records = [record for record in log.records if from_s * 10**9 < record.stamp_ns <= last_ns + 10**8]
    mapper = Mapper(MapperConfig(), log.base_from_lidar, Pose2(0.0, 0.0, 0.0))
    for record in records:
        mapper.add_scan(record.scan, record.odom_from_base)
    trajectory = mapper.trajectory()
    turned = trajectory.pose(trajectory.nearest(first_ns)).inverse() @ trajectory.pose(trajectory.nearest(last_ns))
    assert math.degrees(turned.yaw_rad) == pytest.approx(21.6, abs=2.0)
