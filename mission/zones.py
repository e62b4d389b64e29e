# SPDX-License-Identifier: Apache-2.0
"""Zones changed at run time: which are in force, what the robot answers, and how it leaves one that it stands in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import shapely
from shapely.geometry import Point, Polygon
from shapely.ops import nearest_points, unary_union

from mission.costmap import Costmap, ZoneLayers
from patrol.geometry import Pose2
from patrol.zone_orders import RunTimeZone, ZoneAnswer, ZoneOrder, ZonesInForce, ZonesRefused

_CLEAR_M = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outlined:
    zone: RunTimeZone
    outline: Polygon


class Zones:
    """Keeps the order in force, and tells the costmap what may be driven. ``order`` is what outlives the process."""

    def __init__(self, costmap: Costmap, order: ZoneOrder | None) -> None:
        self._costmap = costmap
        self.order: ZoneOrder | None = None
        self._zones: tuple[_Outlined, ...] = ()
        self._leaving: frozenset[str] = frozenset()
        if order is not None:
            self._put_in_force(order)

    def accept(self, order: ZoneOrder, pose: Pose2 | None, now_ns: int) -> ZoneAnswer:
        """Put ``order`` in force, or say why not. The revision in force is answered again as before; ``pose`` is where the
        robot is in map, where that is known."""
        revision = self.order.revision if self.order is not None else 0
        if order == self.order:
            return self._acknowledged(order, pose)
        because = self._why_not(order, revision, now_ns)
        if because:
            return ZonesRefused(order_id=order.order_id, revision=revision, because=because)
        self._put_in_force(order)
        return self._acknowledged(order, pose)

    def entered(self, pose: Pose2) -> tuple[RunTimeZone, ...]:
        """The keep-outs that the robot at ``pose`` stands in; opens those for driving out that are to be left."""
        found = tuple(one.zone for one in self._keep_outs() if one.outline.intersects(Point(pose.x_m, pose.y_m)))
        leaving = frozenset(zone.zone_id for zone in found if zone.when_inside == "leave")
        if leaving != self._leaving:
            self._leaving = leaving
            self._draw()
        return found

    def way_out(self, pose: Pose2) -> Pose2:
        """The nearest pose in map outside every keep-out, a body's room away from it, facing away."""
        closed = unary_union([one.outline.buffer(_CLEAR_M) for one in self._keep_outs()])
        out = nearest_points(closed.boundary, Point(pose.x_m, pose.y_m))[0]
        return Pose2(out.x, out.y, math.atan2(out.y - pose.y_m, out.x - pose.x_m))

    def _why_not(self, order: ZoneOrder, revision: int, now_ns: int) -> str:
        if now_ns > order.expires_ns:
            return "the order has expired"
        if order.revision <= revision:
            return f"revision {revision} is in force, which is not older than {order.revision}"
        broken = [zone.zone_id for zone in order.zones if not Polygon(zone.corners_m).is_valid]
        return f"the outline crosses itself: {', '.join(broken)}" if broken else ""

    def _acknowledged(self, order: ZoneOrder, pose: Pose2 | None) -> ZonesInForce:
        inside = self.entered(pose) if pose is not None else ()
        ways = [_EXITS[zone.when_inside].format(zone=zone.zone_id) for zone in inside]
        names = tuple(zone.zone_id for zone in inside)
        return ZonesInForce(order_id=order.order_id, revision=order.revision, inside=names, exit_by=" ".join(ways))

    def _put_in_force(self, order: ZoneOrder) -> None:
        self.order = order
        self._zones = tuple(_Outlined(zone=zone, outline=Polygon(zone.corners_m)) for zone in order.zones)
        for one in self._zones:
            shapely.prepare(one.outline)
        self._leaving = frozenset()
        self._draw()

    def _keep_outs(self) -> tuple[_Outlined, ...]:
        return tuple(one for one in self._zones if one.zone.kind == "keep out")

    def _draw(self) -> None:
        closed = [one.outline for one in self._keep_outs() if one.zone.zone_id not in self._leaving]
        left = [one.outline for one in self._keep_outs() if one.zone.zone_id in self._leaving]
        slow = [(one.outline, one.zone.limit_mps) for one in self._zones if one.zone.limit_mps is not None]
        one_way = [(one.outline, one.zone.heading_rad) for one in self._zones if one.zone.heading_rad is not None]
        self._costmap.set_zones(ZoneLayers(closed=tuple(closed), left=tuple(left), slow=tuple(slow), one_way=tuple(one_way)))


_EXITS = {
    "leave": "It stands in {zone} and leaves by the shortest way.",
    "hold": "It stands in {zone} and holds there.",
}
