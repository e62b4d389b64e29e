# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest

from mission.costmap import FORBIDDEN, Costmap, CostmapConfig
from mission.planner import NoPlan, Plan, Planner, PlannerConfig, path_length_m, resampled
from mission.sweep import sweep_from_scan
from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2
from patrol.grid import OccupancyGrid
from patrol.sensors import Scan
from tests.mission.places import depot, room

SECOND = 1_000_000_000


def scan(ranges: Floats, stamp_ns: int = SECOND) -> Scan:
    return Scan(
        stamp_ns=stamp_ns,
        frame_id="lidar_link",
        angle_min_rad=-math.pi,
        angle_step_rad=2.0 * math.pi / len(ranges),
        range_min_m=0.1,
        range_max_m=40.0,
        ranges_m=ranges.astype(np.float32),
    )


def grid(costmap: Costmap, occupied_m: list[tuple[float, float]], resolution_m: float = 0.05) -> OccupancyGrid:
    lattice = costmap.lattice
    share = round(lattice.resolution_m / resolution_m)
    cells = np.zeros((lattice.rows * share, lattice.cols * share), dtype=np.int8)
    empty = OccupancyGrid(
        stamp_ns=0, resolution_m=resolution_m, origin_x_m=lattice.origin_x_m, origin_y_m=lattice.origin_y_m, cells=cells
    )
    for row, col in empty.rows_cols(np.reshape(occupied_m, (-1, 2))):
        cells[row, col] = 100
    return OccupancyGrid(
        stamp_ns=0, resolution_m=resolution_m, origin_x_m=lattice.origin_x_m, origin_y_m=lattice.origin_y_m, cells=cells
    )


def plan(costmap: Costmap, start: Pose2, goal: Pose2, now_ns: int = SECOND) -> Plan | NoPlan:
    return Planner(PlannerConfig()).plan(costmap.field(now_ns), start, goal)


def test_site_obstacles_are_lethal_before_any_sensor_has_spoken() -> None:
    costmap = Costmap(CostmapConfig(), depot())
    field = costmap.field(0)
    assert np.isinf(field.weight_at([(-20.0, 0.0), (25.0, 18.0), (61.5, 0.0)])).all()
    assert (field.clearance_at([(-20.0, 0.0), (25.0, 18.0), (-200.0, 0.0)]) == 0.0).all()
    assert field.weight_at([(-50.0, -20.0)])[0] == pytest.approx(1.0 + CostmapConfig().unknown_weight)
    assert field.weight_at([(-35.3, 0.0)])[0] >= FORBIDDEN


def test_clearance_is_the_distance_to_the_nearest_obstacle() -> None:
    field = Costmap(CostmapConfig(), depot()).field(0)
    assert field.clearance_at([(-38.0, 0.0), (-45.0, 0.0)]) == pytest.approx([3.0, 10.0], abs=0.3)


def test_slow_areas_cost_more_and_limit_the_speed() -> None:
    costmap = Costmap(CostmapConfig(), depot())
    assert costmap.speed_limit_at(Pose2(55.0, 0.0, 0.0)) == 0.5
    assert costmap.speed_limit_at(Pose2(45.0, 0.0, 0.0)) == math.inf
    weights = costmap.field(0).weight_at([(55.0, 0.0), (45.0, 0.0)])
    assert weights[0] == pytest.approx(weights[1] * 1.2 / 0.5, rel=0.01)


def test_known_ground_is_cheaper_than_unknown_ground() -> None:
    costmap = Costmap(CostmapConfig(), room())
    before = costmap.field(0).weight_at([(4.0, 8.0)])[0]
    costmap.set_grid(grid(costmap, []))
    assert costmap.field(0).weight_at([(4.0, 8.0)])[0] == pytest.approx(before - CostmapConfig().unknown_weight)


def test_a_single_fine_grid_cell_is_not_lost_in_the_coarser_costmap() -> None:
    costmap = Costmap(CostmapConfig(), room())
    costmap.set_grid(grid(costmap, [(4.03, 8.03)]))
    assert costmap.field(0).clearance_at([(4.03, 8.03)])[0] == 0.0


def test_scan_hits_fade_and_are_forgotten_at_once_where_a_scan_looks_through() -> None:
    costmap = Costmap(CostmapConfig(hit_memory_s=3.0), room())
    near, far = np.full(720, 2.0), np.full(720, 6.0)
    here = Pose2(4.0, 12.0, 0.0)
    costmap.add_sweep(sweep_from_scan(scan(near), here))
    assert costmap.obstacles(SECOND)[tuple(costmap.lattice.cells([(6.0, 12.0)])[0])]
    assert not costmap.obstacles(SECOND + 4 * SECOND)[tuple(costmap.lattice.cells([(6.0, 12.0)])[0])]
    costmap.add_sweep(sweep_from_scan(scan(far, 2 * SECOND), here))
    assert not costmap.obstacles(2 * SECOND)[tuple(costmap.lattice.cells([(6.0, 12.0)])[0])]


def test_a_ghost_in_the_grid_gives_way_to_what_the_scan_sees_but_a_building_does_not() -> None:
    costmap = Costmap(CostmapConfig(), room())
    costmap.set_grid(grid(costmap, [(6.0, 12.0)]))
    cell = tuple(costmap.lattice.cells([(6.0, 12.0)])[0])
    assert costmap.obstacles(SECOND)[cell]
    costmap.add_sweep(sweep_from_scan(scan(np.full(720, np.inf)), Pose2(4.0, 12.0, 0.0)))
    assert not costmap.obstacles(SECOND)[cell]
    assert costmap.obstacles(SECOND)[tuple(costmap.lattice.cells([(10.0, 8.0)])[0])]


def test_a_scan_from_off_the_map_is_harmless() -> None:
    costmap = Costmap(CostmapConfig(), room())
    before = costmap.obstacles(SECOND)
    costmap.add_sweep(sweep_from_scan(scan(np.full(90, 3.0)), Pose2(500.0, 500.0, 0.0)))
    costmap.add_sweep(sweep_from_scan(scan(np.full(2, np.inf)), IDENTITY2))
    assert (costmap.obstacles(SECOND) == before).all()


def test_a_free_plan_is_a_straight_line() -> None:
    found = plan(Costmap(CostmapConfig(), depot()), Pose2(-50.0, -30.0, 0.0), Pose2(30.0, -26.0, 0.0))
    assert isinstance(found, Plan)
    assert found.length_m == pytest.approx(math.hypot(80.0, 4.0), rel=0.01)
    assert found.path_m[0] == pytest.approx([-50.0, -30.0])
    assert found.path_m[-1] == pytest.approx([30.0, -26.0])
    assert found.gap_m == 0.0


def test_a_plan_around_a_hall_keeps_clear_and_does_not_zigzag() -> None:
    costmap = Costmap(CostmapConfig(), depot())
    found = plan(costmap, Pose2(-42.0, 2.0, 0.0), Pose2(2.0, 2.0, 0.0))
    assert isinstance(found, Plan)
    assert costmap.field(0).clearance_at(found.path_m).min() > 0.8
    headings = np.unwrap(np.arctan2(*np.diff(found.path_m, axis=0).T[::-1]))
    assert np.abs(np.diff(headings)).sum() < 2.0 * math.pi
    assert np.hypot(*np.diff(found.path_m, axis=0).T).max() < 0.4
    assert found.length_m < 72.0


def test_a_taken_goal_ends_nearby_and_an_enclosed_one_not_at_all() -> None:
    costmap = Costmap(CostmapConfig(), depot())
    beside = plan(costmap, Pose2(-50.0, -30.0, 0.0), Pose2(-34.0, -9.0, 0.0))
    assert isinstance(beside, Plan)
    assert 1.0 < beside.gap_m <= PlannerConfig().goal_slack_m
    assert isinstance(plan(costmap, Pose2(-50.0, -30.0, 0.0), Pose2(-20.0, 0.0, 0.0)), NoPlan)
    assert isinstance(plan(costmap, Pose2(-50.0, -30.0, 0.0), Pose2(900.0, 0.0, 0.0)), NoPlan)


def test_a_robot_that_stands_too_close_to_a_wall_finds_its_way_out() -> None:
    found = plan(Costmap(CostmapConfig(), depot()), Pose2(-35.3, 0.0, 0.0), Pose2(-50.0, 0.0, 0.0))
    assert isinstance(found, Plan)
    assert found.length_m == pytest.approx(14.7, abs=1.5)


def test_a_plan_never_leads_through_a_wall_even_from_within_it() -> None:
    costmap = Costmap(CostmapConfig(), depot())
    found = plan(costmap, Pose2(-34.95, 0.0, 0.0), Pose2(-50.0, 0.0, 0.0))
    assert isinstance(found, Plan)
    assert np.isfinite(costmap.field(0).weight_at(found.path_m[3:])).all()


def test_resampling_keeps_ends_and_length() -> None:
    corners = np.array([(0.0, 0.0), (3.0, 0.0), (3.0, 4.0)])
    fine = resampled(corners, 0.2)
    assert (fine[0] == corners[0]).all()
    assert (fine[-1] == corners[-1]).all()
    assert path_length_m(fine) == pytest.approx(7.0, abs=0.1)
    assert len(resampled(np.zeros((2, 2)), 0.2)) == 2


def test_a_scan_taken_while_turning_is_straightened() -> None:
    """A wall 5 m ahead, swept in 0.1 s at 1 rad/s: its returns lie on a line again."""
    count, turn = 720, 0.1
    angles = -math.pi + np.arange(count) * 2.0 * math.pi / count
    true_angles = angles + turn * np.linspace(0.0, 1.0, count)
    ranges = np.where(np.abs(true_angles) < 1.0, 5.0 / np.cos(true_angles), np.inf)
    still, moving = sweep_from_scan(scan(ranges), IDENTITY2), sweep_from_scan(scan(ranges), IDENTITY2, Pose2(0.0, 0.0, turn))
    assert np.abs(moving.points_m()[:, 0] - 5.0).max() < 1e-5
    assert np.abs(still.points_m()[:, 0] - 5.0).max() > 0.2
