# SPDX-License-Identifier: Apache-2.0
"""Which unit answers an alert: the one that is there first, of those that can do what is asked and come home on their battery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mission.planning.graph import Closure
from mission.team.knowledge import AlertCard, Report
from mission.team.unit import Duty, Kind, TeamGround, Unit

BATTERY_KEPT = 0.15


class Dispatcher:
    """Knows the ways. ``dock`` is the place that units charge at, None when it is not known; ``handle_s`` is how long an alert
    takes on the spot."""

    def __init__(
        self, ground: TeamGround, closures: Mapping[Kind, Closure], *, dock: int | None = None, handle_s: float = 30.0
    ) -> None:
        self._ground, self._closures, self._dock, self._handle_s = ground, closures, dock, handle_s

    def arrival_s(self, unit: Unit, report: Report, place: int) -> float:
        """When ``unit`` can be at ``place``."""
        return report.ready_s + self._travel_s(unit, report.at, place)

    def best(self, alert: AlertCard, present: Iterable[tuple[Unit, Report]]) -> str | None:
        """The id of the unit to send, None when nobody can go. Equal ones by the fuller battery, then by the name."""
        able = [
            (self.arrival_s(unit, report, alert.place), -report.charge, unit.unit_id)
            for unit, report in present
            if report.duty is Duty.PATROL and unit.unit_id not in alert.refused and self.why_not(unit, report, alert) == ""
        ]
        return min(able)[2] if able else None

    def why_not(self, unit: Unit, report: Report, alert: AlertCard) -> str:
        """Why ``unit`` can not answer ``alert``; empty when it can."""
        lacking = (self._ground.needs.get(alert.place, frozenset()) | alert.needs) - unit.capabilities
        if lacking:
            return f"lacks {', '.join(sorted(lacking))}"
        if not self._ground.may_visit(unit, alert.place):
            return "can not go there"
        home_s = 0.0 if self._dock is None else self._travel_s(unit, alert.place, self._dock)
        asked_s = self._travel_s(unit, report.at, alert.place) + self._handle_s + home_s
        if report.charge * unit.endurance_s < asked_s + BATTERY_KEPT * unit.endurance_s and unit.endurance_s < float("inf"):
            return "has not enough charge to go there and home"
        return ""

    def _travel_s(self, unit: Unit, start: int, end: int) -> float:
        return float(self._closures[unit.kind].distances_m[start, end]) / unit.speed_mps
