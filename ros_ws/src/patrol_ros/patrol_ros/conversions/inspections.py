# SPDX-License-Identifier: Apache-2.0
"""How far an inspection has come, and what it found."""

from __future__ import annotations

import numpy as np
from patrol_msgs.msg import InspectionReport as ReportMessage
from patrol_msgs.msg import InspectionState as StateMessage
from patrol_msgs.msg import InspectionView as ViewMessage

from patrol.inspection import InspectionReport, InspectionState, InspectionView
from patrol_ros.conversions.arrays import array_from_ros, array_to_ros
from patrol_ros.conversions.percepts import label_from_text
from patrol_ros.conversions.stamps import header_to_ros, stamp_from_ros, stamp_to_ros


def inspection_to_ros(state: InspectionState) -> StateMessage:
    """patrol_msgs/InspectionState in map."""
    return StateMessage(
        header=header_to_ros(state.stamp_ns, "map"),
        inspection_id=state.inspection_id,
        alert_id=state.alert_id,
        incident_id=state.incident_id,
        phase=state.phase,
        label=state.label.value,
        zone_id=state.zone_id,
        track_id=int(state.track_id),
        position_m=state.position_m,
        radius_m=float(state.radius_m),
        seen_rad=float(state.seen_rad),
        wanted_rad=float(state.wanted_rad),
        because=state.because,
    )


def inspection_from_ros(message: StateMessage) -> InspectionState:
    """Raises BadValue when the phase or the label is unknown."""
    return InspectionState(
        inspection_id=message.inspection_id,
        alert_id=message.alert_id,
        incident_id=message.incident_id,
        stamp_ns=stamp_from_ros(message.header.stamp),
        phase=message.phase,
        label=label_from_text(message.label),
        zone_id=message.zone_id,
        track_id=message.track_id,
        position_m=np.array(message.position_m),
        radius_m=message.radius_m,
        seen_rad=message.seen_rad,
        wanted_rad=message.wanted_rad,
        because=message.because,
    )


def inspection_report_to_ros(report: InspectionReport) -> ReportMessage:
    """patrol_msgs/InspectionReport."""
    return ReportMessage(
        state=inspection_to_ros(report.state),
        began=stamp_to_ros(report.began_ns),
        size_m=[] if report.size_m is None else [float(side) for side in report.size_m],
        size_error_m=[] if report.size_error_m is None else [float(report.size_error_m)],
        views=[_view_to_ros(view) for view in report.views],
    )


def inspection_report_from_ros(message: ReportMessage) -> InspectionReport:
    """Raises BadValue when the inspection's state is none, or its size has not three sides."""
    size = tuple(message.size_m)
    return InspectionReport(
        state=inspection_from_ros(message.state),
        began_ns=stamp_from_ros(message.began),
        size_m=(size[0], size[1], size[2]) if len(size) == 3 else None,
        size_error_m=message.size_error_m[0] if message.size_error_m else None,
        views=tuple(_view_from_ros(view) for view in message.views),
    )


def _view_to_ros(view: InspectionView) -> ViewMessage:
    return ViewMessage(
        stamp=stamp_to_ros(view.stamp_ns),
        bearing_rad=float(view.bearing_rad),
        distance_m=float(view.distance_m),
        warmest_k=[] if view.warmest_k is None else [float(view.warmest_k)],
        around_k=[] if view.around_k is None else [float(view.around_k)],
        picture_jpeg=array_to_ros(np.frombuffer(view.picture_jpeg, dtype=np.uint8)),
    )


def _view_from_ros(message: ViewMessage) -> InspectionView:
    return InspectionView(
        stamp_ns=stamp_from_ros(message.stamp),
        bearing_rad=message.bearing_rad,
        distance_m=message.distance_m,
        warmest_k=message.warmest_k[0] if message.warmest_k else None,
        around_k=message.around_k[0] if message.around_k else None,
        picture_jpeg=array_from_ros(message.picture_jpeg, np.uint8).tobytes(),
    )
