# SPDX-License-Identifier: Apache-2.0
"""Lines of a patrol's log: one JSON object each, told apart by ``kind``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, TypeAdapter

from evidence.record import PatrolStart
from evidence.summary import picture_name
from patrol.config import Config
from patrol.operations import WaypointOutcome
from patrol.percepts import Alert, GroundPosition, Label, Reason, Threshold
from patrol.promise import Promise


class StartLine(Config):
    kind: Literal["start"] = "start"
    patrol_id: str
    robot_id: str
    robot_name: str
    site_id: str
    mission_id: str
    mission_name: str
    laps: int
    waypoints_per_lap: int
    started_ns: int
    version: str
    commit: str
    promise: Promise | None = None

    @classmethod
    def of(cls, start: PatrolStart) -> StartLine:
        return cls(**asdict(start))

    def start(self) -> PatrolStart:
        return PatrolStart(**self.model_dump(exclude={"kind", "promise"}), promise=self.promise)


class PoseLine(Config):
    """Place in map, and the distance driven until then."""

    kind: Literal["pose"] = "pose"
    stamp_ns: int
    x_m: float
    y_m: float
    distance_m: float


class BatteryLine(Config):
    """Charge 0..1, and the energy drawn until then."""

    kind: Literal["battery"] = "battery"
    stamp_ns: int
    charge: float
    drawn_wh: float


class OutcomeLine(Config):
    kind: Literal["outcome"] = "outcome"
    lap: int
    leg: int
    waypoint_id: str
    outcome: Literal["reached", "missed", "pre-empted"]
    because: str
    started_ns: int
    ended_ns: int

    @classmethod
    def of(cls, outcome: WaypointOutcome) -> OutcomeLine:
        return cls(**asdict(outcome))

    def outcome_kept(self) -> WaypointOutcome:
        return WaypointOutcome(**self.model_dump(exclude={"kind"}))


class ThresholdLine(Config):
    name: str
    measured: float
    limit: float
    holds_when: Literal["at least", "at most"]


class AlertLine(Config):
    """An alert; its picture is a file of its own beside the log."""

    kind: Literal["alert"] = "alert"
    alert_id: str
    stamp_ns: int
    severity: Literal["info", "warning", "critical"]
    rule: str
    sentence: str
    thresholds: tuple[ThresholdLine, ...]
    nearest_change: str
    zone_id: str
    track_id: int
    label: Label
    position_m: tuple[float, float]
    velocity_mps: tuple[float, float]
    covariance_m2: tuple[float, float, float]
    position_uncertain: bool
    picture: str
    incident_id: str = ""
    path_m: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, alert: Alert) -> AlertLine:
        ground, reason = alert.ground, alert.reason
        covariance = ground.covariance_m2
        return cls(
            alert_id=alert.alert_id,
            stamp_ns=alert.stamp_ns,
            severity=alert.severity,
            rule=reason.rule,
            sentence=reason.sentence,
            thresholds=tuple(ThresholdLine(**asdict(each)) for each in reason.thresholds),
            nearest_change=reason.nearest_change,
            zone_id=alert.zone_id,
            track_id=alert.track_id,
            label=alert.label,
            position_m=(float(ground.position_m[0]), float(ground.position_m[1])),
            velocity_mps=(float(ground.velocity_mps[0]), float(ground.velocity_mps[1])),
            covariance_m2=(float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1])),
            position_uncertain=alert.position_uncertain,
            picture=picture_name(alert),
            incident_id=alert.incident_id,
            path_m=tuple((x_m, y_m) for x_m, y_m in alert.path_m.tolist()),
        )

    def alert(self, folder: Path) -> Alert:
        """The alert with its picture from ``folder``; without one when the file is gone."""
        picture = folder / Path(self.picture).name
        xx, xy, yy = self.covariance_m2
        return Alert(
            alert_id=self.alert_id,
            stamp_ns=self.stamp_ns,
            severity=self.severity,
            reason=Reason(
                rule=self.rule,
                sentence=self.sentence,
                thresholds=tuple(Threshold(**each.model_dump()) for each in self.thresholds),
                nearest_change=self.nearest_change,
            ),
            zone_id=self.zone_id,
            track_id=self.track_id,
            label=self.label,
            ground=GroundPosition(
                position_m=np.array(self.position_m),
                velocity_mps=np.array(self.velocity_mps),
                covariance_m2=np.array([[xx, xy], [xy, yy]]),
            ),
            position_uncertain=self.position_uncertain,
            picture_jpeg=picture.read_bytes() if self.picture and picture.is_file() else b"",
            incident_id=self.incident_id,
            path_m=np.array(self.path_m).reshape(-1, 2),
        )


class EndLine(Config):
    """The patrol is over; ``because`` is empty when it was completed."""

    kind: Literal["end"] = "end"
    ended_ns: int
    because: str


Line = Annotated[StartLine | PoseLine | BatteryLine | OutcomeLine | AlertLine | EndLine, Field(discriminator="kind")]
LINE: TypeAdapter[Line] = TypeAdapter(Line)
