# SPDX-License-Identifier: Apache-2.0
"""Lifts: the robot calls, waits, enters, rides and leaves on the right floor; whatever goes wrong ends in time and has a name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from shapely import affinity
from shapely.geometry import Point

from patrol.clock import nanoseconds
from patrol.geometry import Pose2
from patrol.lifts import LiftRequest
from sim.lifts import LiftFault, LiftTimes, SimulatedLifts
from tests.mission.places import waypoint
from tests.mission.storeys import LIFT, Ride, storeys

QUICK = LiftTimes(door_s=1.0, floor_s=2.0)
BEFORE = Pose2(16.5, 4.5, 0.0)
HIGH = replace(waypoint("HIGH", 17.0, 3.0, 1), floor=1)
LOW = waypoint("LOW", 17.0, 3.0, 2)
FAR = replace(LIFT, lift_id="far", name="Far lift", outline=affinity.translate(LIFT.outline, yoff=-3.0))


def one_floor_up(fault: LiftFault | None = None, *, wait_s: float = 25.0) -> Ride:
    """A robot before the lift with a stop upstairs and then one downstairs."""
    lift = replace(LIFT, wait_s=wait_s, ride_s=wait_s)
    faults = {} if fault is None else {"lift": fault}
    lifts = SimulatedLifts([lift], times=QUICK, faults=faults)
    return Ride(lifts, site=storeys(lifts=(lift,), stops=(HIGH, LOW)), start=BEFORE)


def test_a_patrol_over_two_floors_rides_both_ways_and_touches_nothing() -> None:
    ride = Ride(SimulatedLifts([LIFT]))
    assert ride.until_settled(3, 300.0) == [("LOW", "reached"), ("HIGH", "reached"), ("HOME", "reached")]
    assert ride.world.contact_speeds_mps == []
    assert (ride.world.rides, ride.world.level) == (2, 0.0)
    said = [request for request in ride.asked if request.wish == "end"]
    assert [request.level for request in said] == [1, 0], "each ride frees the lift once the robot is out"


@pytest.mark.parametrize(
    ("fault", "because"),
    [
        ("silent", "Lift could not be entered within 8 s; it says nothing"),
        ("people inside", "Lift could not be entered within 8 s; it serves people"),
        ("door stays open", "Lift did not bring the robot to floor 1 within 8 s; it stands at floor 0 with its doors open"),
        ("wrong floor", "Lift did not bring the robot to floor 1 within 8 s; it stands at floor 0 with its doors open"),
    ],
)
def test_a_lift_that_fails_costs_the_stop_upstairs_and_no_more(fault: LiftFault, because: str) -> None:
    ride = one_floor_up(fault, wait_s=8.0)
    assert ride.until_settled(2, 120.0) == [("HIGH", "missed"), ("LOW", "reached")]
    assert ride.run.outcomes[0].because == because
    assert ride.world.contact_speeds_mps == []


def test_a_lift_that_stays_where_it_is_is_given_up_and_freed() -> None:
    ride = one_floor_up(wait_s=8.0)
    ride.lifts.ask(LiftRequest(stamp_ns=ride.world.now_ns, lift_id="lift", session="other", wish="come", level=1))
    ride.lifts.states(ride.world.now_ns + nanoseconds(4.0))
    ride.world.now_ns += nanoseconds(20.0)
    ride.lifts.set_fault("lift", "never comes")
    assert ride.until_settled(2, 120.0)[0] == ("HIGH", "missed")
    assert ride.run.outcomes[0].because.startswith("Lift could not be entered within 8 s; it ")
    assert "floor 1" in ride.run.outcomes[0].because
    assert ride.asked[-1].wish == "end"


def test_a_robot_that_is_stuck_between_floors_says_so_leg_by_leg_and_gets_out_when_the_lift_goes_on() -> None:
    ride = one_floor_up("stuck between floors", wait_s=12.0)
    assert ride.until_settled(1, 120.0) == [("HIGH", "missed")]
    assert (
        ride.run.outcomes[0].because == "Lift did not bring the robot to floor 1 within 12 s; it is stuck, floor 0 was the last"
    )
    ride.lifts.set_fault("lift", None)
    assert ride.until_settled(2, 120.0)[1] == ("LOW", "reached")
    assert ride.world.contact_speeds_mps == []


def test_another_lift_is_taken_when_one_does_not_come() -> None:
    near = replace(LIFT, wait_s=6.0)
    lifts = SimulatedLifts([near, FAR], times=QUICK, faults={"lift": "silent"})
    ride = Ride(lifts, site=storeys(lifts=(near, FAR), stops=(HIGH, LOW)), start=BEFORE)
    assert ride.until_settled(1, 120.0) == [("HIGH", "reached")]
    assert any(why.startswith("In Far lift to floor 1") for why in ride.why)


def test_the_robot_waits_for_somebody_inside_to_get_out() -> None:
    ride = one_floor_up()
    ride.world.things = [Point(21.2, 4.5).buffer(0.25)]
    for _ in range(round(7.0 / 0.05)):
        ride.step()
    assert "somebody or something is in it" in ride.why[-1]
    assert ride.world.pose.x_m < LIFT.outline.bounds[0] - 0.5
    ride.world.things = []
    assert ride.until_settled(1, 120.0) == [("HIGH", "reached")]


def test_no_lift_leads_to_a_floor_that_none_serves() -> None:
    ride = Ride(SimulatedLifts([]), site=storeys(lifts=(), stops=(HIGH, LOW)), start=BEFORE)
    assert ride.until_settled(2, 60.0) == [("HIGH", "missed"), ("LOW", "reached")]
    assert ride.run.outcomes[0].because == "no lift leads from floor 0 to floor 1"


def lift_at(lifts: SimulatedLifts, at_s: float) -> tuple[int, str, str, str]:
    state = lifts.states(nanoseconds(at_s))[0]
    return state.level, state.doors, state.motion, state.session


def test_a_simulated_lift_closes_moves_opens_and_forgets_who_asks_no_more() -> None:
    lifts = SimulatedLifts([LIFT], times=LiftTimes(door_s=2.0, floor_s=4.0, forgets_s=20.0))

    def ask(session: str, level: int, at_s: float) -> None:
        lifts.ask(LiftRequest(stamp_ns=nanoseconds(at_s), lift_id="lift", session=session, wish="come", level=level))

    assert lift_at(lifts, 1.0) == (0, "closed", "standing", "")
    ask("a", 1, 2.0)
    ask("b", 0, 3.0)
    assert lift_at(lifts, 4.0) == (0, "closed", "moving", "a")
    assert lift_at(lifts, 7.0) == (1, "moving", "standing", "a")
    assert lift_at(lifts, 9.0) == (1, "open", "standing", "a")
    assert lifts.is_open_at("lift", 1)
    assert not lifts.is_open_at("lift", 0)
    assert lift_at(lifts, 30.0) == (1, "closed", "standing", ""), "nobody asked for it any more"
    ask("b", 0, 30.0)
    assert lift_at(lifts, 38.0) == (0, "open", "standing", "b")
