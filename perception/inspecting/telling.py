# SPDX-License-Identifier: Apache-2.0
"""What a person reads of an inspection: an alert of severity info that belongs to the incident."""

from __future__ import annotations

import numpy as np

from patrol.inspection import InspectionReport
from patrol.percepts import Alert, GroundPosition, Reason, Threshold

RULE = "inspection"
_ZERO_C_K = 273.15


def alert_of(report: InspectionReport) -> Alert:
    """The alert that tells what was found."""
    state = report.state
    limit = Threshold(name="seen_deg", measured=state.seen_deg, limit=state.wanted_deg, holds_when="at least")
    pictured = [view for view in report.views if view.picture_jpeg]
    nearest = min(pictured, key=lambda view: view.distance_m, default=None)
    spread_m = 0.5 * state.radius_m if report.size_error_m is None else report.size_error_m
    ground = GroundPosition(position_m=state.position_m, velocity_mps=np.zeros(2), covariance_m2=np.eye(2) * spread_m**2)
    return Alert(
        alert_id=Alert.id_for(RULE, state.zone_id, state.track_id, report.began_ns),
        stamp_ns=state.stamp_ns,
        severity="info",
        reason=Reason(rule=RULE, sentence=sentence_of(report), thresholds=(limit,), nearest_change=_change(limit)),
        zone_id=state.zone_id,
        track_id=state.track_id,
        label=state.label,
        ground=ground,
        position_uncertain=False,
        picture_jpeg=b"" if nearest is None else nearest.picture_jpeg,
        incident_id=state.incident_id,
    )


def sentence_of(report: InspectionReport) -> str:
    """One or two sentences: how much was seen, size, temperature, and why no more."""
    state = report.state
    said = f"The {state.label.value} was seen from {state.seen_deg:.0f} degrees"
    if report.size_m is None:
        said += "; the lidar met too little of it to measure"
    else:
        said += (
            "; it measures " + " x ".join(f"{side:.1f}" for side in report.size_m) + f" m (within {report.size_error_m:.1f} m)"
        )
    warmest = report.warmest
    if warmest is not None and warmest.warmest_k is not None:
        said += f"; its warmest side is at {warmest.warmest_k - _ZERO_C_K:.0f} °C"
        if warmest.around_k is not None:
            said += f", its surroundings at {warmest.around_k - _ZERO_C_K:.0f} °C"
    return f"{said}. {state.because[:1].upper()}{state.because[1:]}{'.' if state.because else ''}".strip()


def _change(limit: Threshold) -> str:
    if limit.margin >= 0.0:
        return f"{limit.margin:.0f} degrees less would still have been enough."
    return f"{-limit.margin:.0f} degrees more would have been enough."
