# SPDX-License-Identifier: Apache-2.0
"""The geofence, zones changed at run time, one-way zones, docking by the current, driving by hand, and what the tree says."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from mission.body import Body
from mission.costmap import Costmap, CostmapConfig, ZoneLayers
from mission.docking import ChargeProof, DockingConfig
from mission.executive import Executive, ExecutiveConfig
from mission.facts.fact import Fact, Observed
from mission.geofence import Geofence, GeofenceConfig
from mission.inputs import Decision, HandControl
from mission.planner import NoPlan, Plan, Planner, PlannerConfig
from mission.route import perimeter_route
from mission.store import FileStore, Store
from patrol.errors import BadValue
from patrol.geometry import IDENTITY2, STOPPED, Pose2, Twist2
from patrol.operations import Accepted, CommandKind, Mission, Mode, Refused
from patrol.sensors import Battery
from patrol.site import Site
from patrol.zone_orders import RunTimeZone, ZoneOrder, ZonesInForce, ZonesRefused
from tests.mission.fence_runs import breaches
from tests.mission.kinematic import FAR_NS, Drill, FlatWorld
from tests.mission.places import depot, rectangle, room, room_stops, waypoint

SITE = room(waypoints=room_stops())
S = 1_000_000_000


def drill(site: Site = SITE, *, store: Store | None = None, docks_after: bool = True) -> Drill:
    world = FlatWorld(site, start=site.docks[0].pose, seed=0)
    mission = Mission(mission_id="m", name="M", route=perimeter_route(site), docks_after=docks_after)
    return Drill(world, Executive(ExecutiveConfig(), site, [mission], base_from_lidar=IDENTITY2, store=store))


def reached(run: Drill, mode: Mode, limit_s: float) -> bool:
    def there(decision: Decision) -> bool:
        return decision.state.mode is mode

    return run.run(limit_s, there)


def order(*zones: RunTimeZone, revision: int = 1, expires_ns: int = FAR_NS) -> ZoneOrder:
    return ZoneOrder(order_id=f"o{revision}", revision=revision, expires_ns=expires_ns, issued_by="anna", zones=zones)


def square(name: str, x_m: float, y_m: float, half_m: float = 1.0, **more: Any) -> RunTimeZone:
    corners = tuple((x_m + a * half_m, y_m + b * half_m) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)))
    return replace(RunTimeZone(zone_id=name, kind="keep out", corners_m=corners), **more)


def test_no_robot_gets_over_the_fence_with_its_position_two_metres_wrong() -> None:
    assert breaches(room(), 120, error_m=2.0, seed=5) == 0
    assert breaches(depot(), 60, error_m=2.0, seed=5, duration_s=15.0) == 0


def test_without_the_allowance_the_same_robots_would() -> None:
    assert breaches(room(), 60, error_m=2.0, seed=5, allowed_m=0.0) > 5


@settings(max_examples=200, deadline=None)
@given(
    x=st.floats(3.0, 21.0), y=st.floats(3.0, 13.0), yaw=st.floats(-3.1, 3.1), speed=st.floats(-1.5, 1.5), turn=st.floats(-1, 1)
)
def test_the_fence_only_slows_and_leaves_room_to_stop(x: float, y: float, yaw: float, speed: float, turn: float) -> None:
    geofence = Geofence(GeofenceConfig(), Body(), room())
    pose = Pose2(x, y, yaw)
    fenced = geofence.bounded(Twist2(speed, 0.0, turn), pose, 0.1)
    assert abs(fenced.twist.forward_mps) <= abs(speed)
    assert 0.0 <= fenced.share <= 1.0
    config, v = GeofenceConfig(), fenced.twist.forward_mps
    way_m = abs(v) * config.delay_s + v * v / (2.0 * config.decel_mps2)
    along = np.linspace(0.0, 1.0, 30) * math.copysign(way_m, v)
    rate = fenced.twist.turn_radps / v if v else 0.0
    points = [pose @ Pose2(float(s * np.sinc(0.5 * rate * s / np.pi)), 0.0, 0.0) for s in along] if not rate else [pose]
    depth = geofence.depth_m(np.array([(one.x_m, one.y_m) for one in points]))
    assert depth.min() >= min(geofence.margin_m, depth[0]) - 0.03


def test_a_robot_too_near_the_fence_may_move_in_and_turn_but_not_out() -> None:
    geofence = Geofence(GeofenceConfig(), Body(), room())
    out, inwards = Pose2(1.0, 8.0, math.pi), Pose2(1.0, 8.0, 0.0)
    assert geofence.bounded(Twist2(1.0, 0.0, 0.3), out, 0.0).twist == Twist2(0.0, 0.0, 0.3)
    assert geofence.bounded(Twist2(1.0), inwards, 0.0).twist == Twist2(1.0)
    assert geofence.is_near(inwards, 0.0)
    assert not geofence.is_near(Pose2(12.0, 8.0, 0.0), 0.5)
    assert geofence.is_near(Pose2(3.4, 8.0, 0.0), 1.0), "a vaguer position keeps further away"
    assert geofence.is_outside(Pose2(-1.0, 8.0, 0.0))
    assert not geofence.is_outside(Pose2(-0.3, 8.0, 0.0))


def test_a_mission_that_the_fence_makes_impossible_is_refused_with_the_reason() -> None:
    site = room(waypoints=(*room_stops(), waypoint("E", 0.8, 8.0, 4)))
    answer = drill(site).order(CommandKind.START, "m")
    assert isinstance(answer, Refused)
    assert answer.because.startswith("waypoint E: nearer to the perimeter than the geofence allows (2.4 m")


def test_new_zones_are_acknowledged_once_and_older_ones_refused() -> None:
    run = drill()
    run.step()
    first = order(square("pit", 12.0, 13.0))
    assert run.executive.accept_zones(first, S) == ZonesInForce(order_id="o1", revision=1)
    assert run.executive.accept_zones(first, S) == ZonesInForce(order_id="o1", revision=1)
    other = order(square("hole", 12.0, 3.0))
    answer = run.executive.accept_zones(other, S)
    assert isinstance(answer, ZonesRefused)
    assert (answer.revision, "revision 1 is in force" in answer.because) == (1, True)
    late = run.executive.accept_zones(order(revision=2, expires_ns=S), 2 * S)
    assert late == ZonesRefused(order_id="o2", revision=1, because="the order has expired")
    crossed = RunTimeZone(zone_id="x", kind="keep out", corners_m=((0.0, 0.0), (2.0, 2.0), (2.0, 0.0), (0.0, 2.0)))
    bad = run.executive.accept_zones(order(crossed, revision=3), S)
    assert bad == ZonesRefused(order_id="o3", revision=1, because="the outline crosses itself: x")


@pytest.mark.parametrize(
    "more",
    [{"limit_mps": 1.0}, {"kind": "slow"}, {"kind": "one way"}, {"kind": "moat"}, {"corners_m": ((0.0, 0.0), (1.0, 0.0))},
     {"corners_m": ((0.0, 0.0), (1.0, 0.0), (math.nan, 1.0))}, {"kind": "slow", "limit_mps": -1.0}, {"when_inside": "jump"}],
)  # fmt: skip
def test_a_zone_that_makes_no_sense_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(BadValue):
        square("z", 0.0, 0.0, **more)


def test_a_new_keep_out_on_the_way_is_driven_around() -> None:
    run = drill()
    run.order(CommandKind.START, "m")
    run.run(4.0, lambda _: False)
    zone = square("hole", 12.5, 3.0, 0.8)
    assert isinstance(run.executive.accept_zones(order(zone), run.world.now_ns), ZonesInForce)
    assert run.run(90.0, lambda _: len(run.outcomes) == 1)
    assert run.outcomes[0].outcome == "reached"
    area = Polygon(zone.corners_m)
    assert not any(area.contains(Point(place)) for place in run.trail_m)


def test_a_robot_inside_a_new_keep_out_says_so_leaves_and_does_not_come_back() -> None:
    run = drill()
    run.order(CommandKind.START, "m")
    run.run(8.0, lambda _: False)
    here = run.world.pose
    zone = square("hole", here.x_m, here.y_m, 1.2)
    answer = run.executive.accept_zones(order(zone), run.world.now_ns)
    assert answer == ZonesInForce(
        order_id="o1", revision=1, inside=("hole",), exit_by="It stands in hole and leaves by the shortest way."
    )
    decision = run.step()
    assert decision.state.why.startswith("Leaving hole, which was closed to the robot: ")
    area = Polygon(zone.corners_m)
    assert run.run(25.0, lambda _: not area.contains(Point(run.world.pose.x_m, run.world.pose.y_m)))
    left = len(run.trail_m)
    run.run(20.0, lambda _: False)
    assert not any(area.buffer(-0.1).contains(Point(place)) for place in run.trail_m[left:])


def test_a_robot_told_to_hold_inside_a_new_keep_out_does_until_it_is_lifted() -> None:
    run = drill()
    run.order(CommandKind.START, "m")
    run.run(8.0, lambda _: False)
    zone = square("hole", run.world.pose.x_m, run.world.pose.y_m, 1.5, when_inside="hold")
    answer = run.executive.accept_zones(order(zone), run.world.now_ns)
    assert isinstance(answer, ZonesInForce)
    assert answer.exit_by == "It stands in hole and holds there."
    assert reached(run, Mode.HELD, 1.0)
    assert run.step().state.why == "Held: The robot stands where it must not be (hole)."
    run.executive.accept_zones(order(revision=2), run.world.now_ns)
    assert reached(run, Mode.PATROLLING, 2.0)


def test_zones_outlive_the_process(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "state.json")
    run = drill(store=store)
    first = order(square("pit", 12.0, 13.0), square("s", 20.0, 8.0, kind="slow", limit_mps=0.3))
    run.executive.accept_zones(first, S)
    again = drill(store=store)
    assert again.executive.accept_zones(first, S) == ZonesInForce(order_id="o1", revision=1)
    assert isinstance(again.executive.accept_zones(order(), S), ZonesRefused)


def test_a_slow_zone_slows_and_a_one_way_zone_is_entered_one_way_only() -> None:
    costmap = Costmap(CostmapConfig(), room())
    lane = rectangle(8.0, 0.0, 16.0, 6.0)
    costmap.set_zones(ZoneLayers(slow=((lane, 0.3),)))
    assert costmap.speed_limit_at(Pose2(12.0, 3.0, 0.0)) == pytest.approx(0.3)
    costmap.set_zones(ZoneLayers(one_way=((lane, 0.0),)))
    assert costmap.speed_limit_at(Pose2(12.0, 3.0, 0.0)) == math.inf
    planner, field = Planner(PlannerConfig()), costmap.field(0)
    east = planner.plan(field, Pose2(4.0, 3.0, 0.0), Pose2(20.0, 3.0, 0.0))
    west = planner.plan(field, Pose2(20.0, 3.0, 0.0), Pose2(4.0, 3.0, 0.0))
    assert isinstance(east, Plan)
    assert isinstance(west, Plan)
    assert max(y for _, y in east.path_m) < 6.0
    assert max(y for _, y in west.path_m) > 10.0, "against the lane it goes around the block"
    steps = np.diff(west.path_m, axis=0)
    inside = [lane.buffer(-0.3).contains(Point(place)) for place in west.path_m[:-1]]
    assert not any(step[0] < -0.02 for step, here in zip(steps, inside, strict=True) if here)
    shut = rectangle(8.0, 0.0, 16.0, 16.0)
    costmap.set_zones(ZoneLayers(one_way=((shut, 0.0),)))
    assert isinstance(planner.plan(costmap.field(0), Pose2(20.0, 3.0, 0.0), Pose2(4.0, 3.0, 0.0)), NoPlan)


def reports(*currents_a: float, since_ns: int = 0) -> list[Battery]:
    return [
        Battery(stamp_ns=since_ns + index * S, charge=0.5, voltage_v=25.0, current_a=current)
        for index, current in enumerate(currents_a)
    ]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((-4.0, -5.0), (3.0, 3.0, 3.0), "charging"),
        ((-4.0, -5.0), (-1.0, -1.0, -1.0), "not charging"),
        ((-4.0, -5.0), (0.1, 0.1, 0.1), "not charging"),
        ((-4.0, -5.0), (3.0, -1.0, 3.0), "not charging"),
        ((3.0, 3.0), (3.0, 3.0, 3.0), "not charging"),
        ((), (3.0, 3.0), "charging"),
        ((-4.0,), (), "no battery reports"),
    ],
)
def test_only_a_current_that_rises_and_stays_proves_charging(
    before: tuple[float, ...], after: tuple[float, ...], verdict: str
) -> None:
    proof = ChargeProof(DockingConfig())
    for report in reports(*before):
        proof.hear(report)
    assert proof.verdict(5 * S) == "waiting"
    proof.arrive(5 * S)
    for report in reports(*after, since_ns=6 * S):
        proof.hear(report)
        proof.hear(report)
    assert proof.verdict(13 * S + 1) == verdict
    proof.leave()
    assert proof.verdict(99 * S) == "waiting"


def test_a_dead_socket_is_tried_again_and_then_told() -> None:
    run = drill()
    run.socket_is_live = False
    run.order(CommandKind.START, "m")
    assert run.run(60.0, lambda _: len(run.outcomes) == 1)
    run.order(CommandKind.DOCK)
    seen: set[str] = set()

    def gave_up(decision: Decision) -> bool:
        seen.add(decision.state.why)
        return decision.state.mode is Mode.IDLE

    assert run.run(150.0, gave_up)
    assert run.step().state.why == "Idle. At the dock, but no charging current came in 3 attempts."
    words = " ".join(seen)
    assert "waiting for the current to rise (attempt 1 of 3)" in words
    assert "Backing off to dock again (attempt 2 of 3)" in words


def test_a_marker_moves_the_dock() -> None:
    run = drill()
    run.more["map_from_dock"] = Pose2(4.5, 3.0, 0.0)
    run.world.pose = Pose2(9.0, 3.0, math.pi)
    run.order(CommandKind.DOCK)
    run.run(15.0, lambda decision: "Standing at the dock" in decision.state.why)
    assert run.world.pose.distance_to(Pose2(4.5, 3.0, 0.0)) < 0.5


def test_a_robot_driven_by_hand_goes_where_it_is_told_until_the_hand_falls_silent() -> None:
    run = drill()
    assert isinstance(run.order(CommandKind.TELEOP), Accepted)
    for _ in range(20):
        assert run.step().state.mode is Mode.TELEOP
    for _ in range(60):
        run.steer(Twist2(0.6))
        decision = run.step()
    assert decision.state.mode is Mode.TELEOP
    assert run.world.twist.forward_mps == pytest.approx(0.6)
    assert decision.state.why == "Driven by hand by anna."
    assert run.run(0.36, lambda decision: decision.twist == STOPPED)
    assert run.step().state.why.startswith("The hand control is silent")
    run.steer(Twist2(0.6))
    assert run.step().twist == STOPPED, "a new word of the hand does not set a paused robot moving"


def test_a_hand_control_that_never_begins_ends_in_a_pause_and_words_from_before_do_not_count() -> None:
    run = drill()
    run.more["teleop"] = HandControl(twist=Twist2(1.0), stamp_ns=0)
    run.order(CommandKind.TELEOP)
    assert run.step().twist == STOPPED
    assert not reached(run, Mode.PAUSED, 2.8)
    assert reached(run, Mode.PAUSED, 0.5)
    assert run.trail_m[-1] == pytest.approx((SITE.docks[0].pose.x_m, SITE.docks[0].pose.y_m))


def test_a_safety_stop_waits_for_a_person_also_after_a_restart(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "state.json")
    run = drill(store=store)
    run.order(CommandKind.START, "m")
    run.run(5.0, lambda _: False)
    run.facts = (Observed(fact=Fact.TIPPED),)
    assert reached(run, Mode.HELD, 1.0)
    run.executive = drill(store=store).executive
    run.facts = ()
    assert reached(run, Mode.PAUSED, 2.0)
    run.run(20.0, lambda _: False)
    assert run.step().state.why == "The robot has tipped over. That is over; waiting to be resumed."
    assert run.world.twist.forward_mps == 0.0
    run.order(CommandKind.RESUME)
    assert run.run(60.0, lambda _: len(run.outcomes) == 1)


def test_a_lost_link_holds_after_the_leg_and_docks_after_ten_seconds() -> None:
    run = drill()
    run.more["link_up"] = True
    run.order(CommandKind.START, "m")
    run.run(60.0, lambda _: run.world.pose.distance_to(Pose2(20.0, 3.0, 0.0)) < 3.5)
    run.more["link_up"] = False
    lost_ns = run.world.now_ns
    assert reached(run, Mode.HELD, 8.0)
    assert [one.outcome for one in run.outcomes] == ["reached"]
    assert run.step().state.why == "Held: The link to the command centre is lost."
    assert reached(run, Mode.DOCKING, 12.0)
    assert (run.world.now_ns - lost_ns) / 1e9 == pytest.approx(10.0, abs=1.0)
    assert reached(run, Mode.DOCKED, 60.0)


def test_the_tree_can_be_printed_and_every_node_that_ran_has_a_reason() -> None:
    run = drill()
    run.order(CommandKind.START, "m")
    run.step()
    text = run.executive.behaviours
    for words in ("robot", "patrolling?", "drive the leg", "dock and prove that it charges", "follow the hand control"):
        assert words in text
    ran = [line for line in text.splitlines() if line.rstrip().endswith(("✓", "✕")) or "-- " in line]
    assert len(ran) >= 8
    assert all("-- " in line for line in ran)
    assert "Turning towards waypoint A (leg 1 of 3, lap 1 of 1)." in text or "Driving to waypoint A" in text
