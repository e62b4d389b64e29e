# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest

from mission.body import Body
from mission.controller import Control, Controller, ControllerConfig, carrot_on
from mission.costmap import Costmap, CostmapConfig
from mission.movers import MoverConfig, MoverWatch
from mission.rollouts import arc_poses, roll_out
from mission.surroundings import Mover, Surroundings, survey
from mission.sweep import sweep_from_scan
from patrol.checks import Floats
from patrol.geometry import Pose2, Twist2
from tests.mission.kinematic import FlatWorld, Walker
from tests.mission.places import depot

BODY = Body()
DT_S = 0.05
NOTHING = np.zeros((0, 2))


def around(points: Floats = NOTHING, movers: tuple[Mover, ...] = ()) -> Surroundings:
    costmap = Costmap(CostmapConfig(), depot())
    here = Pose2(-45.0, -25.0, 0.0)
    placed = tuple(
        Mover(position_m=tuple(here.apply([mover.position_m])[0]), velocity_mps=mover.velocity_mps) for mover in movers
    )
    return survey(points, here, costmap.site_clearance, placed)


def straight(length_m: float = 8.0, y_m: float = 0.0) -> Floats:
    return np.column_stack((np.arange(0.0, length_m, 0.2), np.full(int(np.ceil(length_m / 0.2)), y_m)))


def driven(path: Floats, view: Surroundings, steps: int = 60, limit: float = 1.2) -> Control:
    controller = Controller(ControllerConfig(), BODY)
    for _ in range(steps):
        control = controller.follow(path, view, speed_limit_mps=limit, dt_s=DT_S)
    return control


def post(x_m: float, y_m: float, half_m: float = 0.2) -> Floats:
    side = np.linspace(-half_m, half_m, 9)
    return np.array([(x_m + dx, y_m + dy) for dx in side for dy in side])


def test_the_discs_cover_the_body() -> None:
    corner = math.hypot(0.5 * BODY.length_m - BODY.disc_offset_m, 0.5 * BODY.width_m)
    assert corner <= BODY.disc_radius_m + 1e-9
    assert math.hypot(BODY.disc_offset_m, 0.5 * BODY.width_m) <= BODY.disc_radius_m + 1e-9
    assert BODY.circumscribed_m == pytest.approx(0.436, abs=1e-3)


def test_arcs_end_where_the_circle_says() -> None:
    poses = arc_poses(np.array([[1.0, 0.0], [1.0, 0.5], [0.0, 1.0]]), np.array([0.0, 2.0]))
    assert poses[0, 1] == pytest.approx([2.0, 0.0, 0.0])
    assert poses[1, 1] == pytest.approx([2.0 * math.sin(1.0), 2.0 * (1.0 - math.cos(1.0)), 1.0])
    assert poses[2, 1] == pytest.approx([0.0, 0.0, 2.0])


def test_a_free_straight_path_is_driven_at_the_limit_without_swinging() -> None:
    control = driven(straight(), around())
    assert control.doing == "following"
    assert control.twist == Twist2(1.2, 0.0, 0.0)


def test_the_speed_grows_no_faster_than_the_body_can() -> None:
    controller = Controller(ControllerConfig(), BODY)
    speeds = [controller.follow(straight(), around(), speed_limit_mps=1.2, dt_s=DT_S).twist.forward_mps for _ in range(10)]
    assert np.diff([0.0, *speeds]).max() <= BODY.accel_mps2 * DT_S + 1e-9


def test_a_path_behind_is_turned_to_on_the_spot_first() -> None:
    control = driven(-straight(), around(), steps=3)
    assert control.doing == "turning"
    assert control.twist.forward_mps == 0.0
    assert abs(control.twist.turn_radps) > 0.2


def test_curves_and_ends_are_driven_slower() -> None:
    bend = np.array([(math.sin(angle), 1.0 - math.cos(angle)) for angle in np.linspace(0.0, 2.5, 20)]) * 0.8
    assert driven(bend, around()).twist.forward_mps < 0.85
    assert driven(straight(0.4), around()).twist.forward_mps < 0.75


def test_a_post_on_the_path_is_passed_or_waited_for_but_never_driven_at() -> None:
    view = around(post(1.6, 0.0))
    control = driven(straight(), view)
    ahead = roll_out(np.array([[control.twist.forward_mps, control.twist.turn_radps]]), BODY, view, horizon_s=0.9, margin_m=0.0)
    assert np.isinf(ahead.free_s[0])
    assert control.doing in ("passing", "waiting")


def test_in_a_dead_end_it_waits() -> None:
    wall = np.linspace(-3.0, 3.0, 121)
    across, left = np.column_stack((np.full(121, 0.5), wall)), np.column_stack((wall, np.full(121, 0.4)))
    control = driven(straight(), around(np.vstack((across, left, left * (1.0, -1.0)))))
    assert control.doing == "waiting"
    assert control.twist == Twist2()


def test_a_person_who_will_cross_is_seen_coming() -> None:
    crossing = Mover(position_m=(2.0, -2.0), velocity_mps=(0.0, 1.0))
    standing = Mover(position_m=(2.0, -2.0), velocity_mps=(0.0, 0.0))
    straight_on = np.array([[1.0, 0.0]])
    free = roll_out(straight_on, BODY, around(movers=(standing,)), horizon_s=2.4, margin_m=0.08)
    hit = roll_out(straight_on, BODY, around(movers=(crossing,)), horizon_s=2.4, margin_m=0.08)
    assert np.isinf(free.free_s[0])
    assert 1.0 < hit.free_s[0] < 2.2


def test_near_people_it_is_slower() -> None:
    beside = Mover(position_m=(0.5, 1.6), velocity_mps=(0.3, 0.0))
    control = driven(straight(), around(movers=(beside,)))
    assert 0.0 < control.twist.forward_mps < 0.7


def test_keep_outs_that_no_lidar_sees_stop_the_arc() -> None:
    costmap = Costmap(CostmapConfig(), depot())
    here = Pose2(18.0, 18.0, 0.0)
    view = survey(NOTHING, here, costmap.site_clearance, ())
    assert view.clearance_at([(1.0, 0.0), (2.5, 0.0)]) == pytest.approx([1.0, 0.0], abs=0.25)
    assert roll_out(np.array([[1.0, 0.0]]), BODY, view, horizon_s=2.4, margin_m=0.08).free_s[0] < 2.0


def test_what_holds_the_wheels_back_is_not_wound_up() -> None:
    controller = Controller(ControllerConfig(), BODY)
    for _ in range(60):
        controller.follow(straight(), around(), speed_limit_mps=1.2, dt_s=DT_S)
    controller.feel(Twist2())
    assert controller.follow(straight(), around(), speed_limit_mps=1.2, dt_s=DT_S).twist.forward_mps <= 0.55


def test_backing_off_needs_room_behind() -> None:
    controller = Controller(ControllerConfig(), BODY)
    assert controller.back_off(around(), DT_S).twist.forward_mps < 0.0
    blocked = Controller(ControllerConfig(), BODY).back_off(around(post(-0.65, 0.0)), DT_S)
    assert blocked.twist == Twist2()


def test_the_carrot_lies_ahead_on_the_path() -> None:
    assert carrot_on(straight(), 1.5) == pytest.approx((1.5, 0.0))
    assert carrot_on(straight(1.0), 5.0) == pytest.approx((0.8, 0.0))


def watched(walkers: list[Walker], robot_mps: float, steps: int = 16) -> tuple[Mover, ...]:
    world = FlatWorld(depot(), start=Pose2(-45.0, -25.0, 0.0), seed=1, walkers=walkers)
    watch = MoverWatch(MoverConfig())
    for step in range(steps):
        if step % 2 == 0:
            watch.add(sweep_from_scan(world.scan(), world.pose))
        world.advance(Twist2(robot_mps, 0.0, 0.0))
    return watch.movers(world.now_ns)


def test_a_walker_is_found_with_its_velocity() -> None:
    walker = Walker(loop_m=np.array([(-42.0, -28.0), (-42.0, -10.0)]), speed_mps=1.2, careful=False)
    movers = watched([walker], robot_mps=0.8)
    nearest = min(movers, key=lambda mover: math.dist(mover.position_m, walker.at_m))
    assert math.dist(nearest.position_m, walker.at_m) < 0.4
    assert nearest.velocity_mps == pytest.approx((0.0, 1.2), abs=0.35)


def test_a_person_who_stands_and_the_walls_are_not_movers() -> None:
    still = Walker(loop_m=np.array([(-42.0, -25.0), (-42.0, -25.0)]), speed_mps=0.0)
    assert watched([still], robot_mps=0.8) == ()
