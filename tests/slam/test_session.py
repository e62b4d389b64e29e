# SPDX-License-Identifier: Apache-2.0
"""A lap of mapping, then localisation; and going on after the process was killed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from patrol.errors import BadInput
from slam.config import SessionConfig
from slam.localiser import Localiser
from slam.map_files import load_map
from slam.mapper import Mapper
from slam.session import MapPlaces, SlamSession, read_snapshot, write_snapshot
from slam.updates import ScanOutcome, SlamUpdate
from tests.slam.raycaster import BASE_FROM_LIDAR, Step, drive, hall, lap

CONFIG = SessionConfig(snapshot_every_s=5.0)


@pytest.fixture(scope="module")
def steps() -> tuple[Step, ...]:
    return tuple(drive(hall(), lap(laps=1.3), seed=11))


def places_in(folder: Path) -> MapPlaces:
    return MapPlaces(whole=folder / "map", snapshots=folder / "state" / "map")


def opened(places: MapPlaces, first: Step, *, mapping: bool = True, resume: bool = False) -> SlamSession:
    return SlamSession.open(places, CONFIG, BASE_FROM_LIDAR, start=first.true_pose, mapping=mapping, resume=resume)


def driven(session: SlamSession, steps: tuple[Step, ...]) -> list[SlamUpdate]:
    """Feed every step, and run every chore at once."""
    updates = []
    for step in steps:
        updates.append(session.add_scan(step.scan, step.odom_from_base))
        chore = session.chore(step.scan.stamp_ns)
        if chore is not None:
            chore()
    return updates


def worst_m(updates: list[SlamUpdate], steps: tuple[Step, ...]) -> float:
    pairs = zip(updates, steps, strict=True)
    return max(update.estimate.map_from_base.distance_to(step.true_pose) for update, step in pairs)


def test_after_the_first_lap_it_localises_in_the_saved_map(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    places, lap_end = places_in(tmp_path), round(len(steps) / 1.3)
    session = opened(places, steps[0])
    driven(session, steps[:lap_end])
    assert session.is_mapping
    session.finish_mapping()
    session.finish_mapping()
    updates = driven(session, steps[lap_end:])
    assert not session.is_mapping
    assert worst_m(updates, steps[lap_end:]) < 0.15
    assert {update.outcome for update in updates} == {ScanOutcome.MATCHED}
    assert not any(update.keyframe_added for update in updates)
    assert places.whole is not None
    grid = load_map(places.whole).grid
    assert (session.grid(1).cells >= 65).sum() == (grid.cells == 100).sum()


def test_the_pose_does_not_jump_when_the_map_is_finished(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    session = opened(places_in(tmp_path), steps[0])
    before = driven(session, steps[:300])[-1]
    session.finish_mapping()
    after = driven(session, steps[300:303])[-1]
    assert not session.is_mapping
    assert after.estimate.map_from_odom.distance_to(before.estimate.map_from_odom) < 0.1


def test_keyframes_that_come_while_the_map_is_finished_stay_where_they_are(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    """Fixes taken at them are still asked for their places; the final graph does not hold them."""
    session = opened(places_in(tmp_path), steps[0])
    driven(session, steps[:200])
    session.finish_mapping()
    chore = session.chore(steps[199].scan.stamp_ns)
    assert chore is not None
    meanwhile = [session.add_scan(step.scan, step.odom_from_base) for step in steps[200:300]]
    assert sum(update.keyframe_added for update in meanwhile) > 2
    assert isinstance(session._core, Mapper)
    newest = session._core.newest_keyframe
    assert newest is not None
    before = [session._pose_of(number) for number in range(newest + 1)]
    chore()
    session.add_scan(steps[300].scan, steps[300].odom_from_base)
    assert not session.is_mapping
    after = [session._pose_of(number) for number in range(newest + 1)]
    assert max(one.distance_to(other) for one, other in zip(before, after, strict=True)) < 0.15


def test_the_finished_map_is_the_settled_one(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    places, mapper = places_in(tmp_path), Mapper(CONFIG.mapper, BASE_FROM_LIDAR, steps[0].true_pose)
    session = opened(places, steps[0])
    for step in steps[:140]:
        session.add_scan(step.scan, step.odom_from_base)
        mapper.add_scan(step.scan, step.odom_from_base)
    mapper.settle()
    session.finish_mapping()
    chore = session.chore(steps[139].scan.stamp_ns)
    assert chore is not None
    chore()
    assert places.whole is not None
    kept = load_map(places.whole)
    assert kept.base_from_lidar == BASE_FROM_LIDAR
    for number, keyframe in enumerate(kept.keyframes):
        assert keyframe.map_from_base.distance_to(mapper.keyframe_pose(number)) < 1e-6
    assert float(np.mean((kept.grid.cells == 100) == (mapper.grid(0).cells >= 65))) > 0.999


def test_a_killed_mapper_goes_on_with_the_map_it_had(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    places, killed = places_in(tmp_path), 250
    known = driven(opened(places, steps[0]), steps[:killed])
    before = known[-1].estimate
    anew = SlamSession.open(
        places,
        CONFIG,
        BASE_FROM_LIDAR,
        start=before.map_from_odom @ steps[killed].odom_from_base,
        mapping=True,
        resume=True,
    )
    cells = anew.grid(1).cells
    assert (cells >= 65).sum() > 500
    updates = driven(anew, steps[killed:])
    assert anew.is_mapping
    assert worst_m(updates, steps[killed:]) < 0.2
    assert any(update.keyframe_added for update in updates)
    assert any(update.loop_closed for update in updates)
    anew.close()
    assert places.whole is not None
    assert len(load_map(places.whole).keyframes) > len(load_map(places.snapshots or tmp_path).keyframes) - 1


def test_snapshots_come_no_more_often_than_asked(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    session = opened(places_in(tmp_path), steps[0])
    chores = []
    for step in steps[:120]:
        session.add_scan(step.scan, step.odom_from_base)
        chores.append(session.chore(step.scan.stamp_ns) is not None)
    at = [index for index, due in enumerate(chores) if due]
    assert len(at) == 3
    assert min(np.diff(at)) >= 50


def test_a_run_without_mapping_localises_from_the_start(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    places = places_in(tmp_path)
    first = opened(places, steps[0])
    driven(first, steps[:440])
    first.close()
    session = opened(places, steps[0], mapping=False)
    updates = driven(session, steps[:60])
    assert not session.is_mapping
    assert worst_m(updates, steps[:60]) < 0.15


def test_a_run_without_mapping_needs_a_whole_map(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    with pytest.raises(BadInput, match="map"):
        opened(places_in(tmp_path), steps[0], mapping=False)


def test_a_snapshot_survives_a_kill_while_it_is_replaced(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    folder = tmp_path / "map"
    mapper = Mapper(CONFIG.mapper, BASE_FROM_LIDAR, steps[0].true_pose)
    for step in steps[:40]:
        mapper.add_scan(step.scan, step.odom_from_base)
    saved = mapper.saved()
    write_snapshot(folder, saved)
    folder.rename(folder.with_name("map-old"))
    between = read_snapshot(folder)
    assert between is not None
    assert len(between.keyframes) == len(saved.keyframes)
    (folder.with_name("map-old") / "map.npz").write_bytes(b"half")
    assert read_snapshot(folder) is None
    write_snapshot(folder, saved)
    assert read_snapshot(folder) is not None


def test_resuming_draws_the_same_grid(tmp_path: Path, steps: tuple[Step, ...]) -> None:
    mapper = Mapper(CONFIG.mapper, BASE_FROM_LIDAR, steps[0].true_pose)
    for step in steps[:200]:
        mapper.add_scan(step.scan, step.odom_from_base)
    mapper.save(tmp_path)
    again = Mapper.resumed(load_map(tmp_path), CONFIG.mapper, BASE_FROM_LIDAR, steps[200].true_pose)
    one, two = mapper.grid(1), again.grid(1)
    assert one.cells.shape == two.cells.shape
    assert float(np.mean(one.cells == two.cells)) > 0.999


def test_a_localiser_stands_where_it_is_told(steps: tuple[Step, ...]) -> None:
    mapper = Mapper(CONFIG.mapper, BASE_FROM_LIDAR, steps[0].true_pose)
    for step in steps[:300]:
        mapper.add_scan(step.scan, step.odom_from_base)
    localiser = Localiser(mapper.saved(), CONFIG.localiser, BASE_FROM_LIDAR, start=None)
    assert localiser.is_lost
    localiser.stand_at(steps[100].true_pose)
    assert not localiser.is_lost
    update = localiser.add_scan(steps[100].scan, steps[100].odom_from_base)
    assert update.estimate.map_from_base.distance_to(steps[100].true_pose) < 0.1
