# SPDX-License-Identifier: Apache-2.0
"""What perception says as the records that a recording holds, without ROS: dictionaries in, decoded messages out.

The fields are those of ``patrol_msgs``; ``patrol_ros.conversions`` does the same for ROS's own classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from patrol.air import Sky
from patrol.checks import require_in
from patrol.clock import NS_PER_S
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2
from patrol.percepts import Alert, Box, GroundPosition, Label, Reason, Track

Record = dict[str, Any]
_MAP = "map"


def tracks_record(stamp_ns: int, frame_id: str, tracks: tuple[Track, ...], *, sky: Sky | None = None) -> Record:
    """``patrol_msgs/msg/TrackArray``."""
    told = "" if sky is None else sky.value
    return {"header": _header(stamp_ns, frame_id), "tracks": [_track(track) for track in tracks], "sky": told}


def alert_record(alert: Alert) -> Record:
    """``patrol_msgs/msg/Alert``."""
    return {
        "header": _header(alert.stamp_ns, _MAP),
        "alert_id": alert.alert_id,
        "severity": alert.severity,
        "reason": _reason(alert.reason),
        "zone_id": alert.zone_id,
        "track_id": alert.track_id,
        "label": alert.label.value,
        "ground": _ground(alert.ground),
        "position_uncertain": alert.position_uncertain,
        "picture_jpeg": list(alert.picture_jpeg),
        "incident_id": alert.incident_id,
        "path_m": alert.path_m.reshape(-1).tolist(),
    }


def localisation_record(estimate: PoseEstimate) -> Record:
    """``patrol_msgs/msg/Localisation``."""
    return {
        "header": _header(estimate.stamp_ns, _MAP),
        "map_from_odom": _pose(estimate.map_from_odom),
        "odom_from_base": _pose(estimate.odom_from_base),
        "covariance": estimate.covariance.reshape(-1).tolist(),
        "position_std_m": estimate.position_std_m,
        "doubt": estimate.doubt,
        "floor": estimate.floor,
    }


def stamp_in(message: Any) -> int:
    """Nanoseconds of a decoded message's header."""
    return _stamp_ns(message.header.stamp)


def sky_in(message: Any) -> Sky | None:
    """What the lidar made of the air, in a decoded TrackArray; None where it did not say. Raises BadValue for other words."""
    told = getattr(message, "sky", "")
    require_in("sky", told, ("", *(sky.value for sky in Sky)))
    return Sky(told) if told else None


def tracks_in(message: Any) -> tuple[Track, ...]:
    """The tracks of a decoded TrackArray, also of a recording made before tracks had all of today's fields.

    Raises BadValue when one is none.
    """
    return tuple(_track_in(track) for track in message.tracks)


def _track_in(message: Any) -> Track:
    require_in("label", message.label, tuple(label.value for label in Label))
    box = message.box[0] if message.box else None
    ground = message.ground[0] if message.ground else None
    return Track(
        track_id=message.track_id,
        label=Label(message.label),
        state=message.state,
        stamp_ns=_stamp_ns(message.stamp),
        first_seen_ns=_stamp_ns(message.first_seen),
        last_seen_ns=_stamp_ns(message.last_seen),
        hits=message.hits,
        score=message.score,
        box=None if box is None else Box(x0_px=box.x0_px, y0_px=box.y0_px, x1_px=box.x1_px, y1_px=box.y1_px),
        ground=None if ground is None else _ground_in(ground),
        floor=message.floor,
        cold_s=getattr(message, "cold_s", 0.0),
        top_m=next(iter(getattr(message, "top_m", ())), None),
        drove_m=next(iter(getattr(message, "drove_m", ())), None),
    )


def _ground_in(message: Any) -> GroundPosition:
    return GroundPosition(
        position_m=np.array(message.position_m),
        velocity_mps=np.array(message.velocity_mps),
        covariance_m2=np.array(message.covariance_m2).reshape(2, 2),
    )


def _track(track: Track) -> Record:
    box = track.box
    return {
        "stamp": _stamp(track.stamp_ns),
        "first_seen": _stamp(track.first_seen_ns),
        "last_seen": _stamp(track.last_seen_ns),
        "track_id": track.track_id,
        "label": track.label.value,
        "state": track.state,
        "hits": track.hits,
        "score": track.score,
        "box": [] if box is None else [{"x0_px": box.x0_px, "y0_px": box.y0_px, "x1_px": box.x1_px, "y1_px": box.y1_px}],
        "ground": [] if track.ground is None else [_ground(track.ground)],
        "floor": track.floor,
        "cold_s": track.cold_s,
        "top_m": [] if track.top_m is None else [track.top_m],
        "drove_m": [] if track.drove_m is None else [track.drove_m],
    }


def _reason(reason: Reason) -> Record:
    tests = [
        {"name": test.name, "measured": test.measured, "limit": test.limit, "holds_when": test.holds_when}
        for test in reason.thresholds
    ]
    return {"rule": reason.rule, "sentence": reason.sentence, "thresholds": tests, "nearest_change": reason.nearest_change}


def _ground(ground: GroundPosition) -> Record:
    return {
        "position_m": ground.position_m.tolist(),
        "velocity_mps": ground.velocity_mps.tolist(),
        "covariance_m2": ground.covariance_m2.reshape(-1).tolist(),
    }


def _pose(pose: Pose2) -> Record:
    return {"x": pose.x_m, "y": pose.y_m, "theta": pose.yaw_rad}


def _header(stamp_ns: int, frame_id: str) -> Record:
    return {"stamp": _stamp(stamp_ns), "frame_id": frame_id}


def _stamp(stamp_ns: int) -> Record:
    return {"sec": stamp_ns // NS_PER_S, "nanosec": stamp_ns % NS_PER_S}


def _stamp_ns(message: Any) -> int:
    return int(message.sec) * NS_PER_S + int(message.nanosec)
