# SPDX-License-Identifier: Apache-2.0
"""Stamps and headers."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from patrol.clock import NS_PER_S
from patrol.errors import BadValue

_MOST_S = 2**31


def stamp_to_ros(stamp_ns: int) -> Time:
    """Nanoseconds as seconds and a remainder that is never negative. Raises BadValue when 32 bits can not hold the seconds."""
    sec, nanosec = divmod(stamp_ns, NS_PER_S)
    if not -_MOST_S <= sec < _MOST_S:
        raise BadValue(f"stamp_ns: {stamp_ns} is beyond what a ROS stamp can hold")
    return Time(sec=sec, nanosec=nanosec)


def stamp_from_ros(stamp: Time) -> int:
    """Nanoseconds of the message's clock."""
    return int(stamp.sec) * NS_PER_S + int(stamp.nanosec)


def header_to_ros(stamp_ns: int, frame_id: str) -> Header:
    """A header in ``frame_id``."""
    return Header(stamp=stamp_to_ros(stamp_ns), frame_id=frame_id)
