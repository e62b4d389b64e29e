# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from mission.attending.attendant import Attendant
from mission.attending.bearings import Bearings
from mission.attending.config import AttendConfig, InspectConfig, LookConfig, SearchConfig
from mission.attending.errand import Ground
from mission.attending.outline import Outline, outline_of
from mission.attending.search import best_look
from mission.attending.standpoints import Standpoints
from mission.attending.views import next_view
from mission.body import Body
from mission.costmap import Costmap, CostmapConfig
from mission.executive import Executive, ExecutiveConfig
from mission.inputs import Decision
from mission.navigator import Navigator, NavigatorConfig
from mission.route import perimeter_route
from patrol.belief import Belief
from patrol.clock import nanoseconds
from patrol.geometry import IDENTITY2, Pose2
from patrol.grid import OccupancyGrid
from patrol.inspection import InspectionState
from patrol.operations import Attends, CommandKind, Mission
from patrol.percepts import Alert, GroundPosition, Label, Reason, Severity, Track
from patrol.site import Site
from tests.mission.kinematic import Drill, FlatWorld
from tests.mission.places import rectangle, room, room_stops

SITE = room(waypoints=room_stops())
OPEN = replace(SITE, buildings=())


def ground_at(x_m: float, y_m: float, speed_mps: float = 0.0) -> GroundPosition:
    return GroundPosition(
        position_m=np.array((x_m, y_m)), velocity_mps=np.array((speed_mps, 0.0)), covariance_m2=0.04 * np.eye(2)
    )


def alert(
    x_m: float,
    y_m: float,
    label: Label = Label.PERSON,
    *,
    track_id: int = 5,
    speed_mps: float = 0.0,
    severity: Severity = "critical",
) -> Alert:
    return Alert(
        alert_id=f"a{track_id}",
        stamp_ns=1,
        severity=severity,
        reason=Reason(rule="r", sentence="s", thresholds=(), nearest_change="n"),
        zone_id="z",
        track_id=track_id,
        label=label,
        ground=ground_at(x_m, y_m, speed_mps),
        position_uncertain=False,
        incident_id=f"i{track_id}",
    )


def belief(*cells: tuple[float, float, float], now_ns: int = nanoseconds(9.0), track_id: int = 5) -> Belief:
    rows = np.array(cells)
    return Belief(
        track_id=track_id,
        label=Label.PERSON,
        stamp_ns=now_ns,
        last_seen_ns=now_ns - nanoseconds(4.0),
        cell_m=1.0,
        centres_m=rows[:, :2],
        mass=rows[:, 2],
    )


def track(x_m: float, y_m: float, now_ns: int, track_id: int = 5) -> Track:
    return Track(
        track_id=track_id,
        label=Label.PERSON,
        state="confirmed",
        stamp_ns=now_ns,
        first_seen_ns=1,
        last_seen_ns=now_ns,
        hits=9,
        score=0.9,
        box=None,
        ground=ground_at(x_m, y_m),
    )


def drill(
    site: Site = SITE, *, attends: tuple[Attends, ...] = ("search", "inspect"), config: AttendConfig | None = None
) -> Drill:
    world = FlatWorld(site, start=site.docks[0].pose, seed=0)
    mission = Mission(mission_id="m", name="M", route=perimeter_route(site), attends=attends)
    executive = Executive(ExecutiveConfig(attend=config or AttendConfig()), site, [mission], base_from_lidar=IDENTITY2)
    run = Drill(world, executive)
    run.order(CommandKind.START, "m")
    return run


QUICK = AttendConfig(inspect=InspectConfig(look_s=0.2), look=LookConfig(speed_mps=1.4, turn_radps=1.2))
"""Shorter looks: what is tested is where from."""


def standpoints(site: Site = SITE) -> Standpoints:
    costmap = Costmap(CostmapConfig(), site)
    return Standpoints(costmap.field(0), costmap.obstacles(0), Pose2(3.0, 3.0, 0.0))


def inspected(run: Drill, raised: Alert, limit_s: float = 280.0) -> InspectionState:
    """Raise the alert and drive until the inspection has ended."""
    run.more["alerts"] = (raised,)
    has_ended = _has_ended(run.step())
    run.more["alerts"] = ()
    assert has_ended or run.run(limit_s, _has_ended)
    assert run.decision is not None
    assert run.decision.inspection is not None
    return run.decision.inspection


def _has_ended(decision: Decision) -> bool:
    return decision.inspection is not None and decision.inspection.phase == "ended"


def thing(x_m: float, y_m: float, half_m: float = 0.25) -> Polygon:
    return rectangle(x_m - half_m, y_m - half_m, x_m + half_m, y_m + half_m)


@given(st.lists(st.floats(-10.0, 10.0), min_size=1, max_size=20), st.floats(0.05, 1.4))
def test_what_looks_add_is_what_was_said_before(bearings: list[float], half_rad: float) -> None:
    seen = Bearings(half_rad)
    for bearing in bearings:
        before, gain = seen.seen_rad, float(seen.gains_rad(np.array([bearing]))[0])
        seen.mark(bearing)
        assert seen.seen_rad == pytest.approx(before + gain)
        assert seen.gains_rad(np.array([bearing]))[0] == 0.0
    assert min(2.0 * half_rad, 2.0 * math.pi) - 0.02 <= seen.seen_rad <= 2.0 * math.pi + 1e-9


def test_bearings_join_across_the_half_turn() -> None:
    seen = Bearings(math.radians(25.0))
    for bearing_deg in (170.0, -170.0):
        seen.mark(math.radians(bearing_deg))
    assert math.degrees(seen.seen_rad) == pytest.approx(70.0, abs=1.0)


def test_what_can_be_driven_to_and_what_is_in_the_way() -> None:
    ground = standpoints()
    assert ground.is_reachable(np.array([[20.0, 13.0], [12.0, 8.0], [40.0, 3.0]])).tolist() == [True, False, False]
    places, targets = np.array([[3.0, 8.0], [12.0, 3.0]]), np.array([[21.0, 8.0], [12.0, 13.0], [3.0, 3.0]])
    assert ground.sees(places, targets).tolist() == [[False, True, True], [True, False, True]]
    around_m, straight_m = ground.way_m(np.array([[21.0, 8.0], [12.0, 3.0]]))
    assert straight_m == pytest.approx(9.0, abs=1.5)
    assert 18.0 < around_m < 30.0
    assert np.isinf(ground.way_m(np.array([[12.0, 8.0]]))).all()


def test_a_look_may_end_short_of_a_target_that_stands_there_itself() -> None:
    ground = standpoints()
    place, middle = np.array([[4.0, 8.0]]), np.array([[12.0, 8.0]])
    assert not ground.sees(place, middle).any()
    assert ground.sees(place, middle, 3.6).all()


def test_the_best_look_shows_the_most_of_the_belief_for_the_way() -> None:
    far = belief((20.0, 8.0, 0.45), (21.0, 8.0, 0.45), (4.0, 13.0, 0.1))
    found = best_look(far, standpoints(), AttendConfig())
    assert found is not None
    assert found.mass >= 0.8
    at = np.array((found.pose.x_m, found.pose.y_m))
    assert standpoints().sees(at[None], np.array([[20.0, 8.0], [21.0, 8.0]]), 0.4).all()
    assert abs(math.remainder(math.atan2(8.0 - at[1], 20.5 - at[0]) - found.pose.yaw_rad, 2 * math.pi)) < 0.6
    near = belief((20.0, 8.0, 0.3), (6.0, 3.5, 0.6))
    close = best_look(near, standpoints(), AttendConfig())
    assert close is not None
    assert math.hypot(close.pose.x_m - 3.0, close.pose.y_m - 3.0) < 6.0


def test_no_place_is_worth_it_when_nothing_can_be_seen() -> None:
    assert best_look(belief((12.0, 8.0, 1.0)), standpoints(), AttendConfig()) is None
    picky = AttendConfig(search=SearchConfig(mass_least=0.9))
    assert best_look(belief((20.0, 8.0, 0.5), (4.0, 13.0, 0.5)), standpoints(), picky) is None


def test_a_lost_person_is_looked_for_where_the_belief_is_and_the_round_goes_on() -> None:
    run = drill()
    run.run(3.0, lambda _: False)
    run.more |= {"alerts": (alert(20.0, 8.0),), "beliefs": (belief((20.0, 8.0, 0.9)),)}
    decision = run.step()
    run.more["alerts"] = ()
    assert "place to look at where the person may be from" in decision.state.why
    assert run.run(60.0, lambda d: "Looking at where the person may be" in d.state.why)
    assert run.run(5.0, lambda _: abs(run.world.twist.turn_radps) < 0.01)
    pose = run.world.pose
    off_rad = math.remainder(math.atan2(8.0 - pose.y_m, 20.0 - pose.x_m) - pose.yaw_rad, 2 * math.pi)
    assert abs(off_rad) < 0.6
    assert run.outcomes == []
    run.more["beliefs"] = ()
    assert run.run(10.0, lambda d: "The search is over" in d.state.why)
    assert "waypoint A" in run.step().state.why
    assert run.world.contact_speeds_mps == []


def test_a_person_in_sight_is_watched_and_found_again_under_a_new_number() -> None:
    run = drill(config=AttendConfig(search=SearchConfig(watch_s=5.0)))
    run.more |= {"alerts": (alert(3.0, 9.0),), "tracks": (track(3.0, 9.0, run.world.now_ns),)}
    run.step()
    run.more["alerts"] = ()
    assert run.run(5.0, lambda _: abs(math.remainder(run.world.pose.yaw_rad - math.pi / 2, 2 * math.pi)) < 0.2)
    run.more["tracks"] = (track(3.5, 9.5, run.world.now_ns, track_id=77),)
    assert run.step().state.why.startswith("Watching the person")
    assert run.run(8.0, lambda d: "The search is over: the person was watched for 5 s" in d.state.why)


@pytest.mark.parametrize(
    ("raised", "attends"),
    [
        (alert(20.0, 8.0), ("inspect",)),
        (alert(20.0, 8.0, Label.OBJECT), ("search",)),
        (alert(20.0, 8.0, severity="info"), ("search", "inspect")),
        (alert(20.0, 8.0, Label.ANIMAL), ("search", "inspect")),
        (alert(20.0, 8.0), ()),
    ],
)
def test_an_alert_that_the_mission_does_not_attend_to_changes_nothing(raised: Alert, attends: tuple[Attends, ...]) -> None:
    run = drill(attends=attends)
    run.more["alerts"] = (raised,)
    assert run.step().state.why == "Driving to waypoint A (leg 1 of 3, lap 1 of 1)."


def test_one_incident_is_attended_to_once_and_a_search_has_its_time() -> None:
    run = drill(config=AttendConfig(search=SearchConfig(longest_s=4.0)))
    run.more |= {"alerts": (alert(20.0, 8.0),), "beliefs": (belief((20.0, 8.0, 0.9)),)}
    assert run.run(6.0, lambda d: "The search is over: not found within 4 s" in d.state.why)
    assert "waypoint A" in run.step().state.why


def test_a_thing_in_the_open_is_seen_from_all_that_was_wanted() -> None:
    run = drill(OPEN, config=QUICK)
    run.world.extra = [thing(12.0, 8.0)]
    state = inspected(run, alert(12.2, 7.9, Label.OBJECT))
    assert state.is_whole
    assert state.because == ""
    assert state.seen_deg >= 270.0
    assert np.hypot(*(state.position_m - (12.0, 8.0))) < 0.3
    assert run.world.contact_speeds_mps == []
    around = np.array(run.trail_m) - (12.0, 8.0)
    assert np.hypot(*around.T).min() > 1.2
    turned = np.unwrap(np.arctan2(around[:, 1], around[:, 0]))
    assert math.degrees(turned.max() - turned.min()) > 180.0
    assert "waypoint A" in run.step().state.why


def looked_all_around(outline: Outline, ground: Standpoints) -> tuple[float, str]:
    """Degrees seen once there is no other place to look from, and why there is none."""
    seen, config = Bearings(InspectConfig().half_width_rad), InspectConfig()
    while (found := next_view(outline, seen, ground, config, ())).pose is not None:
        seen.mark(math.atan2(found.pose.y_m - outline.middle_m[1], found.pose.x_m - outline.middle_m[0]))
    return math.degrees(seen.seen_rad), found.because


def test_a_thing_against_a_wall_is_seen_in_part_and_the_reason_is_named() -> None:
    behind_deg, because = looked_all_around(Outline(middle_m=np.array((12.0, 5.6)), radius_m=0.4), standpoints())
    assert 90.0 < behind_deg < 270.0
    assert "can be reached" in because or "in between" in because
    free_deg, _ = looked_all_around(Outline(middle_m=np.array((12.0, 5.6)), radius_m=0.4), standpoints(OPEN))
    assert free_deg == pytest.approx(360.0, abs=4.0)


def test_places_that_could_not_be_reached_are_not_tried_again() -> None:
    ground, seen = standpoints(OPEN), Bearings(InspectConfig().half_width_rad)
    outline = Outline(middle_m=np.array((12.0, 8.0)), radius_m=0.4)
    first = next_view(outline, seen, ground, InspectConfig(), ()).pose
    assert first is not None
    spoilt = np.array((first.x_m, first.y_m))
    second = next_view(outline, seen, ground, InspectConfig(), (spoilt,)).pose
    assert second is not None
    assert math.hypot(second.x_m - spoilt[0], second.y_m - spoilt[1]) > 0.8


def test_a_thing_that_can_not_be_come_near_to_has_a_result_as_well() -> None:
    run = drill()
    state = inspected(run, alert(12.0, 8.0, Label.OBJECT), 30.0)
    assert state.seen_deg == 0.0
    assert "no place can be reached" in state.because or "in between" in state.because


def test_the_outline_is_that_of_what_stands_together_where_the_alert_is() -> None:
    cells = np.zeros((160, 240), dtype=np.int8)
    cells[71:90, 100:145] = 100
    cells[20:24, 40:44] = 100
    costmap = Costmap(CostmapConfig(), OPEN)
    costmap.set_grid(OccupancyGrid(stamp_ns=0, resolution_m=0.1, origin_x_m=0.0, origin_y_m=0.0, cells=cells))
    ground = Ground(costmap)
    van = outline_of(alert(11.0, 7.5, Label.VEHICLE), None, ground, InspectConfig(), 0)
    assert np.hypot(*(van.middle_m - (12.25, 8.05))) < 0.5
    assert 2.0 < van.radius_m < 2.8
    box = outline_of(alert(4.5, 2.0, Label.OBJECT), None, ground, InspectConfig(), 0)
    assert np.hypot(*(box.middle_m - (4.2, 2.2))) < 0.3
    assert box.radius_m < 0.6
    nothing = outline_of(alert(20.0, 12.0, Label.OBJECT), None, ground, InspectConfig(), 0)
    assert nothing.middle_m.tolist() == [20.0, 12.0]
    assert outline_of(alert(20.0, 12.0, Label.OBJECT), box, ground, InspectConfig(), 0).radius_m == box.radius_m


def test_what_moves_is_not_inspected() -> None:
    moving = drill(OPEN, attends=("inspect",))
    moving.more["alerts"] = (alert(11.0, 7.5, Label.VEHICLE, speed_mps=2.0),)
    assert "waypoint A" in moving.step().state.why


def test_a_person_breaks_an_inspection_off_and_that_is_told() -> None:
    run = drill(OPEN, config=QUICK)
    run.world.extra = [thing(12.0, 8.0)]
    run.more["alerts"] = (alert(12.0, 8.0, Label.OBJECT, track_id=9),)
    run.step()
    run.more["alerts"] = ()
    run.run(3.0, lambda _: False)
    run.more |= {"alerts": (alert(20.0, 12.0),), "beliefs": (belief((20.0, 12.0, 0.9)),)}
    decision = run.step()
    assert decision.inspection is not None
    assert decision.inspection.phase == "ended"
    assert decision.inspection.because.endswith("somebody had to be looked for")
    assert "where the person may be" in decision.state.why


def test_an_abort_leaves_everything_that_waited() -> None:
    run = drill(OPEN)
    run.more["alerts"] = (alert(12.0, 8.0, Label.OBJECT),)
    run.step()
    run.more["alerts"] = ()
    run.order(CommandKind.ABORT)
    ended = run.step().inspection
    assert ended is not None
    assert "the robot is idle" in ended.because
    run.order(CommandKind.START, "m")
    assert "waypoint A" in run.step().state.why


def test_no_more_wait_than_the_bound(caplog: pytest.LogCaptureFixture) -> None:
    costmap = Costmap(CostmapConfig(), SITE)
    attendant = Attendant(AttendConfig(waiting_most=2), costmap, Navigator(NavigatorConfig(), Body(), costmap))
    attendant.hear((alert(1.0, 1.0, Label.OBJECT, track_id=index) for index in range(6)), ("inspect",))
    assert attendant.is_busy
    with caplog.at_level(logging.INFO):
        attendant.leave(1, "the robot is idle")
    assert [record.args for record in caplog.records] == [("a4", "the robot is idle"), ("a5", "the robot is idle")]
    assert not attendant.is_busy


@settings(max_examples=10, deadline=None)
@given(st.floats(8.0, 16.0), st.floats(5.0, 11.0))
def test_every_look_is_from_a_place_that_can_be_driven_to(x_m: float, y_m: float) -> None:
    ground, seen = standpoints(OPEN), Bearings(InspectConfig().half_width_rad)
    outline = Outline(middle_m=np.array((x_m, y_m)), radius_m=0.4)
    for _ in range(12):
        found = next_view(outline, seen, ground, InspectConfig(), ())
        if found.pose is None:
            break
        place = np.array([[found.pose.x_m, found.pose.y_m]])
        assert ground.is_reachable(place).all()
        away = place[0] - outline.middle_m
        assert np.hypot(*away) >= 0.4 + 2.0 - 1e-6
        seen.mark(math.atan2(away[1], away[0]))
    assert math.degrees(seen.seen_rad) >= 270.0
