# SPDX-License-Identifier: Apache-2.0
"""How far a mission is, and how long it will still take."""

from __future__ import annotations

from itertools import pairwise

from mission.ledger import Ledger
from patrol.geometry import Pose2
from patrol.operations import MissionProgress

_DETOUR = 1.25
"""A driven leg is this much longer than the straight line, turns and slow parts included."""


def progress_of(ledger: Ledger, pose: Pose2 | None) -> MissionProgress:
    """Feedback on an open or a finished mission; the time left is an estimate from straight lines and dwell times."""
    open_waypoint = "" if ledger.is_done else ledger.waypoint.waypoint_id
    return MissionProgress(
        mission_id=ledger.mission.mission_id,
        lap=ledger.lap,
        leg=ledger.leg,
        legs=ledger.legs,
        waypoint_id=open_waypoint,
        fraction=len(ledger.outcomes) / ledger.total,
        time_left_s=0.0 if ledger.is_done else _time_left_s(ledger, pose),
    )


def _time_left_s(ledger: Ledger, pose: Pose2 | None) -> float:
    stops = ledger.mission.route.waypoints
    lap_m = sum(stops[index - 1].pose.distance_to(stops[index].pose) for index in range(len(stops)))
    lap_dwell_s = sum(stop.dwell_s for stop in stops)
    rest = stops[ledger.leg :]
    rest_m = sum(one.pose.distance_to(two.pose) for one, two in pairwise(rest))
    rest_m += pose.distance_to(rest[0].pose) if pose is not None else 0.0
    laps_after = ledger.mission.laps - ledger.lap - 1
    length_m = rest_m + laps_after * lap_m
    dwell_s = sum(stop.dwell_s for stop in rest) + laps_after * lap_dwell_s
    return _DETOUR * length_m / ledger.mission.speed_mps + dwell_s
