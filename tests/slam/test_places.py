# SPDX-License-Identifier: Apache-2.0
"""A site whose ends look alike: a gate that opens does not send the robot to the other end, and what can not be told is not
told with confidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from patrol.checks import Floats
from patrol.geometry import Pose2
from slam.beam_walk import BeamWalk
from slam.config import EvidenceConfig, LocaliserConfig, MapperConfig, TrustConfig
from slam.localiser import Localiser
from slam.map_files import SavedMap
from slam.mapper import Mapper
from slam.place_evidence import PlaceContest, PlaceEvidence
from slam.scan_points import BodyRate
from slam.trust_monitor import Trust, TrustMonitor
from slam.updates import ScanOutcome, SlamUpdate
from tests.slam.raycaster import BASE_FROM_LIDAR, Step, box, drive, room, scan_at

LENGTH_M, DEPTH_M = 18.0, 8.0
WAY = [Pose2(15.0 - 0.1 * row, 4.0, np.pi) for row in range(131)]


def yard(*, is_gate_open: bool = False) -> Floats:
    """Turned by half a turn about its middle it is the same, while the gate at its west end is shut."""
    outline = room([(0, 0), (LENGTH_M, 0), (LENGTH_M, DEPTH_M), (0, DEPTH_M)])
    things = [
        box(4.0, 1.0, 0.6, 0.6),
        box(LENGTH_M - 4.6, DEPTH_M - 1.6, 0.6, 0.6),
        box(7.5, 6.8, 1.0, 0.5),
        box(9.5, 0.7, 1.0, 0.5),
    ]
    if not is_gate_open:
        return np.vstack([outline, *things])
    beyond = [[0.0, 0.0, 0.0, 2.5], [0.0, 5.5, 0.0, DEPTH_M], [-4.0, -2.0, -4.0, DEPTH_M + 2.0]]
    return np.vstack([outline[:-1], beyond, *things])


def turned(pose: Pose2) -> Pose2:
    """The place at the other end that looks the same."""
    return Pose2(LENGTH_M - pose.x_m, DEPTH_M - pose.y_m, pose.yaw_rad + np.pi)


@pytest.fixture(scope="module")
def saved() -> SavedMap:
    steps = list(drive(yard(), WAY, seed=3))[::3]
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, WAY[0])
    for step in steps:
        mapper.add_scan(step.scan, step.odom_from_base)
    return mapper.saved()


def localised(saved: SavedMap, steps: Sequence[Step], config: LocaliserConfig) -> list[SlamUpdate]:
    localiser = Localiser(saved, config, BASE_FROM_LIDAR, start=steps[0].true_pose)
    return [localiser.add_scan(step.scan, step.odom_from_base) for step in steps]


def off_m(updates: Sequence[SlamUpdate], steps: Sequence[Step]) -> list[float]:
    return [u.estimate.map_from_base.distance_to(step.true_pose) for u, step in zip(updates, steps, strict=True)]


def test_an_open_gate_is_one_doubt_that_ends(saved: SavedMap) -> None:
    steps = tuple(drive(yard(is_gate_open=True), WAY[:100], seed=5))[::2]
    updates = localised(saved, steps, LocaliserConfig())
    assert max(off_m(updates, steps)) < 0.1
    assert Trust.WRONG_PLACE not in {update.trust.trust for update in updates if update.trust is not None}
    doubts = [bool(update.estimate.doubt) for update in updates]
    assert 3 <= sum(doubts) <= 12
    assert sum(now and not before for before, now in zip([False, *doubts], doubts, strict=False)) == 1


def test_a_suspected_pose_does_not_yield_to_an_end_that_looks_alike(saved: SavedMap) -> None:
    suspicious = LocaliserConfig(trust=TrustConfig(open_wrong=0.001, agreed_places_min=10_000), distrusted_m=0.3)
    steps = tuple(drive(yard(is_gate_open=True), WAY[:110], seed=6))[::2]
    updates = localised(saved, steps, suspicious)
    assert sum(u.trust is not None and u.trust.trust is Trust.WRONG_PLACE for u in updates) > 10
    assert max(off_m(updates, steps)) < 0.1
    assert updates[-1].estimate.doubt


def test_who_was_carried_where_two_places_fit_says_so(saved: SavedMap) -> None:
    known = list(drive(yard(), WAY, seed=7))[::2]
    rng, steps = np.random.default_rng(1), known[:15]
    for row in range(15, 50):
        there = known[row].true_pose @ Pose2(0.0, 1.2, 0.0)
        scan = scan_at(yard(), there, stamp_ns=known[row].scan.stamp_ns, rng=rng)
        steps.append(Step(scan=scan, odom_from_base=known[row].odom_from_base, true_pose=there))
    updates = localised(saved, steps, LocaliserConfig())
    assert not any(update.estimate.doubt for update in updates[:15])
    assert any(update.estimate.doubt for update in updates[15:25])
    for update, step in zip(updates[25:], steps[25:], strict=True):
        assert update.estimate.doubt or update.estimate.map_from_base.distance_to(step.true_pose) < 0.3


def test_a_van_beside_the_way_is_passed(saved: SavedMap) -> None:
    world = np.vstack([yard(), box(6.0, 4.9, 5.0, 1.8), box(6.5, 1.3, 4.0, 1.8)])
    steps = tuple(drive(world, WAY, seed=8))[::2]
    updates = localised(saved, steps, LocaliserConfig())
    assert {update.outcome for update in updates} == {ScanOutcome.MATCHED}
    assert max(off_m(updates, steps)) < 0.15


@pytest.mark.parametrize("is_gate_open", [False, True])
def test_each_metre_counts_once(saved: SavedMap, *, is_gate_open: bool) -> None:
    walk, rng = BeamWalk(saved, TrustConfig(), BASE_FROM_LIDAR), np.random.default_rng(4)
    evidence, pose = PlaceEvidence(EvidenceConfig()), Pose2(3.0, 4.0, np.pi)
    for row in range(5):
        evidence.add(walk.look(scan_at(yard(is_gate_open=is_gate_open), pose, stamp_ns=row, rng=rng), pose))
    supposed = evidence.supposed()
    assert supposed.agreed_m > 25.0
    assert (2.0 if is_gate_open else 0.0) <= supposed.gone_m <= (4.0 if is_gate_open else 0.0)
    assert supposed.new_m == 0.0
    assert PlaceEvidence(EvidenceConfig()).supposed().contradicted_share == 0.0


def test_the_place_that_supposes_fewer_changes_leads(saved: SavedMap) -> None:
    contest, rng = PlaceContest(BeamWalk(saved, TrustConfig(), BASE_FROM_LIDAR), EvidenceConfig()), np.random.default_rng(4)
    assert contest.standing() is None
    here = Pose2(13.0, 3.0, 0.4)
    places = {PlaceContest.HOME: Pose2(6.0, 5.0, 2.0), 7: here, 8: turned(here), 9: Pose2(9.0, 3.0, 0.0)}
    contest.weigh(scan_at(yard(), here, stamp_ns=1, rng=rng), BodyRate(), places, lambda _: ())
    standing = contest.standing()
    assert standing is not None
    assert standing.best in {7, 8}
    assert standing.over_next_m == 0.0
    assert standing.over_home_m > 6.0
    contest.forget()
    assert contest.standing() is None


def test_what_has_changed_is_remembered_until_the_pose_is_found_anew(saved: SavedMap) -> None:
    monitor, rng = TrustMonitor(BeamWalk(saved, TrustConfig(), BASE_FROM_LIDAR), TrustConfig()), np.random.default_rng(2)
    pose, world = Pose2(4.0, 4.0, np.pi), yard(is_gate_open=True)

    def trusts(first: int) -> list[Trust]:
        return [monitor.look(scan_at(world, pose, stamp_ns=10**8 * (first + row), rng=rng), pose).trust for row in range(30)]

    told = trusts(0)
    assert Trust.MAP_DIFFERS in told
    assert set(told[-5:]) == {Trust.SURE}
    assert set(trusts(100)) == {Trust.SURE}
    monitor.forget()
    assert Trust.MAP_DIFFERS in trusts(200)


def test_who_leans_on_the_robot_says_nothing_of_the_place(saved: SavedMap) -> None:
    monitor, rng = TrustMonitor(BeamWalk(saved, TrustConfig(), BASE_FROM_LIDAR), TrustConfig()), np.random.default_rng(2)
    pose = Pose2(9.0, 4.0, np.pi)
    around = np.vstack([yard(), box(8.6, 3.8, 0.1, 0.5), box(8.6, 4.2, 0.5, 0.1), box(8.7, 3.7, 0.5, 0.1)])
    looks = [monitor.look(scan_at(around, pose, stamp_ns=10**8 * row, rng=rng), pose) for row in range(15)]
    assert {verdict.trust for verdict in looks} <= {Trust.SURE, Trust.UNKNOWN}
    wide = np.vstack([yard(), box(7.6, 2.6, 0.1, 2.8), box(7.6, 5.4, 2.8, 0.1), box(7.6, 2.5, 2.8, 0.1)])
    looks = [monitor.look(scan_at(wide, pose, stamp_ns=10**10 + 10**8 * row, rng=rng), pose) for row in range(15)]
    assert looks[-1].trust is Trust.WRONG_PLACE
