# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest

from mission.coverage import NEVER_NS, CoverageConfig, CoverageMap, FieldOfView
from patrol.geometry import IDENTITY2, Pose2
from patrol.grid import OccupancyGrid
from tests.mission.places import room

ALL_AROUND = FieldOfView(base_from_sensor=IDENTITY2, hfov_rad=2.0 * math.pi, reach_m=40.0)
AHEAD = FieldOfView(base_from_sensor=IDENTITY2, hfov_rad=math.radians(75.0), reach_m=10.0)


def seen(coverage: CoverageMap, x_m: float, y_m: float) -> bool:
    return bool(coverage.lattice.sample(coverage.last_seen_ns != NEVER_NS, [(x_m, y_m)], 0.0)[0])


def test_nothing_is_seen_before_the_first_look() -> None:
    coverage = CoverageMap(CoverageConfig(), room())
    assert coverage.fraction == 0.0


def test_a_block_throws_a_shadow() -> None:
    coverage = CoverageMap(CoverageConfig(), room())
    coverage.look(Pose2(4.0, 8.0, 0.0), ALL_AROUND, 5)
    assert seen(coverage, 7.0, 8.0)
    assert seen(coverage, 4.0, 14.0)
    assert not seen(coverage, 20.0, 8.0)
    assert 0.5 < coverage.fraction < 0.9
    coverage.look(Pose2(20.0, 8.0, 0.0), ALL_AROUND, 9)
    assert coverage.fraction > 0.95


def test_a_camera_sees_only_its_sector_and_reach() -> None:
    coverage = CoverageMap(CoverageConfig(), room())
    coverage.look(Pose2(2.0, 3.0, 0.0), AHEAD, 5)
    assert seen(coverage, 8.0, 3.0)
    assert not seen(coverage, 14.0, 3.0)
    assert not seen(coverage, 2.0, 8.0)


def test_what_the_map_shows_as_occupied_stops_the_look() -> None:
    coverage = CoverageMap(CoverageConfig(), room())
    cells = np.zeros((160, 240), dtype=np.int8)
    cells[10:60, 50] = 100
    coverage.set_grid(OccupancyGrid(stamp_ns=0, resolution_m=0.1, origin_x_m=0.0, origin_y_m=0.0, cells=cells))
    coverage.look(Pose2(2.0, 3.0, 0.0), AHEAD, 5)
    assert seen(coverage, 4.0, 3.0)
    assert not seen(coverage, 8.0, 3.0)


def test_idleness_counts_from_the_last_look_or_the_start() -> None:
    coverage = CoverageMap(CoverageConfig(), room())
    coverage.look(Pose2(2.0, 3.0, 0.0), AHEAD, 4_000_000_000)
    coverage.look(Pose2(2.0, 3.0, 0.0), AHEAD, 3_000_000_000)
    idle = coverage.idleness_s(10_000_000_000, since_ns=0)
    assert coverage.lattice.sample(idle, [(5.0, 3.0), (2.0, 14.0)], 0.0) == pytest.approx([6.0, 10.0])
    assert np.isnan(coverage.lattice.sample(idle, [(12.0, 8.0)], 0.0)[0])


def test_the_picture_has_north_up_and_tells_seen_from_unseen() -> None:
    coverage = CoverageMap(CoverageConfig(), room())
    coverage.look(Pose2(2.0, 3.0, 0.0), AHEAD, 5)
    picture = coverage.picture()
    assert picture.shape == (*coverage.lattice.shape, 3)
    row, col = coverage.lattice.cells([(5.0, 3.0)])[0]
    assert tuple(picture[coverage.lattice.rows - 1 - row, col]) == (120, 190, 110)
    assert tuple(picture[0, 0]) == (255, 255, 255)
