# SPDX-License-Identifier: Apache-2.0
"""What a team asks of its robots."""

from __future__ import annotations

from geometry_msgs.msg import Pose2D
from patrol_msgs.msg import AssignedStop as StopMessage
from patrol_msgs.msg import Assignment as AssignmentMessage
from patrol_msgs.msg import PassagesHeld as PassagesMessage

from patrol.assignment import Assignment
from patrol.geometry import Pose2
from patrol.operations import RouteWaypoint
from patrol.passages import PassagesHeld
from patrol_ros.conversions.stamps import stamp_from_ros, stamp_to_ros


def assignment_to_ros(assignment: Assignment) -> AssignmentMessage:
    """patrol_msgs/Assignment."""
    return AssignmentMessage(
        stamp=stamp_to_ros(assignment.stamp_ns),
        mission_id=assignment.mission_id,
        stops=[_stop_to_ros(stop) for stop in assignment.stops],
        because=assignment.because,
        is_over=assignment.is_over,
    )


def assignment_from_ros(message: AssignmentMessage) -> Assignment:
    """Raises BadValue for one without stops that is not the end."""
    return Assignment(
        stamp_ns=stamp_from_ros(message.stamp),
        mission_id=message.mission_id,
        stops=tuple(_stop_from_ros(stop) for stop in message.stops),
        because=message.because,
        is_over=bool(message.is_over),
    )


def passages_to_ros(told: PassagesHeld) -> PassagesMessage:
    """patrol_msgs/PassagesHeld."""
    refused = [word for name, because in sorted(told.refused.items()) for word in (name, because)]
    return PassagesMessage(stamp=stamp_to_ros(told.stamp_ns), held=sorted(told.held), refused=refused)


def passages_from_ros(message: PassagesMessage) -> PassagesHeld:
    """Raises ValueError where a passage is refused without a reason."""
    refused = dict(zip(message.refused[::2], message.refused[1::2], strict=True))
    return PassagesHeld(stamp_ns=stamp_from_ros(message.stamp), held=frozenset(message.held), refused=refused)


def _stop_to_ros(stop: RouteWaypoint) -> StopMessage:
    pose = Pose2D(x=float(stop.pose.x_m), y=float(stop.pose.y_m), theta=float(stop.pose.yaw_rad))
    return StopMessage(
        waypoint_id=stop.waypoint_id,
        pose=pose,
        dwell_s=float(stop.dwell_s),
        not_before=stamp_to_ros(stop.not_before_ns),
        floor=int(stop.floor),
    )


def _stop_from_ros(message: StopMessage) -> RouteWaypoint:
    return RouteWaypoint(
        waypoint_id=message.waypoint_id,
        pose=Pose2(message.pose.x, message.pose.y, message.pose.theta),
        dwell_s=message.dwell_s,
        not_before_ns=stamp_from_ros(message.not_before),
        floor=int(message.floor),
    )
