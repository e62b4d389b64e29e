# SPDX-License-Identifier: Apache-2.0
"""Zones, doors and the weather survive the wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission.calendar.weather import Weather
from patrol.doors import DOOR_POSITIONS, DOOR_WISHES, DoorPosition, DoorRequest, DoorState, DoorWish
from patrol.errors import BadValue
from patrol.lifts import LIFT_DOORS, LIFT_MOTIONS, LIFT_WISHES, LiftDoors, LiftMotion, LiftRequest, LiftState, LiftWish
from patrol.zone_orders import RunTimeZone, ZoneOrder, ZonesInForce, ZonesRefused
from patrol_ros.conversions import grounds
from tests.ros.conversion_cases import STAMPS, TEXT, through_wire

CORNERS = ((0.0, 0.0), (4.5, 0.0), (4.5, 3.25))
ZONES = (
    RunTimeZone(zone_id="pit", kind="keep out", corners_m=CORNERS, when_inside="hold"),
    RunTimeZone(zone_id="bend", kind="slow", corners_m=CORNERS, limit_mps=0.4),
    RunTimeZone(zone_id="lane", kind="one way", corners_m=CORNERS, heading_rad=-1.5),
)


@given(STAMPS, TEXT, st.integers(min_value=0, max_value=2**53), st.lists(st.sampled_from(ZONES), unique=True))
def test_zone_order(stamp_ns: int, text: str, revision: int, zones: list[RunTimeZone]) -> None:
    order = ZoneOrder(order_id=text, revision=revision, expires_ns=stamp_ns, issued_by=text, zones=tuple(zones))
    assert grounds.zones_from_ros(through_wire(grounds.zones_to_ros(order))) == order


@given(TEXT, st.lists(TEXT, max_size=3), st.integers(min_value=0, max_value=2**53))
def test_zone_answers(text: str, inside: list[str], revision: int) -> None:
    in_force = ZonesInForce(order_id="o", revision=revision, inside=tuple(inside), exit_by=text)
    refused = ZonesRefused(order_id="o", revision=revision, because=text)
    for answer in (in_force, refused):
        assert grounds.zones_answer_from_ros("o", through_wire(grounds.zones_answer_to_ros(answer))) == answer


def test_a_zone_that_makes_no_sense_is_refused() -> None:
    message = grounds.zones_to_ros(ZoneOrder(order_id="o", revision=1, expires_ns=1, issued_by="a", zones=ZONES[:1]))
    message.zones[0].kind = "moat"
    with pytest.raises(BadValue, match="moat"):
        grounds.zones_from_ros(message)


@given(STAMPS, st.sampled_from(DOOR_WISHES), st.sampled_from(DOOR_POSITIONS))
def test_doors(stamp_ns: int, wish: DoorWish, position: DoorPosition) -> None:
    request = DoorRequest(stamp_ns=stamp_ns, door_id="hatch", wish=wish)
    state = DoorState(stamp_ns=stamp_ns, door_id="hatch", position=position)
    assert grounds.door_request_from_ros(through_wire(grounds.door_request_to_ros(request))) == request
    assert grounds.door_state_from_ros(through_wire(grounds.door_state_to_ros(state))) == state


@given(STAMPS, st.floats(0.0, 80.0), st.floats(0.0, 300.0), st.floats(-60.0, 60.0))
def test_weather(stamp_ns: int, wind: float, rain: float, air: float) -> None:
    weather = Weather(stamp_ns=stamp_ns, wind_mps=wind, rain_mmph=rain, air_c=air)
    assert grounds.weather_from_ros(through_wire(grounds.weather_to_ros(weather))) == weather


@given(STAMPS, st.sampled_from(LIFT_WISHES), st.sampled_from(LIFT_DOORS), st.sampled_from(LIFT_MOTIONS), st.integers(-20, 200))
def test_lifts(stamp_ns: int, wish: LiftWish, doors: LiftDoors, motion: LiftMotion, level: int) -> None:
    request = LiftRequest(stamp_ns=stamp_ns, lift_id="north", session="rover", wish=wish, level=level)
    state = LiftState(stamp_ns=stamp_ns, lift_id="north", level=level, doors=doors, motion=motion, session="rover")
    assert grounds.lift_request_from_ros(through_wire(grounds.lift_request_to_ros(request))) == request
    assert grounds.lift_state_from_ros(through_wire(grounds.lift_state_to_ros(state))) == state
