# SPDX-License-Identifier: Apache-2.0
"""Floors: a map for each, changed at lifts only, by what the laser sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from shapely.geometry import Polygon, box

from benchmarks.localisation import mirrored
from patrol.checks import Floats
from patrol.errors import BadInput, BadValue
from patrol.geometry import Pose2
from patrol.site import Datum, Lift, Site
from slam.config import FloorConfig, SessionConfig
from slam.floors import FloorLocaliser, floor_folder, load_floors
from slam.session import MapPlaces, SlamSession
from slam.updates import SlamUpdate
from tests.slam.raycaster import BASE_FROM_LIDAR, Step, drive, hall, lap

CONFIG = SessionConfig()
WAY = lap(laps=1.0, speed_mps=1.0)[:280:3]
AT_LIFT = 45


def site(outline: Polygon) -> Site:
    lift = Lift(lift_id="lift", name="Lift", outline=outline, levels=(0, 1))
    datum = Datum(latitude_deg=53.9, longitude_deg=11.5)
    return Site(site_id="s", name="S", time_zone="UTC", datum=datum, perimeter=box(-9, -9, 30, 30), lifts=(lift,))


def around(pose: Pose2) -> Polygon:
    return box(pose.x_m - 1.0, pose.y_m - 1.0, pose.x_m + 1.0, pose.y_m + 1.0)


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two floors: the hall, and above it its mirror image."""
    whole = tmp_path_factory.mktemp("maps")
    for level, walls in ((0, hall()), (1, mirrored(hall()))):
        session = SlamSession.open(
            MapPlaces(whole=whole), CONFIG, BASE_FROM_LIDAR, start=WAY[0], mapping=True, resume=False, floor=level
        )
        for step in drive(walls, WAY, seed=3 + level):
            estimate = session.add_scan(step.scan, step.odom_from_base).estimate
        assert estimate.floor == level
        session.close()
    return whole


def ridden(walls: Floats, upper: Floats) -> list[Step]:
    """A lap whose second part is driven where ``upper`` are the walls; odometry knows nothing of it."""
    low, high = list(drive(walls, WAY, seed=9)), list(drive(upper, WAY, seed=9))
    return low[:AT_LIFT] + high[AT_LIFT:]


def told(maps: Path, steps: list[Step], outline: Polygon) -> list[SlamUpdate]:
    session = SlamSession.open(MapPlaces(whole=maps), CONFIG, BASE_FROM_LIDAR, start=WAY[0], mapping=False, resume=False)
    session.know_site(site(outline), is_start_known=True)
    return [session.add_scan(step.scan, step.odom_from_base) for step in steps]


def test_a_lift_changes_the_floor(maps: Path) -> None:
    steps = ridden(hall(), mirrored(hall()))
    updates = told(maps, steps, around(WAY[AT_LIFT]))
    floors = [update.estimate.floor for update in updates]
    assert set(floors[:AT_LIFT]) == {0}
    assert set(floors[AT_LIFT + 15 :]) == {1}
    last = updates[-1].estimate
    assert last.map_from_base.distance_to(steps[-1].true_pose) < 0.2
    assert last.doubt == ""


def test_the_floor_stays_away_from_lifts_and_at_them(maps: Path) -> None:
    steps = ridden(hall(), hall())
    assert {update.estimate.floor for update in told(maps, steps, around(WAY[AT_LIFT]))} == {0}
    carried = told(maps, ridden(hall(), mirrored(hall()))[: AT_LIFT + 20], box(-8, -8, -7, -7))
    assert {update.estimate.floor for update in carried} == {0}
    assert carried[-1].estimate.doubt


def test_floors_that_look_alike_are_told_to(maps: Path) -> None:
    floors = load_floors(maps, CONFIG.localiser, BASE_FROM_LIDAR, start=WAY[0], level=0)
    twins = FloorLocaliser(
        {0: floors[0], 1: load_floors(maps, CONFIG.localiser, BASE_FROM_LIDAR, start=None, level=0)[0]}, 0, FloorConfig()
    )
    twins.use_lifts(site(around(WAY[5])).lifts)
    steps = list(drive(hall(), WAY[:12], seed=2))
    updates = [twins.add_scan(step.scan, step.odom_from_base) for step in steps]
    assert "floor is not sure" in updates[5].estimate.doubt
    assert updates[5].estimate.floor == 0


def test_a_floor_without_a_map_has_a_name(maps: Path) -> None:
    with pytest.raises(BadInput, match="floors/4"):
        load_floors(maps, CONFIG.localiser, BASE_FROM_LIDAR, start=None, level=4)
    with pytest.raises(BadValue, match="floor"):
        FloorLocaliser({}, 2, FloorConfig())
    assert floor_folder(maps, 0) == maps
