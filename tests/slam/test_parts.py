# SPDX-License-Identifier: Apache-2.0
"""The mapper's parts, each alone: undistortion, matching, search, pose graph, grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.geometry import IDENTITY2, Pose2
from patrol.sensors import Scan
from slam.config import GridConfig, MatchConfig, ScanConfig
from slam.grid_map import GridMap
from slam.likelihood import LikelihoodField, SearchWindow
from slam.pose_graph import Edge, PoseGraph, PositionFactor
from slam.scan_matcher import MatchTarget, information, match_points
from slam.scan_points import BodyRate, ScanPoints, points_from_scan, rate_during
from slam.surface import Surface, joined, surface_from_scan
from tests.slam.raycaster import BASE_FROM_LIDAR, cast, hall, scan_at

PLACE = Pose2(5.0, 4.0, 0.3)
small = st.floats(-0.15, 0.15)


def points_at(pose: Pose2, seed: int = 0) -> ScanPoints:
    scan = scan_at(hall(), pose, stamp_ns=0, rng=np.random.default_rng(seed), beams=720)
    return points_from_scan(scan, BASE_FROM_LIDAR, BodyRate(), ScanConfig())


def target_at(pose: Pose2) -> MatchTarget:
    return MatchTarget.from_surface(surface_from_scan(points_at(pose)).moved(pose), 0.1)


@settings(max_examples=30, deadline=None)
@given(dx=small, dy=small, dyaw=small)
def test_matching_undoes_any_small_offset(dx: float, dy: float, dyaw: float) -> None:
    guess = PLACE @ Pose2(dx, dy, dyaw)
    match = match_points(points_at(PLACE, seed=1), target_at(PLACE), guess, information(1.0, 1.0), MatchConfig())
    assert match.target_from_base.distance_to(PLACE) < 0.02
    assert abs(match.target_from_base.yaw_rad - PLACE.yaw_rad) < 0.005
    assert match.score > 0.9


def test_corridor_leaves_the_way_along_it_to_odometry() -> None:
    x = np.arange(-8.0, 8.0, 0.08)
    points = np.vstack([np.column_stack((x, np.full_like(x, side))) for side in (-1.0, 1.0)])
    scan = ScanPoints(points_m=points, rays=points / np.linalg.norm(points, axis=1, keepdims=True))
    target = MatchTarget.from_surface(surface_from_scan(scan), 0.1)
    match = match_points(scan, target, Pose2(0.3, 0.1, 0.02), information(0.05, 0.05), MatchConfig())
    assert match.target_from_base.x_m == pytest.approx(0.3, abs=0.05)
    assert match.target_from_base.y_m == pytest.approx(0.0, abs=0.01)
    assert match.covariance[0, 0] > 20 * match.covariance[1, 1]


def test_a_guess_that_the_scan_contradicts_yields() -> None:
    scan, target, sure_of_itself = points_at(PLACE, seed=1), target_at(PLACE), information(0.05, 0.05)
    slipped = match_points(scan, target, PLACE @ Pose2(0.4, 0.0, 0.0), sure_of_itself, MatchConfig())
    honest = match_points(scan, target, PLACE @ Pose2(0.01, 0.0, 0.0), sure_of_itself, MatchConfig())
    assert slipped.target_from_base.distance_to(PLACE) < 0.02
    assert slipped.prior_share < 0.1
    assert honest.prior_share > 0.9


def test_a_trunk_is_told_by_many_scans_though_by_none_alone() -> None:
    def glimpse(x: float, y: float) -> Surface:
        points = np.array([[x, y], [x, y + 5.0]])
        return surface_from_scan(ScanPoints(points_m=points, rays=np.tile((1.0, 0.0), (2, 1))))

    assert glimpse(7.0, 0.0).across.tolist() == [0.0, 0.0]
    once = MatchTarget.from_surface(glimpse(7.0, 0.0), 0.1)
    often = [glimpse(*spot) for spot in ((7.0, 0.0), (7.03, 0.12), (7.12, 0.24), (6.96, -0.12))]
    target = MatchTarget.from_surface(joined(often), 0.1)
    near = np.abs(target.points_m[:, 1]) < 1.0
    assert (once.across == 0.0).all()
    assert (target.across[near] > 0.0).all()
    assert (target.normals[near, 0] < 0.0).all()


def test_the_two_sides_of_a_thin_wall_stay_apart() -> None:
    x = np.arange(-2.0, 2.0, 0.05)
    front = np.column_stack((x, np.full_like(x, 1.01)))
    back = np.column_stack((x, np.full_like(x, 1.07)))
    surfaces = [
        surface_from_scan(ScanPoints(points_m=points, rays=np.tile((0.0, sign), (len(points), 1))))
        for points, sign in ((front, 1.0), (back, -1.0))
    ]
    from_front = MatchTarget.from_surface(surfaces[0], 0.1)
    assert from_front.points_m[:, 1] == pytest.approx(1.01)
    assert (from_front.normals[:, 1] < 0).all()
    assert (surfaces[1].normals[:, 1] > 0).all()


def test_search_finds_a_pose_far_from_its_guess() -> None:
    field = LikelihoodField(PLACE.apply(points_at(PLACE).points_m), resolution_m=0.1, std_m=0.15, levels=5)
    window = SearchWindow(centre=PLACE @ Pose2(2.0, -1.5, 0.8), half_x_m=4.0, half_y_m=4.0, half_rad=1.2)
    hit = field.search(points_at(PLACE, seed=2).points_m[::3], window, 0.3)
    assert hit is not None
    assert hit.pose.distance_to(PLACE) < 0.15
    assert hit.score > 0.8


def test_search_equals_trying_every_pose() -> None:
    field = LikelihoodField(PLACE.apply(points_at(PLACE).points_m), resolution_m=0.2, std_m=0.2, levels=4)
    points = points_at(Pose2(5.6, 4.3, 0.4), seed=4).points_m[::9]
    window = SearchWindow(centre=PLACE, half_x_m=1.0, half_y_m=1.0, half_rad=0.2)
    flat = LikelihoodField(PLACE.apply(points_at(PLACE).points_m), resolution_m=0.2, std_m=0.2, levels=0)
    bounded, tried = field.search(points, window, 0.0), flat.search(points, window, 0.0)
    assert bounded is not None
    assert tried is not None
    assert bounded.score == pytest.approx(tried.score, abs=1e-6)


def test_search_says_so_when_nothing_fits() -> None:
    field = LikelihoodField(PLACE.apply(points_at(PLACE).points_m), resolution_m=0.1, std_m=0.15, levels=4)
    noise = np.random.default_rng(0).uniform(-6.0, 6.0, (200, 2))
    window = SearchWindow(centre=PLACE, half_x_m=1.0, half_y_m=1.0, half_rad=0.3)
    assert field.search(noise, window, 0.9) is None


def test_undistortion_straightens_a_scan_taken_while_turning() -> None:
    rate, step_s, beams = BodyRate(x_mps=1.0, yaw_radps=1.0), 0.1 / 720, 720
    angles = -math.pi + 2.0 * math.pi / beams * np.arange(beams, dtype=np.float64)
    ranges = np.empty(beams)
    for beam in range(beams):
        after_s = beam * step_s
        half = 0.5 * after_s
        moved = Pose2(math.cos(half) * after_s, math.sin(half) * after_s, after_s)
        ranges[beam] = cast(hall(), PLACE @ moved @ BASE_FROM_LIDAR, angles[beam : beam + 1])[0]
    scan = Scan(
        stamp_ns=0,
        frame_id="lidar_link",
        angle_min_rad=-math.pi,
        angle_step_rad=2.0 * math.pi / beams,
        range_min_m=0.05,
        range_max_m=12.0,
        ranges_m=ranges.astype(np.float32),
        beam_step_s=step_s,
    )
    half_s = 0.5 * step_s * (beams - 1)
    end = Pose2(2 * half_s * math.cos(half_s), 2 * half_s * math.sin(half_s), 2 * half_s)
    measured = rate_during(scan, IDENTITY2, end)
    assert measured.yaw_radps == pytest.approx(rate.yaw_radps, rel=1e-3)
    target = target_at(PLACE)
    straight = PLACE.apply(points_from_scan(scan, BASE_FROM_LIDAR, rate, ScanConfig()).points_m)
    bent = PLACE.apply(points_from_scan(scan, BASE_FROM_LIDAR, BodyRate(), ScanConfig()).points_m)
    straight_m, bent_m = (np.quantile(target.tree.query(points)[0], 0.9) for points in (straight, bent))
    assert straight_m < 0.1
    assert bent_m > 2.0 * straight_m


def square_graph(drift_rad: float) -> PoseGraph:
    graph = PoseGraph(Pose2(1.0, 2.0, 0.5), 2.0)
    side = Pose2(5.0, 0.0, 0.5 * math.pi + drift_rad)
    for index in range(4):
        graph.add_keyframe(Edge(from_id=index, to_id=index + 1, from_to=side, covariance=np.diag([1e-3, 1e-3, 1e-3])))
    return graph


def test_a_loop_closure_brings_the_ends_together() -> None:
    graph = square_graph(0.05)
    gap_m = graph.pose(4).distance_to(graph.pose(0))
    before = graph.covariance(4)
    graph.close_loops([Edge(from_id=0, to_id=4, from_to=IDENTITY2, covariance=np.eye(3) * 1e-6, is_closure=True)])
    assert gap_m > 0.3
    assert graph.pose(4).distance_to(graph.pose(0)) < 0.3 * gap_m
    assert np.trace(graph.covariance(4)) < 0.5 * np.trace(before)
    assert graph.path_lengths_m(4)[0] < 1.0


def test_one_wrong_closure_is_overruled() -> None:
    graph = square_graph(0.0)
    good = [Edge(from_id=0, to_id=4, from_to=IDENTITY2, covariance=np.eye(3) * 1e-4, is_closure=True) for _ in range(3)]
    wrong = Edge(from_id=1, to_id=4, from_to=Pose2(9.0, 9.0, 1.0), covariance=np.eye(3) * 1e-4, is_closure=True)
    graph.close_loops([*good, wrong])
    assert graph.pose(4).distance_to(graph.pose(0)) < 0.3


def test_a_closure_that_can_not_be_solved_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    graph = square_graph(0.05)
    graph.loosen_start(0.1, 0.1)
    measured = PositionFactor(keyframe_id=2, stamp_ns=5, position_m=np.array([2.0, 7.0]), covariance=np.eye(2), kernel=2.0)
    graph.add_positions([measured])
    poses, edges = graph.poses(), list(graph.edges)
    assert not graph.close_loops([Edge(from_id=0, to_id=4, from_to=IDENTITY2, covariance=-np.eye(3), is_closure=True)])
    assert "left out" in caplog.text
    assert (graph.poses(), graph.edges, graph.positions) == (poses, edges, (measured,))
    assert graph.path_lengths_m(4)[0] == pytest.approx(20.0)
    assert graph.close_loops([Edge(from_id=0, to_id=4, from_to=IDENTITY2, covariance=np.eye(3) * 1e-6, is_closure=True)])
    assert graph.pose(4).distance_to(graph.pose(0)) < 0.2
    graph.add_positions([], retract_since_ns=0)
    assert graph.positions == ()


def test_the_newest_keyframes_are_moved_first() -> None:
    scan = scan_at(hall(), PLACE, stamp_ns=0, rng=np.random.default_rng(0))
    grid, only_second = GridMap(GridConfig(), BASE_FROM_LIDAR), GridMap(GridConfig(), BASE_FROM_LIDAR)
    moved = PLACE @ Pose2(0.5, 0.0, 0.0)
    for drawn, last in ((grid, PLACE), (only_second, moved)):
        drawn.add(scan, BodyRate(), PLACE)
        drawn.add(scan, BodyRate(), last)
    grid.move_to([moved, moved])
    assert grid.redraw(1)
    assert np.array_equal(grid.grid(0).cells, only_second.grid(0).cells)


def test_moving_a_keyframe_moves_its_evidence() -> None:
    scan = scan_at(hall(), PLACE, stamp_ns=0, rng=np.random.default_rng(0))
    moved = GridMap(GridConfig(), BASE_FROM_LIDAR)
    moved.add(scan, BodyRate(), PLACE @ Pose2(0.7, 0.2, 0.1))
    moved.move_to([PLACE])
    assert moved.redraw(5)
    assert not moved.redraw()
    fresh = GridMap(GridConfig(), BASE_FROM_LIDAR)
    fresh.add(scan, BodyRate(), PLACE)
    ours, theirs = moved.grid(0), fresh.grid(0)
    known = np.argwhere(theirs.cells >= 0)
    at = ours.rows_cols(theirs.centres_m(known))
    assert np.array_equal(ours.cells[at[:, 0], at[:, 1]], theirs.cells[known[:, 0], known[:, 1]])
    assert (ours.cells >= 0).sum() == len(known)


def test_a_grid_that_is_asked_for_again_and_again_is_the_one_that_is_asked_for_once() -> None:
    rng, scene = np.random.default_rng(0), hall()
    poses = [PLACE @ Pose2(0.3 * step, 0.1 * step, 0.2 * step) for step in range(8)]
    often, once = GridMap(GridConfig(), BASE_FROM_LIDAR), GridMap(GridConfig(), BASE_FROM_LIDAR)
    first = None
    for number, pose in enumerate(poses):
        scan = scan_at(scene, pose, stamp_ns=number, rng=rng)
        for grid in (often, once):
            grid.add(scan, BodyRate(), pose)
            if number == 5:
                grid.move_to([pose @ Pose2(0.4, -9.0, 0.3) for pose in poses[:6]])
            if number > 5:
                grid.redraw(2)
        told = often.grid(number)
        first = (told, told.cells.copy()) if first is None else first
    assert np.array_equal(often.grid(9).cells, once.grid(9).cells)
    assert first is not None
    assert np.array_equal(first[0].cells, first[1])
