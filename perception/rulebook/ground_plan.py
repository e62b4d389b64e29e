# SPDX-License-Identifier: Apache-2.0
"""A site as rules see it: which zones, lines and hours a rule is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString, Point, Polygon, box
from shapely.geometry.polygon import orient

from patrol.air import Sky, is_night
from patrol.errors import Fault
from patrol.schedule import WeeklySchedule
from patrol.site import Gate, Purpose, Site, Zone
from patrol.site_rules import weekly_schedule
from perception.rulebook.config import AnyRule, CrossingRule, RuleBook, TailgatingRule

_STEP_ASIDE_M = 0.5
_AROUND_M = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that can be crossed. To its left lies ``left`` (``in`` for gates and the perimeter), to its right ``right``."""

    line_id: str
    name: str
    path: LineString
    left: str = "left"
    right: str = "right"
    hours: WeeklySchedule | None = None


class GroundPlan:
    """The zones and lines of one site, by rule."""

    def __init__(self, site: Site, book: RuleBook) -> None:
        self.site = site
        x0_m, y0_m, x1_m, y1_m = site.perimeter.bounds
        everywhere = box(x0_m - _AROUND_M, y0_m - _AROUND_M, x1_m + _AROUND_M, y1_m + _AROUND_M)
        self.everywhere = Zone(zone_id=site.site_id, name=site.name, purpose=Purpose.PUBLIC, outline=everywhere)
        for zone in site.zones:
            shapely.prepare(zone.outline)
        ring = orient(site.perimeter).exterior
        self.perimeter = Line(line_id="perimeter", name="the perimeter", path=LineString(ring.coords), left="in", right="out")
        """The fence all round: inside lies to its left."""
        self.gates = tuple(_gate_line(gate, site.perimeter) for gate in site.gates)
        self._schedules = {rule.name: weekly_schedule(rule.when.schedule, site.time_zone) for rule in book.rules}

    def holds(self, rule: AnyRule, now_ns: int, sky: Sky | None) -> bool:
        """Whether the rule counts at this time, in this light and weather."""
        schedule, when = self._schedules[rule.name], rule.when
        if schedule is not None and not schedule.is_active(now_ns):
            return False
        if when.sky is not None and sky is not None and sky not in when.sky:
            return False
        return when.light is None or when.light == self._light(now_ns)

    def zones(self, rule: AnyRule, floor: int, now_ns: int) -> tuple[Zone, ...]:
        """The zones of a floor that the rule is about, those whose schedule holds. None named: one zone, the whole site and
        what lies around it."""
        where = rule.where
        if not where.purposes and not where.zones:
            return (self.everywhere,)
        return tuple(
            zone
            for zone in self.site.zones
            if (zone.purpose in where.purposes or zone.zone_id in where.zones) and zone.floor == floor and zone.is_active(now_ns)
        )

    def exceptions(self, rule: AnyRule, now_ns: int) -> tuple[Zone, ...]:
        """The zones in which the same thing is in its place."""
        where = rule.where
        return tuple(
            zone
            for zone in self.site.zones
            if (zone.purpose in where.except_purposes or zone.zone_id in where.except_zones) and zone.is_active(now_ns)
        )

    def lines(self, rule: CrossingRule | TailgatingRule, now_ns: int) -> tuple[Line, ...]:
        """The lines that the rule is about, now."""
        if isinstance(rule, CrossingRule) and rule.line is not None:
            return (Line(line_id=rule.name, name=rule.name, path=LineString(rule.line)),)
        if isinstance(rule, CrossingRule) and rule.over == "perimeter":
            return (self.perimeter,)
        hours = rule.hours if isinstance(rule, CrossingRule) else "any"
        named = [line for line in self.gates if not rule.gates or line.line_id in rule.gates]
        return tuple(line for line in named if hours == "any" or (hours == "open") == is_open(line, now_ns))

    def at_gate(self, x_m: float, y_m: float, within_m: float) -> bool:
        """Whether a place lies at a gate."""
        here = Point(x_m, y_m)
        return any(line.path.distance(here) <= within_m for line in self.gates)

    def _light(self, now_ns: int) -> str:
        datum = self.site.datum
        return "night" if is_night(datum.latitude_deg, datum.longitude_deg, now_ns) else "day"


def is_open(line: Line, now_ns: int) -> bool:
    """A gate without opening hours is always open."""
    return line.hours is None or line.hours.is_active(now_ns)


def faults_with(book: RuleBook, site: Site) -> tuple[Fault, ...]:
    """What the rules name and the site does not have."""
    zones, gates = {zone.zone_id for zone in site.zones}, {gate.gate_id for gate in site.gates}
    faults: list[Fault] = []
    for rule in book.rules:
        for field, named, there in (
            ("where.zones", rule.where.zones, zones),
            ("where.except_zones", rule.where.except_zones, zones),
            ("gates", rule.gates if isinstance(rule, CrossingRule | TailgatingRule) else (), gates),
        ):
            faults += _missing(f"rules[{rule.name}].{field}", named, there, site.site_id)
    return tuple(faults)


def _missing(field: str, named: Sequence[str], there: set[str], site_id: str) -> list[Fault]:
    known = ", ".join(sorted(there)) or "none"
    return [
        Fault(field=field, value=name, because=f"site {site_id!r} has no such id; it has {known}")
        for name in named
        if name not in there
    ]


def _gate_line(gate: Gate, perimeter: Polygon) -> Line:
    """The gate's line, turned so that the inside of the perimeter lies to its left."""
    points = shapely.get_coordinates(gate.line)
    step = points[-1] - points[0]
    aside = _STEP_ASIDE_M * np.array([-step[1], step[0]]) / np.hypot(*step)
    middle = gate.line.interpolate(0.5, normalized=True)
    gap_left = perimeter.distance(Point(middle.x + aside[0], middle.y + aside[1]))
    gap_right = perimeter.distance(Point(middle.x - aside[0], middle.y - aside[1]))
    path = gate.line if gap_left <= gap_right else LineString(points[::-1])
    return Line(line_id=gate.gate_id, name=gate.name, path=path, left="in", right="out", hours=gate.open_hours)
