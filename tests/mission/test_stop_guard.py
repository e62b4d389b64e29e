# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.stop_guard import Guarded, StopGuard, StopGuardConfig, StopReason
from mission.stop_shadows import braking, edges_in
from patrol.geometry import IDENTITY2, STOPPED, Pose2, Twist2
from patrol.sensors import Scan
from tests.mission.scans import NOW_NS, scan_of
from tests.mission.stepping_out import drawn, run
from tests.mission.stop_guard_golden import PATH, rows

MS = 1_000_000
BEAMS = 720
FORWARD = Twist2(1.0, 0.0, 0.0)
CONFIG = StopGuardConfig()
CALM = StopGuardConfig(edge_m=1e6)
"""Nobody steps out: what is left is the distance to what stands there."""


def open_scan(stamp_ns: int = NOW_NS) -> Scan:
    return scan_of(np.full(BEAMS, np.inf), stamp_ns)


def disc_scan(x_m: float, y_m: float, radius_m: float = 0.2) -> Scan:
    angles = -math.pi + np.arange(BEAMS) * 2.0 * math.pi / BEAMS
    along, beside = x_m * np.cos(angles) + y_m * np.sin(angles), -x_m * np.sin(angles) + y_m * np.cos(angles)
    depth = np.maximum(radius_m**2 - beside**2, 0.0)
    return scan_of(np.where((np.abs(beside) < radius_m) & (along > 0), along - np.sqrt(depth), np.inf))


def ready(scan: Scan, wanted: Twist2, config: StopGuardConfig = CONFIG) -> StopGuard:
    guard = StopGuard(config, IDENTITY2)
    guard.on_scan(scan)
    guard.on_wanted(wanted, NOW_NS)
    return guard


def test_it_starts_stopped_and_says_what_is_missing() -> None:
    guard = StopGuard(CONFIG, IDENTITY2)
    assert guard.step(NOW_NS) == Guarded(twist=STOPPED, reason=StopReason.NO_SCAN, free_m=0.0)
    guard.on_wanted(FORWARD, NOW_NS)
    assert guard.step(NOW_NS).reason is StopReason.NO_SCAN
    guard = StopGuard(CONFIG, IDENTITY2)
    guard.on_scan(open_scan())
    assert (guard.step(NOW_NS).twist, guard.step(NOW_NS).reason) == (STOPPED, StopReason.NO_WANTED)


def test_before_it_knows_where_the_lidar_sits_nothing_moves_and_the_latch_works() -> None:
    guard = StopGuard(CONFIG, None, estopped=True)
    guard.on_scan(open_scan())
    assert not guard.reset(NOW_NS), "it was not armed"
    assert guard.arm_reset(NOW_NS)
    assert guard.reset(NOW_NS)
    assert guard.estopped is False
    guard.on_wanted(FORWARD, NOW_NS)
    assert (guard.step(NOW_NS).twist, guard.step(NOW_NS).reason) == (STOPPED, StopReason.NO_SCAN)
    guard.mounted(IDENTITY2)
    assert guard.step(NOW_NS).reason is StopReason.NO_SCAN, "the scan from before was not kept"
    guard.on_scan(open_scan())
    assert guard.step(NOW_NS).twist == FORWARD


def test_a_free_way_lets_the_wanted_twist_through_unchanged() -> None:
    wanted = Twist2(1.2, 0.0, 0.4)
    guarded = ready(open_scan(), wanted).step(NOW_NS)
    assert (guarded.twist, guarded.reason) == (wanted, StopReason.CLEAR)


def test_standing_is_clear_and_looks_nowhere() -> None:
    guarded = ready(disc_scan(0.58, 0.0), STOPPED).step(NOW_NS)
    assert guarded == Guarded(twist=STOPPED, reason=StopReason.CLEAR, free_m=0.0)
    assert ready(disc_scan(0.58, 0.0), Twist2(1e-6, 0.0, 0.0)).step(NOW_NS).reason is StopReason.CLEAR
    assert ready(disc_scan(0.58, 0.0), Twist2(1.1e-6, 0.0, 0.0)).step(NOW_NS).reason is StopReason.BLOCKED


@pytest.mark.parametrize(("range_max_m", "look_m"), [(6.0, 50.0), (60.0, 6.0)])
@pytest.mark.parametrize("fast", [Twist2(30.0, 0.0, 0.0), Twist2(0.0, -1e4, 1.0), Twist2(0.0, 0.0, 1e5), Twist2(1e300, 0.0, 0.0)])
def test_nothing_drives_faster_than_it_can_stop_within_what_it_sees(fast: Twist2, range_max_m: float, look_m: float) -> None:
    config = StopGuardConfig(look_m=look_m)
    guarded = ready(replace(open_scan(), range_max_m=range_max_m), fast, config).step(NOW_NS)
    twist = guarded.twist
    corner_mps = math.hypot(twist.forward_mps, twist.left_mps) + abs(twist.turn_radps) * math.hypot(0.35, 0.26)
    assert corner_mps * config.latency_s + 0.5 * corner_mps**2 / config.decel_mps2 == pytest.approx(6.0)
    assert guarded.reason is StopReason.SLOWED
    assert guarded.free_m == 6.0


def test_a_twist_beyond_all_bounds_is_not_driven() -> None:
    assert ready(open_scan(), Twist2(1.7e308, 1.7e308, 0.0)).step(NOW_NS).twist == STOPPED


@pytest.mark.parametrize("place_m", np.linspace(1.5, 4.5, 20))
def test_however_fast_it_should_go_it_is_wary_of_every_place_beside_its_way(place_m: float) -> None:
    """Slow walkers who have but 20 mm to go reach it wherever they stand, unless it is nearly at a stand before them."""
    config = StopGuardConfig(length_m=0.3, width_m=0.3, margin_m=0.0, walker_mps=0.2, decel_mps2=2.0, least_returns=9)
    for fast_mps in (5.0, 1e6):
        guarded = passing(config, Twist2(fast_mps, 0.0, 0.0), place_m, (0.17, 0.17, 0.17))
        assert guarded.reason is StopReason.WARY
        braking_m = (guarded.twist.forward_mps**2 - config.contact_mps**2) / (2.0 * config.decel_mps2)
        overlap_m = guarded.twist.forward_mps * config.latency_s + braking_m - (place_m - 0.5 * config.length_m)
        assert overlap_m < 0.51 * config.width_m


@pytest.mark.parametrize(
    ("age_ms", "reason"), [(350, StopReason.CLEAR), (351, StopReason.STALE_SCAN), (-351, StopReason.STALE_SCAN)]
)
def test_a_scan_counts_for_exactly_350_ms(age_ms: int, reason: StopReason) -> None:
    guard = ready(open_scan(NOW_NS - age_ms * MS), FORWARD)
    assert guard.step(NOW_NS).reason is reason
    assert (guard.step(NOW_NS).twist == STOPPED) == (reason is StopReason.STALE_SCAN)


@pytest.mark.parametrize(("age_ms", "reason"), [(300, StopReason.CLEAR), (301, StopReason.STALE_WANTED)])
def test_a_wanted_twist_counts_for_exactly_300_ms(age_ms: int, reason: StopReason) -> None:
    guard = StopGuard(CONFIG, IDENTITY2)
    guard.on_scan(open_scan())
    guard.on_wanted(FORWARD, NOW_NS - age_ms * MS)
    assert guard.step(NOW_NS).reason is reason


def test_an_older_scan_does_not_replace_a_newer_one() -> None:
    guard = ready(disc_scan(0.5, 0.0), FORWARD)
    guard.on_scan(open_scan(NOW_NS - 50 * MS))
    assert guard.step(NOW_NS).reason is StopReason.BLOCKED
    guard.on_scan(open_scan())
    assert guard.step(NOW_NS).reason is StopReason.CLEAR, "one of the same moment does"


@pytest.mark.parametrize("broken", [np.nan, 0.01])
def test_a_blind_scan_stops(broken: float) -> None:
    ranges = np.full(BEAMS, np.inf)
    ranges[: BEAMS // 5] = broken
    assert ready(scan_of(ranges), FORWARD).step(NOW_NS).reason is StopReason.CLEAR
    ranges[: BEAMS // 5 + 1] = broken
    assert ready(scan_of(ranges), FORWARD).step(NOW_NS).reason is StopReason.BLIND_SCAN
    assert ready(scan_of(np.zeros(0)), FORWARD).step(NOW_NS).reason is StopReason.BLIND_SCAN


def test_returns_from_as_near_as_the_lidar_measures_are_not_broken() -> None:
    ranges = np.full(BEAMS, np.inf)
    ranges[3 * BEAMS // 8 : 5 * BEAMS // 8] = scan_of(ranges).range_min_m
    guard = StopGuard(CONFIG, Pose2(0.5 * CONFIG.length_m, 0.0, 0.0))
    guard.on_scan(scan_of(ranges))
    guard.on_wanted(FORWARD, NOW_NS)
    assert guard.step(NOW_NS).reason is StopReason.BLOCKED


def test_something_far_ahead_slows_and_something_near_stops() -> None:
    slowed = ready(disc_scan(1.25, 0.0), FORWARD, CALM).step(NOW_NS)
    assert slowed.reason is StopReason.SLOWED
    assert 0.0 < slowed.twist.forward_mps < 1.0
    assert slowed.free_m == pytest.approx(1.25 - 0.2 - 0.35 - CONFIG.margin_m, abs=0.06)
    blocked = ready(disc_scan(0.7, 0.0), FORWARD).step(NOW_NS)
    assert (blocked.twist, blocked.reason) == (STOPPED, StopReason.BLOCKED)


def test_an_older_scan_leaves_less_speed() -> None:
    fresh = ready(disc_scan(1.4, 0.0), FORWARD).step(NOW_NS).twist.forward_mps
    guard = ready(disc_scan(1.4, 0.0), FORWARD)
    guard.on_wanted(FORWARD, NOW_NS + 300 * MS)
    old = guard.step(NOW_NS + 300 * MS)
    assert old.twist.forward_mps < fresh - 0.1
    guard.on_wanted(FORWARD, NOW_NS - 300 * MS)
    assert guard.step(NOW_NS - 300 * MS) == old, "and so does one that is ahead of the clock"


def test_slowing_keeps_the_arc() -> None:
    slowed = ready(disc_scan(1.4, 0.1), Twist2(1.0, 0.0, 0.2)).step(NOW_NS).twist
    assert slowed.turn_radps / slowed.forward_mps == pytest.approx(0.2)


def test_what_is_beside_or_behind_does_not_matter_ahead() -> None:
    assert ready(disc_scan(0.0, 0.8), FORWARD, CALM).step(NOW_NS).reason is StopReason.CLEAR
    assert ready(disc_scan(-0.7, 0.0), FORWARD).step(NOW_NS).reason is StopReason.CLEAR
    assert ready(disc_scan(-0.7, 0.0), Twist2(-0.5, 0.0, 0.0)).step(NOW_NS).reason is StopReason.BLOCKED


def test_a_turn_on_the_spot_stops_before_a_corner_hits() -> None:
    assert ready(disc_scan(0.0, 0.52), Twist2(0.0, 0.0, 0.8)).step(NOW_NS).reason is StopReason.BLOCKED
    assert ready(disc_scan(0.0, 1.5), Twist2(0.0, 0.0, 0.8)).step(NOW_NS).reason is StopReason.CLEAR


def test_a_body_that_already_is_close_may_move_away_but_not_nearer() -> None:
    assert ready(disc_scan(0.58, 0.0), Twist2(-0.4, 0.0, 0.0)).step(NOW_NS).reason is StopReason.CLEAR
    assert ready(disc_scan(0.58, 0.0), Twist2(0.1, 0.0, 0.0)).step(NOW_NS).reason is StopReason.BLOCKED


def test_one_lone_return_is_noise_and_two_are_not() -> None:
    ranges = np.full(BEAMS, np.inf)
    ranges[BEAMS // 2] = 0.5
    assert ready(scan_of(ranges), FORWARD).step(NOW_NS).reason is StopReason.CLEAR
    ranges[BEAMS // 2 + 40] = 0.6
    assert ready(scan_of(ranges), FORWARD).step(NOW_NS).reason is StopReason.CLEAR
    ranges[BEAMS // 2 + 1] = 0.5
    assert ready(scan_of(ranges), FORWARD).step(NOW_NS).reason is StopReason.BLOCKED


def passing(config: StopGuardConfig, wanted: Twist2, at_x_m: float, ranges_m: tuple[float, float, float]) -> Guarded:
    """What comes of something narrow on the left, as far beside the lidar as its three beams tell; that sits at ``at_x_m``."""
    ranges = np.full(BEAMS, np.inf)
    ranges[3 * BEAMS // 4 + np.array([-1, 0, 1])] = ranges_m
    guard = StopGuard(config, Pose2(at_x_m, 0.0, 0.0))
    guard.on_scan(scan_of(ranges))
    guard.on_wanted(wanted, NOW_NS)
    return guard.step(NOW_NS)


@pytest.mark.parametrize(("beside_m", "reason"), [(0.3125, StopReason.CLEAR), (0.3124, StopReason.SLOWED)])
def test_what_is_passed_at_exactly_the_margin_does_not_hold_it_up(beside_m: float, reason: StopReason) -> None:
    config = StopGuardConfig(edge_m=1e6, length_m=0.5, width_m=0.5, margin_m=0.0625, least_returns=1)
    assert passing(config, FORWARD, 1.0, (0.4, beside_m, 0.4)).reason is reason


@pytest.mark.parametrize(("beside_m", "reason"), [(0.3125, StopReason.CLEAR), (0.3124, StopReason.WARY)])
def test_somebody_who_stands_at_exactly_the_margin_does_not_slow_it(beside_m: float, reason: StopReason) -> None:
    config = StopGuardConfig(edge_m=0.05, walker_mps=0.0, length_m=0.5, width_m=0.5, margin_m=0.0625, least_returns=9)
    assert passing(config, FORWARD, 0.5, (0.4, beside_m, 0.4)).reason is reason


@pytest.mark.parametrize(("sooner_m", "reason"), [(0.001, StopReason.CLEAR), (0.2, StopReason.WARY)])
def test_somebody_who_comes_when_it_only_crawls_does_not_slow_it(sooner_m: float, reason: StopReason) -> None:
    """It is down to the speed of contact 1.25 s from now and 1.0625 m further on; by then somebody walks 2 m."""
    config = StopGuardConfig(contact_mps=0.25, latency_s=0.25)
    beside_m = 0.5 * config.width_m + config.margin_m + 1.25 * config.walker_mps - sooner_m
    assert passing(config, Twist2(1.25, 0.0, 0.0), 1.0625, (beside_m, beside_m, beside_m)).reason is reason


@pytest.mark.parametrize(("nearer_m", "reason"), [(2.0**-14, StopReason.CLEAR), (2.0**-13, StopReason.BLOCKED)])
def test_what_touches_it_may_come_nearer_by_less_than_a_tenth_of_a_millimetre(nearer_m: float, reason: StopReason) -> None:
    config = StopGuardConfig(edge_m=1e6, length_m=0.5, width_m=0.5, margin_m=0.0625, least_returns=1)
    assert passing(config, FORWARD, 0.25 + nearer_m, (0.4, 0.25, 0.4)).reason is reason


@pytest.mark.parametrize(("behind_m", "reason"), [(0.0, StopReason.WARY), (0.01, StopReason.CLEAR)])
def test_somebody_beside_its_far_end_counts_and_somebody_behind_that_does_not(behind_m: float, reason: StopReason) -> None:
    config = StopGuardConfig(length_m=2.0, least_returns=9)
    assert passing(config, Twist2(-0.5, 0.0, 0.0), 1.0 + behind_m, (0.4, 0.4, np.inf)).reason is reason


def test_driving_sideways_it_is_wary_of_both_ends_alike() -> None:
    sideways = Twist2(0.0, 1.0, 0.0)
    one, other = (ready(disc_scan(x_m, 1.3), sideways).step(NOW_NS) for x_m in (-1.0, 1.0))
    assert one.reason is StopReason.WARY
    assert 0.0 < one.twist.left_mps < 1.0
    assert one == other


def test_a_wall_within_the_margin_may_be_driven_along() -> None:
    angles = -math.pi + np.arange(BEAMS) * 2.0 * math.pi / BEAMS
    beside = np.abs(angles - 0.5 * math.pi) < 0.3
    ranges = np.full(BEAMS, np.inf)
    ranges[beside] = 0.29 / np.sin(angles[beside])
    assert ready(scan_of(ranges), FORWARD, CALM).step(NOW_NS).reason is StopReason.CLEAR


def test_the_lidar_pose_is_applied() -> None:
    guard = StopGuard(CONFIG, Pose2(0.0, 0.0, math.pi))
    guard.on_scan(disc_scan(-0.7, 0.0))
    guard.on_wanted(FORWARD, NOW_NS)
    assert guard.step(NOW_NS).reason is StopReason.BLOCKED


def test_the_estop_latches_until_both_steps_of_the_reset() -> None:
    guard = ready(open_scan(), FORWARD)
    assert not guard.arm_reset(NOW_NS)
    assert not guard.reset(NOW_NS)
    guard.estop()
    assert guard.step(NOW_NS).reason is StopReason.ESTOPPED
    assert guard.step(NOW_NS).twist == STOPPED
    assert not guard.reset(NOW_NS)
    assert guard.arm_reset(NOW_NS)
    assert guard.estopped
    assert guard.reset(NOW_NS + 10_000 * MS)
    assert not guard.estopped
    assert guard.step(NOW_NS).reason is StopReason.NO_WANTED


def test_an_armed_reset_lapses_and_a_new_estop_disarms_it() -> None:
    guard = StopGuard(CONFIG, IDENTITY2, estopped=True)
    guard.arm_reset(NOW_NS)
    assert not guard.reset(NOW_NS + 10_001 * MS)
    assert not guard.reset(NOW_NS)
    guard.arm_reset(NOW_NS)
    assert not guard.reset(NOW_NS - 1)
    guard.arm_reset(NOW_NS)
    guard.estop()
    assert not guard.reset(NOW_NS + 1)
    assert guard.estopped


speeds = st.floats(-1.5, 1.5)
turns = st.floats(-1.2, 1.2)
places = st.tuples(st.floats(0.55, 4.0), st.floats(-math.pi, math.pi), st.floats(0.05, 0.5))


def scan_with(obstacles: list[tuple[float, float, float]]) -> Scan:
    ranges = np.full(BEAMS, np.inf)
    for away, bearing, radius in obstacles:
        middle = away + radius
        disc = disc_scan(middle * math.cos(bearing), middle * math.sin(bearing), radius)
        ranges = np.minimum(ranges, disc.ranges_m)
    return scan_of(ranges)


@settings(max_examples=150, deadline=None)
@given(speed=speeds, turn=turns, obstacles=st.lists(places, max_size=4), age_ms=st.integers(0, 600))
def test_it_only_ever_slows_along_the_wanted_arc(
    speed: float, turn: float, obstacles: list[tuple[float, float, float]], age_ms: int
) -> None:
    wanted = Twist2(speed, 0.0, turn)
    guard = ready(scan_with(obstacles), wanted)
    guard.on_wanted(wanted, NOW_NS + age_ms * MS)
    got = guard.step(NOW_NS + age_ms * MS).twist
    assert abs(got.forward_mps) <= abs(speed) + 1e-12
    assert abs(got.turn_radps) <= abs(turn) + 1e-12
    assert got.forward_mps * speed >= 0.0
    assert got.turn_radps * turn >= 0.0
    assert got.forward_mps * turn == pytest.approx(got.turn_radps * speed, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(speed=speeds, turn=turns, obstacles=st.lists(places, min_size=1, max_size=4))
def test_it_can_always_stop_before_it_touches(speed: float, turn: float, obstacles: list[tuple[float, float, float]]) -> None:
    """Drive what came out for the latency, brake at the stated deceleration, and measure the gap all the way."""
    scan = scan_with(obstacles)
    got = ready(scan, Twist2(speed, 0.0, turn)).step(NOW_NS).twist
    keep = scan.supported()
    angles, ranges = scan.angles_rad()[keep], scan.ranges_m[keep]
    points, pose = np.column_stack((ranges * np.cos(angles), ranges * np.sin(angles))), IDENTITY2
    reach = math.hypot(0.35, 0.26)
    corner = abs(got.forward_mps) + abs(got.turn_radps) * reach
    start_gaps = _gaps(points)
    elapsed, step = 0.0, 0.01
    while corner > 0.0:
        share = max(0.0, 1.0 - max(0.0, elapsed - CONFIG.latency_s) * CONFIG.decel_mps2 / corner)
        if share == 0.0:
            break
        turned = got.turn_radps * share * step
        pose = pose @ Pose2(got.forward_mps * share * step, 0.0, turned)
        elapsed += step
        gaps = _gaps(pose.inverse().apply(points))
        assert np.sum((gaps < 0.0) & (gaps < start_gaps - 1e-3)) < CONFIG.least_returns


def _gaps(points: np.ndarray) -> np.ndarray:
    beyond_x, beyond_y = np.abs(points[:, 0]) - 0.35, np.abs(points[:, 1]) - 0.26
    outside = np.hypot(np.maximum(beyond_x, 0.0), np.maximum(beyond_y, 0.0))
    return np.asarray(outside + np.minimum(np.maximum(beyond_x, beyond_y), 0.0))


def box_beside(near_m: float, ends_x_m: float) -> Scan:
    """A long thing on the left of the robot's way that ends ahead."""
    angles = -math.pi + np.arange(BEAMS) * 2.0 * math.pi / BEAMS
    with np.errstate(divide="ignore"):
        ranges = np.where(np.sin(angles) > 0.0, near_m / np.sin(angles), np.inf)
    return scan_of(np.where(ranges * np.cos(angles) < ends_x_m, ranges, np.inf))


def test_it_is_wary_of_edges_near_its_way_and_of_those_only() -> None:
    near = ready(box_beside(0.7, 1.0), FORWARD).step(NOW_NS)
    assert near.reason is StopReason.WARY
    assert CONFIG.contact_mps <= near.twist.forward_mps < 0.6
    further = ready(box_beside(1.5, 1.0), FORWARD).step(NOW_NS)
    assert further.reason is StopReason.WARY
    assert near.twist.forward_mps < further.twist.forward_mps < 1.0
    assert ready(box_beside(3.0, 1.0), FORWARD).step(NOW_NS).reason is StopReason.CLEAR
    assert ready(box_beside(0.7, 1.0), FORWARD, CALM).step(NOW_NS).reason is StopReason.CLEAR


def test_it_is_not_wary_of_what_it_leaves_behind_nor_when_slow() -> None:
    assert ready(disc_scan(-0.9, 0.3), FORWARD).step(NOW_NS).reason is StopReason.CLEAR
    assert ready(disc_scan(0.9, 0.3), Twist2(-1.0, 0.0, 0.0)).step(NOW_NS).reason is StopReason.CLEAR
    assert ready(box_beside(0.7, 1.0), Twist2(CONFIG.contact_mps, 0.0, 0.0)).step(NOW_NS).reason is StopReason.CLEAR
    slow = ready(box_beside(0.7, 1.0), Twist2(0.0, 0.0, 0.5)).step(NOW_NS)
    assert slow.reason is StopReason.CLEAR


def test_an_older_scan_makes_it_warier() -> None:
    guard = ready(box_beside(1.2, 1.0), FORWARD)
    fresh = guard.step(NOW_NS).twist.forward_mps
    guard.on_wanted(FORWARD, NOW_NS + 300 * MS)
    assert guard.step(NOW_NS + 300 * MS).twist.forward_mps < fresh


def test_edges_lie_where_neighbouring_beams_part_and_reach_back_into_what_is_hidden() -> None:
    ranges = np.full(8, 5.0)
    ranges[2:4] = 2.0
    scan = Scan(
        stamp_ns=0,
        frame_id="lidar_link",
        angle_min_rad=0.0,
        angle_step_rad=math.pi / 4,
        range_min_m=0.1,
        range_max_m=40.0,
        ranges_m=ranges.astype(np.float32),
    )
    places = edges_in(scan, 0.5)
    bearings = {round(math.degrees(math.atan2(y, x))) for x, y in places}
    assert bearings == {90, 135}
    assert sorted(round(float(each), 3) for each in np.hypot(*places[:5].T)) == [2.0, 2.4, 2.8, 3.2, 3.6]
    assert len(places) == 10
    assert len(edges_in(scan, 3.0)) == 0
    shallow = np.where(ranges == 2.0, 4.4, ranges)
    close = edges_in(replace(scan, ranges_m=shallow.astype(np.float32)), 0.5)
    assert np.hypot(*close.T).max() == pytest.approx(5.0, abs=1e-5)
    open_behind = np.where(ranges == 5.0, np.inf, ranges)
    assert len(edges_in(replace(scan, ranges_m=open_behind.astype(np.float32)), 0.5)) == 10
    assert len(edges_in(replace(scan, ranges_m=np.full(8, np.nan, dtype=np.float32)), 0.5)) == 0


def test_every_return_of_something_as_narrow_as_a_person_is_a_place_to_step_out_from() -> None:
    ranges = np.full(BEAMS, 6.0)
    ranges[100:121] = 2.0
    ranges[300:420] = 2.0
    ranges[[0, 1, BEAMS - 1]] = 3.0
    places = edges_in(scan_of(ranges), 0.5)
    at_two = places[np.abs(np.hypot(*places.T) - 2.0) < 1e-5]
    assert len(at_two) == 21 + 2 + 2, "the narrow one whole, its edges once more, and only the edges of the wide one"
    at_three = places[np.abs(np.hypot(*places.T) - 3.0) < 1e-5]
    assert len(at_three) == 3 + 2, "also across the seam of the scan"
    turned = edges_in(scan_of(np.roll(ranges, 50)), 0.5)
    assert len(turned) == len(places)


def test_the_width_that_a_person_can_have_ends_at_a_metre() -> None:
    for beams, counts in ((57, True), (59, False)):
        ranges = np.full(BEAMS, 6.0)
        ranges[100 : 100 + beams] = 2.0
        places = edges_in(scan_of(ranges), 0.5)
        chord_m = 4.0 * math.sin(math.pi * (beams - 1) / BEAMS)
        assert (chord_m <= 1.0) == counts
        assert (np.sum(np.abs(np.hypot(*places.T) - 2.0) < 1e-5) > 10) == counts


def test_braking_keeps_the_speed_for_the_delay_and_then_loses_it_evenly() -> None:
    way, speed = braking(np.array([1.0, 0.5]), 0.2, 1.0, np.array([0.0, 0.2, 0.7, 1.2, 3.0]))
    assert speed == pytest.approx(np.array([[1.0, 1.0, 0.5, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0, 0.0]]))
    assert way == pytest.approx(np.array([[0.0, 0.2, 0.575, 0.7, 0.7], [0.0, 0.1, 0.225, 0.225, 0.225]]))


def test_golden_situations_come_out_as_before() -> None:
    kept = json.loads(PATH.read_text("utf-8"))
    now = rows()
    assert [row[4] for row in now] == [row[4] for row in kept]
    assert np.array([row[:4] for row in now], dtype=np.float64) == pytest.approx(
        np.array([row[:4] for row in kept], dtype=np.float64), abs=2e-6
    )
    assert {str(row[4]) for row in kept} >= {"clear", "slowed", "blocked", StopReason.WARY.value}


@pytest.mark.parametrize("seed", range(12))
def test_nobody_who_steps_out_is_touched_at_more_than_a_crawl(seed: int) -> None:
    for each in range(4):
        met = run(drawn(1000 * seed + each), CONFIG)
        assert met.contact_mps is None or met.contact_mps <= 0.25


def test_without_wariness_the_same_people_would_be_hit() -> None:
    """The scenes are hard enough to fail."""
    touched = [run(drawn(seed), CALM).contact_mps for seed in range(40)]
    assert sum(speed is not None and speed > 0.25 for speed in touched) >= 5


def test_a_jump_must_be_higher_and_a_person_may_be_as_wide_as_the_limits_say() -> None:
    step = Scan(
        stamp_ns=NOW_NS,
        frame_id="lidar_link",
        angle_min_rad=0.0,
        angle_step_rad=0.5 * math.pi,
        range_min_m=0.1,
        range_max_m=40.0,
        ranges_m=np.array([3.0, 2.5, 2.5, 3.0], dtype=np.float32),
    )
    assert len(edges_in(step, 0.5)) == 0
    assert len(edges_in(replace(step, angle_step_rad=0.1), 0.5)) == 0, "nor is it one thing as narrow as a person"
    across = replace(step, angle_step_rad=math.pi, ranges_m=np.array([0.5, 0.5, 9.0], dtype=np.float32))
    narrow = edges_in(across, 0.5)[:2]
    np.testing.assert_allclose(narrow, [[0.5, 0.0], [-0.5, 0.0]], atol=1e-9)
