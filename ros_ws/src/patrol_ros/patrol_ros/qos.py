# SPDX-License-Identifier: Apache-2.0
"""The quality-of-service profiles of ``patrol.topics``, as ROS 2 has them."""

from __future__ import annotations

from typing import Any

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from patrol.topics import Qos

_DEPTHS = {Qos.SENSOR: 5, Qos.STREAM: 5, Qos.RELIABLE: 50, Qos.LATCHED: 1}


_PROFILE: Any = QoSProfile


def profile(qos: Qos) -> Any:
    """The profile for publishers and subscriptions alike."""
    reliable = qos is not Qos.SENSOR
    latched = qos is Qos.LATCHED
    return _PROFILE(
        history=HistoryPolicy.KEEP_LAST,
        depth=_DEPTHS[qos],
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )
