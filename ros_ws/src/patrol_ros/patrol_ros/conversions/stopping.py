# SPDX-License-Identifier: Apache-2.0
"""What the stop guard lets through."""

from __future__ import annotations

from dataclasses import dataclass

from patrol_msgs.msg import StopState

from mission.stop_guard import Guarded, StopReason
from patrol.geometry import Twist2
from patrol_ros.conversions.geometry import twist_from_ros, twist_to_ros
from patrol_ros.conversions.stamps import stamp_from_ros, stamp_to_ros

_STATES = {
    StopReason.CLEAR: StopState.CLEAR,
    StopReason.SLOWED: StopState.SLOWED,
    StopReason.WARY: StopState.SLOWED,
    StopReason.ESTOPPED: StopState.ESTOPPED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """What other nodes learn of the guard."""

    stamp_ns: int
    state: str
    because: str
    estop_latched: bool
    twist: Twist2


def guarded_to_ros(guarded: Guarded, *, estopped: bool, stamp_ns: int) -> StopState:
    """patrol_msgs/StopState."""
    return StopState(
        stamp=stamp_to_ros(stamp_ns),
        state=_STATES.get(guarded.reason, StopState.STOPPED),
        because=guarded.reason.value,
        estop_latched=estopped,
        free_m=float(guarded.free_m),
        twist=twist_to_ros(guarded.twist),
    )


def stopping_from_ros(message: StopState) -> Stopping:
    """Raises BadValue when the twist is not finite."""
    return Stopping(
        stamp_ns=stamp_from_ros(message.stamp),
        state=message.state,
        because=message.because,
        estop_latched=message.estop_latched,
        twist=twist_from_ros(message.twist),
    )
