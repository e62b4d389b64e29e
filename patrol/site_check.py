# SPDX-License-Identifier: Apache-2.0
"""Names every fault of a site file by feature and field."""

from __future__ import annotations

from pathlib import Path

from shapely.geometry import Polygon

from patrol.errors import Fault
from patrol.site import Purpose
from patrol.site_parse import Draft, Feature, parse_site
from patrol.site_rules import LiftProperties, WaypointProperties, ZoneProperties

GATE_REACH_M = 2.0
"""A gate's ends may lie this far from the perimeter."""
LEAST_CABIN_M = 1.2
"""A robot must fit into a cabin with its doors closed."""


def check_site(path: Path) -> tuple[Fault, ...]:
    """Every fault of the site file at ``path``; empty when it can be used."""
    return check_draft(parse_site(path))


def check_draft(draft: Draft) -> tuple[Fault, ...]:
    """The faults that reading found, and those of how the features lie to one another."""
    perimeter = _perimeter(draft)
    if perimeter is not None:
        _check_gates(draft, perimeter)
    _check_stops(draft, perimeter)
    _check_orders(draft)
    _check_floors(draft)
    _check_lifts(draft)
    return tuple(draft.faults)


def _perimeter(draft: Draft) -> Polygon | None:
    """The one perimeter, or a fault and None."""
    found = draft.of_kind("perimeter")
    if draft.kinds is not None and "perimeter" not in draft.kinds:
        draft.refuse("features", None, "the perimeter is missing")
    for extra in found[1:]:
        draft.refuse(f"{extra.where}.properties.kind", "perimeter", f"is the perimeter of {found[0].where} again; one is allowed")
    if len(found) != 1:
        return None
    shape = found[0].outline
    if shape.interiors:
        draft.refuse(f"{found[0].where}.geometry", len(shape.interiors), "a perimeter can not have holes; use keep_out")
    return shape


def _check_gates(draft: Draft, perimeter: Polygon) -> None:
    for gate in draft.of_kind("gate"):
        away_m = gate.shape.hausdorff_distance(perimeter.exterior.intersection(gate.shape.buffer(GATE_REACH_M)))
        if gate.shape.distance(perimeter.exterior) > GATE_REACH_M or away_m > 2.0 * GATE_REACH_M:
            draft.refuse(f"{gate.where}.geometry", _at(gate), "does not lie on the perimeter")


def _check_stops(draft: Draft, perimeter: Polygon | None) -> None:
    """Docks and waypoints must stand inside, off keep-outs, and out of buildings unless in one of their corridors."""
    keep_outs, buildings = draft.of_kind("keep_out"), draft.of_kind("building")
    corridors = [
        zone
        for zone in draft.of_kind("zone")
        if isinstance(zone.properties, ZoneProperties) and zone.properties.purpose is Purpose.CORRIDOR
    ]
    for stop in (*draft.of_kind("dock"), *draft.of_kind("waypoint")):
        place = f"{stop.where}.geometry.coordinates"
        if perimeter is not None and not perimeter.contains(stop.shape):
            draft.refuse(place, _at(stop), f"the {stop.kind} lies outside the perimeter")
        for keep_out in keep_outs:
            if keep_out.shape.intersects(stop.shape):
                draft.refuse(place, _at(stop), f"the {stop.kind} lies in the keep_out {keep_out.feature_id!r}")
        if any(corridor.shape.contains(stop.shape) for corridor in corridors):
            continue
        for building in buildings:
            if building.shape.intersects(stop.shape):
                draft.refuse(
                    place, _at(stop), f"the {stop.kind} lies in the building {building.feature_id!r}, in no corridor zone"
                )


def _check_orders(draft: Draft) -> None:
    taken: dict[int, str] = {}
    for waypoint in draft.of_kind("waypoint"):
        if not isinstance(waypoint.properties, WaypointProperties):
            continue
        order = waypoint.properties.order
        if order in taken:
            draft.refuse(f"{waypoint.where}.properties.order", order, f"is the order of {taken[order]} too")
        taken.setdefault(order, waypoint.where)


def _check_floors(draft: Draft) -> None:
    levels = {0} | {getattr(floor.properties, "level", 0) for floor in draft.of_kind("floor")}
    for feature in (*draft.of_kind("waypoint"), *draft.of_kind("zone")):
        floor = getattr(feature.properties, "floor", 0)
        if floor not in levels:
            draft.refuse(f"{feature.where}.properties.floor", floor, "no floor feature has this level")


def _check_lifts(draft: Draft) -> None:
    """A lift joins floors that there are and holds a robot, and lifts lead from the ground to every floor with waypoints."""
    levels = {0} | {getattr(floor.properties, "level", 0) for floor in draft.of_kind("floor")}
    served: list[set[int]] = []
    for lift in draft.of_kind("lift"):
        if not isinstance(lift.properties, LiftProperties):
            continue
        joined = lift.properties.levels
        served.append(set(joined))
        for level in sorted(set(joined) - levels):
            draft.refuse(f"{lift.where}.properties.levels", level, "no floor feature has this level")
        if len(set(joined)) < len(joined):
            draft.refuse(f"{lift.where}.properties.levels", list(joined), "names a level twice")
        if lift.properties.doors_face_deg is not None and lift.outline.buffer(-0.5 * LEAST_CABIN_M + 0.01).is_empty:
            draft.refuse(f"{lift.where}.geometry", _at(lift), f"the cabin is narrower than {LEAST_CABIN_M:g} m")
    reached = _reached(served)
    for waypoint in draft.of_kind("waypoint"):
        floor = getattr(waypoint.properties, "floor", 0)
        if floor in levels - reached:
            draft.refuse(f"{waypoint.where}.properties.floor", floor, "no lift leads there from floor 0")


def _reached(served: list[set[int]]) -> set[int]:
    """The levels that lifts lead to from the ground."""
    reached = {0}
    for _ in served:
        reached |= {level for levels in served if levels & reached for level in levels}
    return reached


def _at(feature: Feature) -> str:
    """Where a feature stands, in metres from the datum, for people."""
    point = feature.shape.representative_point()
    return f"x {point.x:.1f} m, y {point.y:.1f} m"
