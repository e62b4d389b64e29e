# SPDX-License-Identifier: Apache-2.0
"""What was heard as the records that a recording holds, without ROS: dictionaries in, decoded messages out. There is none for
sound itself."""

from __future__ import annotations

from typing import Any

from patrol.air import Sky
from patrol.checks import require_in
from patrol.clock import NS_PER_S
from patrol.errors import BadValue
from patrol.geometry import Pose2
from patrol.percepts import SOUNDS, Label
from patrol.sound import MICROPHONE_FRAME, Bearing, Listener, SoundEvent

Record = dict[str, Any]


def sounds_record(stamp_ns: int, events: tuple[SoundEvent, ...], *, sky: Sky | None, pose_doubt: str) -> Record:
    """``patrol_msgs/msg/SoundEventArray``."""
    return {
        "header": {"stamp": _stamp(stamp_ns), "frame_id": MICROPHONE_FRAME},
        "events": [_event(event) for event in events],
        "sky": "" if sky is None else sky.value,
        "pose_doubt": pose_doubt,
    }


def sounds_in(message: Any) -> tuple[SoundEvent, ...]:
    """The events of a decoded SoundEventArray. Raises BadValue when one is none."""
    return tuple(_event_in(event) for event in message.events)


def _event(event: SoundEvent) -> Record:
    bearing, listener = event.bearing, event.listener
    pose = None if listener is None else listener.map_from_base
    return {
        "event_id": event.event_id,
        "label": event.label.value,
        "onset": _stamp(event.onset_ns),
        "heard": _stamp(event.heard_ns),
        "score": event.score,
        "level_db": event.level_db,
        "azimuth_rad": [] if bearing is None else [bearing.azimuth_rad],
        "azimuth_std_rad": [] if bearing is None else [bearing.std_rad],
        "map_from_base": [] if pose is None else [pose.x_m, pose.y_m, pose.yaw_rad],
        "position_std_m": 0.0 if listener is None else listener.position_std_m,
        "yaw_std_rad": 0.0 if listener is None else listener.yaw_std_rad,
    }


def _event_in(message: Any) -> SoundEvent:
    require_in("label", message.label, tuple(label.value for label in SOUNDS))
    azimuth, std, pose = (list(getattr(message, name)) for name in ("azimuth_rad", "azimuth_std_rad", "map_from_base"))
    if len(azimuth) != len(std) or len(azimuth) > 1:
        raise BadValue(f"azimuth_rad: {azimuth!r} with standard deviations {std!r} is neither one bearing nor none")
    if len(pose) not in (0, 3):
        raise BadValue(f"map_from_base: {pose!r} is neither x, y, yaw nor empty")
    listener = None
    if pose:
        listener = Listener(map_from_base=Pose2(*pose), position_std_m=message.position_std_m, yaw_std_rad=message.yaw_std_rad)
    return SoundEvent(
        event_id=message.event_id,
        label=Label(message.label),
        onset_ns=_stamp_ns(message.onset),
        heard_ns=_stamp_ns(message.heard),
        score=message.score,
        level_db=message.level_db,
        bearing=Bearing(azimuth_rad=azimuth[0], std_rad=std[0]) if azimuth else None,
        listener=listener,
    )


def _stamp(stamp_ns: int) -> Record:
    return {"sec": stamp_ns // NS_PER_S, "nanosec": stamp_ns % NS_PER_S}


def _stamp_ns(stamp: Any) -> int:
    return int(stamp.sec) * NS_PER_S + int(stamp.nanosec)
