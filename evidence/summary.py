# SPDX-License-Identifier: Apache-2.0
"""``report.json``: the facts of one patrol for other programs. The same facts stand in ``report.html`` for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from evidence.coverage import GroundRaster
from evidence.record import PatrolRecord
from patrol.clock import seconds
from patrol.config import Config
from patrol.percepts import Alert
from patrol.promise import idleness_kept


class LegSummary(Config):
    lap: int
    leg: int
    waypoint_id: str
    waypoint_name: str
    outcome: Literal["reached", "missed", "pre-empted"]
    because: str
    started_ns: int
    ended_ns: int


class ThresholdSummary(Config):
    name: str
    measured: float
    limit: float
    holds_when: Literal["at least", "at most"]
    margin: float


class AlertSummary(Config):
    alert_id: str
    stamp_ns: int
    severity: Literal["info", "warning", "critical"]
    label: str
    zone_id: str
    zone_name: str
    rule: str
    sentence: str
    thresholds: tuple[ThresholdSummary, ...]
    nearest_change: str
    position_m: tuple[float, float]
    covariance_m2: tuple[float, float, float]
    position_uncertain: bool
    picture: str


class EnergySummary(Config):
    charge_start: float
    charge_end: float
    drawn_wh: float


class CoverageSummary(Config):
    """``seen_share`` is the part of the open ground (inside the perimeter, without buildings) that was seen."""

    open_m2: float
    seen_m2: float
    seen_share: float


class GuaranteeSummary(Config):
    """What the mission promised and what of it was kept. ``measured_worst_s`` is the longest that the place ``measured_at`` went
    unseen, over ``measured_gaps`` gaps between two visits; None while no place was visited twice."""

    mode: str
    worst_idleness_s: float
    average_idleness_s: float
    attack_s: float | None
    capture_probability: float | None
    sentences: tuple[str, ...]
    measured_worst_s: float | None
    measured_at: str
    measured_gaps: int
    measured_ratio: float | None
    kept: bool | None


class RecordingSummary(Config):
    file_name: str
    sha256: str
    size_bytes: int
    messages: int
    damage: str


class SoftwareSummary(Config):
    version: str
    commit: str


class ReportSummary(Config):
    """Stamps are nanoseconds of the robot's clock, positions metres in map. None marks what is not known."""

    schema_version: Literal["1.0"] = "1.0"
    patrol_id: str
    robot_id: str
    robot_name: str
    site_id: str
    site_name: str
    time_zone: str
    mission_id: str
    mission_name: str
    started_ns: int
    ended_ns: int
    ended_because: str
    laps_planned: int
    laps_completed: int
    duration_s: float
    distance_m: float
    energy: EnergySummary | None
    waypoints_planned: int
    waypoints_reached: int
    waypoints_missed: int
    waypoints_pre_empted: int
    waypoints_without_outcome: int
    coverage: CoverageSummary | None
    guarantee: GuaranteeSummary | None = None
    legs: tuple[LegSummary, ...]
    alerts: tuple[AlertSummary, ...]
    recording: RecordingSummary | None
    earlier_recordings: tuple[RecordingSummary, ...] = ()
    software: SoftwareSummary


def summarise(record: PatrolRecord, ground: GroundRaster) -> ReportSummary:
    """The facts of ``record``; coverage counts only when the robot's map was kept."""
    start, energy, proof = record.start, record.energy, record.recording
    count = {kind: sum(each.outcome == kind for each in record.outcomes) for kind in ("reached", "missed", "pre-empted")}
    planned = start.laps * start.waypoints_per_lap
    return ReportSummary(
        patrol_id=start.patrol_id,
        robot_id=start.robot_id,
        robot_name=start.robot_name,
        site_id=record.site.site_id,
        site_name=record.site.name,
        time_zone=record.site.time_zone,
        mission_id=start.mission_id,
        mission_name=start.mission_name,
        started_ns=start.started_ns,
        ended_ns=record.ended_ns,
        ended_because=record.ended_because,
        laps_planned=start.laps,
        laps_completed=_laps_completed(record),
        duration_s=seconds(record.ended_ns - start.started_ns),
        distance_m=record.distance_m,
        energy=None if energy is None else EnergySummary(**asdict(energy)),
        waypoints_planned=planned,
        waypoints_reached=count["reached"],
        waypoints_missed=count["missed"],
        waypoints_pre_empted=count["pre-empted"],
        waypoints_without_outcome=max(planned - len(record.outcomes), 0),
        coverage=_coverage(record, ground),
        guarantee=_guarantee(record),
        legs=_legs(record),
        alerts=tuple(_alert(record, alert) for alert in record.alerts),
        recording=None if proof is None else RecordingSummary(**asdict(proof)),
        earlier_recordings=tuple(RecordingSummary(**asdict(each)) for each in record.earlier_recordings),
        software=SoftwareSummary(version=start.version, commit=start.commit),
    )


def picture_name(alert: Alert) -> str:
    """File name of an alert's picture in the patrol's folder; empty when it has none."""
    return f"alert-{alert.alert_id}.jpg" if alert.picture_jpeg else ""


def _laps_completed(record: PatrolRecord) -> int:
    """Laps in which every waypoint has its outcome and none was pre-empted."""
    done = 0
    for lap in sorted({each.lap for each in record.outcomes}):
        outcomes = [each.outcome for each in record.outcomes if each.lap == lap]
        done += len(outcomes) >= record.start.waypoints_per_lap and "pre-empted" not in outcomes
    return done


def _coverage(record: PatrolRecord, ground: GroundRaster) -> CoverageSummary | None:
    if record.seen is None or ground.open_m2 <= 0:
        return None
    return CoverageSummary(open_m2=ground.open_m2, seen_m2=ground.seen_m2, seen_share=ground.seen_m2 / ground.open_m2)


def _guarantee(record: PatrolRecord) -> GuaranteeSummary | None:
    promise, kept = record.start.promise, idleness_kept(record.outcomes)
    if promise is None:
        return None
    names = {waypoint.waypoint_id: waypoint.name for waypoint in record.site.waypoints}
    return GuaranteeSummary(
        mode=promise.mode,
        worst_idleness_s=promise.worst_idleness_s,
        average_idleness_s=promise.average_idleness_s,
        attack_s=promise.attack_s,
        capture_probability=promise.capture,
        sentences=promise.sentences,
        measured_worst_s=None if kept is None else kept.worst_s,
        measured_at="" if kept is None else names.get(kept.place, kept.place),
        measured_gaps=0 if kept is None else kept.gaps,
        measured_ratio=None if kept is None else kept.worst_s / promise.worst_idleness_s,
        kept=None if kept is None else kept.worst_s <= promise.worst_idleness_s,
    )


def _legs(record: PatrolRecord) -> tuple[LegSummary, ...]:
    names = {waypoint.waypoint_id: waypoint.name for waypoint in record.site.waypoints}
    return tuple(
        LegSummary(
            lap=each.lap,
            leg=each.leg,
            waypoint_id=each.waypoint_id,
            waypoint_name=names.get(each.waypoint_id, each.waypoint_id),
            outcome=each.outcome,
            because=each.because,
            started_ns=each.started_ns,
            ended_ns=each.ended_ns,
        )
        for each in record.outcomes
    )


def _alert(record: PatrolRecord, alert: Alert) -> AlertSummary:
    names = {zone.zone_id: zone.name for zone in record.site.zones}
    covariance, position = alert.ground.covariance_m2, alert.ground.position_m
    return AlertSummary(
        alert_id=alert.alert_id,
        stamp_ns=alert.stamp_ns,
        severity=alert.severity,
        label=alert.label.value,
        zone_id=alert.zone_id,
        zone_name=names.get(alert.zone_id, alert.zone_id),
        rule=alert.reason.rule,
        sentence=alert.reason.sentence,
        thresholds=tuple(
            ThresholdSummary(
                name=each.name, measured=each.measured, limit=each.limit, holds_when=each.holds_when, margin=each.margin
            )
            for each in alert.reason.thresholds
        ),
        nearest_change=alert.reason.nearest_change,
        position_m=(float(position[0]), float(position[1])),
        covariance_m2=(float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])),
        position_uncertain=alert.position_uncertain,
        picture=picture_name(alert),
    )
