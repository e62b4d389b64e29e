# SPDX-License-Identifier: Apache-2.0
"""Zones changed at run time, doors, lifts, and the weather."""

from __future__ import annotations

import math
from typing import cast

from geometry_msgs.msg import Point32, Polygon
from patrol_msgs.msg import DoorRequest as RequestMessage
from patrol_msgs.msg import DoorState as StateMessage
from patrol_msgs.msg import LiftRequest as LiftRequestMessage
from patrol_msgs.msg import LiftState as LiftStateMessage
from patrol_msgs.msg import RunTimeZone as ZoneMessage
from patrol_msgs.msg import Weather as WeatherMessage
from patrol_msgs.srv import OrderZones

from mission.calendar.weather import Weather
from patrol.doors import DoorPosition, DoorRequest, DoorState, DoorWish
from patrol.lifts import LiftDoors, LiftMotion, LiftRequest, LiftState, LiftWish
from patrol.zone_orders import RunTimeZone, WhenInside, ZoneAnswer, ZoneKind, ZoneOrder, ZonesInForce, ZonesRefused
from patrol_ros.conversions.stamps import stamp_from_ros, stamp_to_ros


def zones_to_ros(order: ZoneOrder) -> OrderZones.Request:
    """patrol_msgs/OrderZones, the request. Corners keep a precision of 32 bits: under a millimetre on any site."""
    return OrderZones.Request(
        order_id=order.order_id,
        revision=order.revision,
        expires=stamp_to_ros(order.expires_ns),
        issued_by=order.issued_by,
        zones=[_zone_to_ros(zone) for zone in order.zones],
    )


def zones_from_ros(request: OrderZones.Request) -> ZoneOrder:
    """Raises BadValue for a zone that makes no sense."""
    return ZoneOrder(
        order_id=request.order_id,
        revision=int(request.revision),
        expires_ns=stamp_from_ros(request.expires),
        issued_by=request.issued_by,
        zones=tuple(_zone_from_ros(zone) for zone in request.zones),
    )


def zones_answer_to_ros(answer: ZoneAnswer) -> OrderZones.Response:
    """patrol_msgs/OrderZones, the response."""
    if isinstance(answer, ZonesRefused):
        return OrderZones.Response(in_force=False, revision=answer.revision, because=answer.because)
    return OrderZones.Response(in_force=True, revision=answer.revision, inside=list(answer.inside), exit_by=answer.exit_by)


def zones_answer_from_ros(order_id: str, response: OrderZones.Response) -> ZoneAnswer:
    """The answer to the order called ``order_id``."""
    revision = int(response.revision)
    if not response.in_force:
        return ZonesRefused(order_id=order_id, revision=revision, because=response.because)
    return ZonesInForce(order_id=order_id, revision=revision, inside=tuple(response.inside), exit_by=response.exit_by)


def door_request_to_ros(request: DoorRequest) -> RequestMessage:
    """patrol_msgs/DoorRequest."""
    return RequestMessage(stamp=stamp_to_ros(request.stamp_ns), door_id=request.door_id, wish=request.wish)


def door_request_from_ros(message: RequestMessage) -> DoorRequest:
    """Raises BadValue for a wish that is not known."""
    return DoorRequest(stamp_ns=stamp_from_ros(message.stamp), door_id=message.door_id, wish=cast(DoorWish, message.wish))


def door_state_to_ros(state: DoorState) -> StateMessage:
    """patrol_msgs/DoorState."""
    return StateMessage(stamp=stamp_to_ros(state.stamp_ns), door_id=state.door_id, position=state.position)


def door_state_from_ros(message: StateMessage) -> DoorState:
    """Raises BadValue for a position that is not known."""
    position = cast(DoorPosition, message.position)
    return DoorState(stamp_ns=stamp_from_ros(message.stamp), door_id=message.door_id, position=position)


def lift_request_to_ros(request: LiftRequest) -> LiftRequestMessage:
    """patrol_msgs/LiftRequest."""
    return LiftRequestMessage(
        stamp=stamp_to_ros(request.stamp_ns),
        lift_id=request.lift_id,
        session=request.session,
        wish=request.wish,
        level=int(request.level),
    )


def lift_request_from_ros(message: LiftRequestMessage) -> LiftRequest:
    """Raises BadValue for a wish that is not known, and for nobody's."""
    return LiftRequest(
        stamp_ns=stamp_from_ros(message.stamp),
        lift_id=message.lift_id,
        session=message.session,
        wish=cast(LiftWish, message.wish),
        level=int(message.level),
    )


def lift_state_to_ros(state: LiftState) -> LiftStateMessage:
    """patrol_msgs/LiftState."""
    return LiftStateMessage(
        stamp=stamp_to_ros(state.stamp_ns),
        lift_id=state.lift_id,
        level=int(state.level),
        doors=state.doors,
        motion=state.motion,
        session=state.session,
    )


def lift_state_from_ros(message: LiftStateMessage) -> LiftState:
    """Raises BadValue for doors or a motion that are not known."""
    return LiftState(
        stamp_ns=stamp_from_ros(message.stamp),
        lift_id=message.lift_id,
        level=int(message.level),
        doors=cast(LiftDoors, message.doors),
        motion=cast(LiftMotion, message.motion),
        session=message.session,
    )


def weather_to_ros(weather: Weather) -> WeatherMessage:
    """patrol_msgs/Weather."""
    return WeatherMessage(
        stamp=stamp_to_ros(weather.stamp_ns),
        wind_mps=float(weather.wind_mps),
        rain_mmph=float(weather.rain_mmph),
        air_c=float(weather.air_c),
    )


def weather_from_ros(message: WeatherMessage) -> Weather:
    """Raises BadValue when a value is not finite."""
    return Weather(
        stamp_ns=stamp_from_ros(message.stamp), wind_mps=message.wind_mps, rain_mmph=message.rain_mmph, air_c=message.air_c
    )


def _zone_to_ros(zone: RunTimeZone) -> ZoneMessage:
    return ZoneMessage(
        zone_id=zone.zone_id,
        kind=zone.kind,
        outline=Polygon(points=[Point32(x=float(x_m), y=float(y_m), z=0.0) for x_m, y_m in zone.corners_m]),
        limit_mps=math.nan if zone.limit_mps is None else float(zone.limit_mps),
        heading_rad=math.nan if zone.heading_rad is None else float(zone.heading_rad),
        when_inside=zone.when_inside,
    )


def _zone_from_ros(message: ZoneMessage) -> RunTimeZone:
    return RunTimeZone(
        zone_id=message.zone_id,
        kind=cast(ZoneKind, message.kind),
        corners_m=tuple((float(point.x), float(point.y)) for point in message.outline.points),
        limit_mps=None if math.isnan(message.limit_mps) else float(message.limit_mps),
        heading_rad=None if math.isnan(message.heading_rad) else float(message.heading_rad),
        when_inside=cast(WhenInside, message.when_inside),
    )
