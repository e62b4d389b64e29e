# SPDX-License-Identifier: Apache-2.0
"""What may raise or lower the weight of a place or a thing. There is no field for a person, and none can be added.

Reports come from sources that do not depend on where the patrol was: fixed sensors, fence alarms, maintenance, the site's own
valuation. What the patrol finds itself is a ``Find`` and counts only together with how often the patrol was there.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from patrol.config import Config, validate_config
from patrol.errors import BadInput, Fault
from patrol.site import Site

SubjectId = Annotated[str, Field(min_length=1, max_length=64)]
Nanoseconds = Annotated[int, Field(strict=True, ge=0)]


class SubjectKind(StrEnum):
    """What a weight can be attached to."""

    ZONE = "zone"
    GATE = "gate"
    BUILDING = "building"
    WAYPOINT = "waypoint"
    ASSET = "asset"


class Subject(Config):
    """A place of the site, or a thing that stands on it."""

    kind: SubjectKind
    subject_id: SubjectId


class Source(StrEnum):
    """Where a report may come from: each watches all the time, or looks at everything alike."""

    FIXED_SENSOR = "fixed_sensor"
    FENCE_ALARM = "fence_alarm"
    MAINTENANCE = "maintenance"
    VALUATION = "valuation"
    SITE_SURVEY = "site_survey"


class Report(Config):
    """``strength`` is added to the subject's weight from ``stamp_ns`` until ``expires_ns``."""

    report_id: Annotated[str, Field(min_length=1, max_length=64)]
    subject: Subject
    source: Source
    strength: Annotated[float, Field(ge=0.0, le=100.0)]
    stamp_ns: Nanoseconds
    expires_ns: Nanoseconds


class Find(Config):
    """What the patrol itself found on its visits of one subject in one spell: ``found`` things in ``visits`` visits."""

    subject: Subject
    visits: Annotated[int, Field(strict=True, ge=1)]
    found: Annotated[int, Field(strict=True, ge=0)]
    stamp_ns: Nanoseconds


def read_report(data: Any, *, site: Site, assets: frozenset[str], now_ns: int, longest_ns: int, source: str) -> Report:
    """A report that names something on ``site`` or one of ``assets``, and that ends in time.

    Raises BadInput for an unknown field, an unknown subject, or an expiry that is past or more than ``longest_ns`` ahead.
    """
    report = validate_config(Report, data, source=source)
    faults = []
    if report.subject not in subjects(site, assets):
        faults.append(Fault(field="subject", value=report.subject.subject_id, because="is no place or thing of this site"))
    if not now_ns < report.expires_ns <= now_ns + longest_ns:
        faults.append(Fault(field="expires_ns", value=report.expires_ns, because="must lie ahead, and not too far"))
    if report.stamp_ns > now_ns:
        faults.append(Fault(field="stamp_ns", value=report.stamp_ns, because="lies in the future"))
    if faults:
        raise BadInput(source, faults)
    return report


def subjects(site: Site, assets: frozenset[str]) -> frozenset[Subject]:
    """Everything that a weight may be attached to."""
    named: list[tuple[SubjectKind, str]] = [
        *((SubjectKind.ZONE, zone.zone_id) for zone in site.zones),
        *((SubjectKind.GATE, gate.gate_id) for gate in site.gates),
        *((SubjectKind.BUILDING, building.building_id) for building in site.buildings),
        *((SubjectKind.WAYPOINT, waypoint.waypoint_id) for waypoint in site.waypoints),
        *((SubjectKind.ASSET, asset) for asset in assets),
    ]
    return frozenset(Subject(kind=kind, subject_id=name) for kind, name in named)
