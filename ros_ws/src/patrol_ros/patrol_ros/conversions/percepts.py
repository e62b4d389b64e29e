# SPDX-License-Identifier: Apache-2.0
"""Tracks and alerts."""

from __future__ import annotations

from typing import get_args

import numpy as np
from patrol_msgs.msg import Alert as AlertMessage
from patrol_msgs.msg import Box as BoxMessage
from patrol_msgs.msg import GroundPosition as GroundMessage
from patrol_msgs.msg import Reason as ReasonMessage
from patrol_msgs.msg import Threshold as ThresholdMessage
from patrol_msgs.msg import Track as TrackMessage
from patrol_msgs.msg import TrackArray

from evidence.percept_records import tracks_in
from patrol.air import Sky
from patrol.checks import require_in
from patrol.percepts import Alert, Box, GroundPosition, Label, Reason, Severity, Threshold, Track
from patrol_ros.conversions.arrays import array_from_ros, array_to_ros
from patrol_ros.conversions.stamps import header_to_ros, stamp_from_ros, stamp_to_ros


def tracks_to_ros(stamp_ns: int, frame_id: str, tracks: tuple[Track, ...], *, sky: Sky | None = None) -> TrackArray:
    """Every track at ``stamp_ns``; boxes belong to the picture of ``frame_id``; ``sky`` is what the lidar saw."""
    header = header_to_ros(stamp_ns, frame_id)
    return TrackArray(header=header, tracks=[track_to_ros(track) for track in tracks], sky="" if sky is None else sky.value)


def tracks_from_ros(message: TrackArray) -> tuple[Track, ...]:
    """As from a recording, whose messages have the same fields. Raises BadValue when a track is not one."""
    return tracks_in(message)


def track_to_ros(track: Track) -> TrackMessage:
    """patrol_msgs/Track."""
    return TrackMessage(
        stamp=stamp_to_ros(track.stamp_ns),
        first_seen=stamp_to_ros(track.first_seen_ns),
        last_seen=stamp_to_ros(track.last_seen_ns),
        track_id=int(track.track_id),
        label=track.label.value,
        state=track.state,
        hits=int(track.hits),
        score=float(track.score),
        box=[] if track.box is None else [_box_to_ros(track.box)],
        ground=[] if track.ground is None else [_ground_to_ros(track.ground)],
        floor=int(track.floor),
        cold_s=float(track.cold_s),
        top_m=[] if track.top_m is None else [float(track.top_m)],
        drove_m=[] if track.drove_m is None else [float(track.drove_m)],
    )


def alert_to_ros(alert: Alert) -> AlertMessage:
    """patrol_msgs/Alert in map."""
    return AlertMessage(
        header=header_to_ros(alert.stamp_ns, "map"),
        alert_id=alert.alert_id,
        severity=alert.severity,
        reason=_reason_to_ros(alert.reason),
        zone_id=alert.zone_id,
        track_id=int(alert.track_id),
        label=alert.label.value,
        ground=_ground_to_ros(alert.ground),
        position_uncertain=bool(alert.position_uncertain),
        picture_jpeg=array_to_ros(np.frombuffer(alert.picture_jpeg, dtype=np.uint8)),
        incident_id=alert.incident_id,
        path_m=array_to_ros(alert.path_m.reshape(-1)),
    )


def alert_from_ros(message: AlertMessage) -> Alert:
    """Raises BadValue when the severity, the label or a threshold is unknown."""
    require_in("severity", message.severity, get_args(Severity))
    return Alert(
        alert_id=message.alert_id,
        stamp_ns=stamp_from_ros(message.header.stamp),
        severity=message.severity,
        reason=_reason_from_ros(message.reason),
        zone_id=message.zone_id,
        track_id=message.track_id,
        label=label_from_text(message.label),
        ground=_ground_from_ros(message.ground),
        position_uncertain=message.position_uncertain,
        picture_jpeg=array_from_ros(message.picture_jpeg, np.uint8).tobytes(),
        incident_id=message.incident_id,
        path_m=array_from_ros(message.path_m, np.float64).reshape(-1, 2),
    )


def label_from_text(text: str) -> Label:
    """Raises BadValue for an unknown one."""
    require_in("label", text, tuple(label.value for label in Label))
    return Label(text)


def _box_to_ros(box: Box) -> BoxMessage:
    return BoxMessage(x0_px=float(box.x0_px), y0_px=float(box.y0_px), x1_px=float(box.x1_px), y1_px=float(box.y1_px))


def _ground_to_ros(ground: GroundPosition) -> GroundMessage:
    return GroundMessage(
        position_m=ground.position_m, velocity_mps=ground.velocity_mps, covariance_m2=ground.covariance_m2.reshape(-1)
    )


def _ground_from_ros(message: GroundMessage) -> GroundPosition:
    return GroundPosition(
        position_m=np.array(message.position_m),
        velocity_mps=np.array(message.velocity_mps),
        covariance_m2=np.array(message.covariance_m2).reshape(2, 2),
    )


def _reason_to_ros(reason: Reason) -> ReasonMessage:
    thresholds = [
        ThresholdMessage(name=item.name, measured=float(item.measured), limit=float(item.limit), holds_when=item.holds_when)
        for item in reason.thresholds
    ]
    return ReasonMessage(rule=reason.rule, sentence=reason.sentence, thresholds=thresholds, nearest_change=reason.nearest_change)


def _reason_from_ros(message: ReasonMessage) -> Reason:
    for item in message.thresholds:
        require_in("holds_when", item.holds_when, (ThresholdMessage.AT_LEAST, ThresholdMessage.AT_MOST))
    thresholds = tuple(
        Threshold(name=item.name, measured=item.measured, limit=item.limit, holds_when=item.holds_when)
        for item in message.thresholds
    )
    return Reason(rule=message.rule, sentence=message.sentence, thresholds=thresholds, nearest_change=message.nearest_change)
