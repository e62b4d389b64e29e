# SPDX-License-Identifier: Apache-2.0
"""Nav2 as the driver of the mission: its action ``navigate_to_pose``, its controller's twist and its planner's path.

Used where the parameter ``driver`` says ``nav2``. Nav2's controller must publish on ``nav2/cmd_vel`` (as Twist) and its
planner on ``nav2/plan``; its goals are in the frame ``map``, which the robot's own localisation provides.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion
from nav2_msgs.action import NavigateToPose
from rclpy.action.client import ActionClient

from mission.nav2 import GoalNews, GoalState, Nav2Config, Nav2Navigator
from mission.navigator import Navigator
from patrol.geometry import Pose2
from patrol_ros.conversions.geometry import path_from_ros, twist_from_ros
from patrol_ros.conversions.stamps import header_to_ros
from patrol_ros.link import Link

log = logging.getLogger(__name__)
ACTION = "navigate_to_pose"
_CLIENT: Any = ActionClient
_ENDED: dict[int, GoalState] = {
    GoalStatus.STATUS_SUCCEEDED: "succeeded",
    GoalStatus.STATUS_CANCELED: "canceled",
    GoalStatus.STATUS_ABORTED: "aborted",
}


class Nav2Port:
    """One goal at a time; ``driver`` makes the navigator that uses it. Everything happens on the executor's thread."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._client = _CLIENT(link.node, NavigateToPose, ACTION)
        self._navigator: Nav2Navigator | None = None
        self._number = 0
        self._handle: Any = None
        link.subscribe("nav2/cmd_vel", self._on_twist)
        link.subscribe("nav2/plan", self._on_plan)

    def driver(self, own: Navigator) -> Nav2Navigator:
        """The navigator that drives through this port."""
        self._navigator = Nav2Navigator(Nav2Config(), self, own)
        return self._navigator

    def send(self, number: int, pose: Pose2) -> None:
        """Send the goal; what becomes of it is told under its number."""
        self.cancel()
        self._number = number
        if not self._client.server_is_ready():
            self._tell(GoalNews(number=number, state="no server"))
            return
        goal = NavigateToPose.Goal(pose=_stamped(self._link.now_ns(), pose))
        sending = self._client.send_goal_async(goal, feedback_callback=lambda said: self._on_feedback(number, said.feedback))
        sending.add_done_callback(lambda done: self._on_answer(number, done.result()))

    def cancel(self) -> None:
        """Give up the goal in hand. One that is not answered yet is given up as soon as it is."""
        self._number = 0
        if self._handle is not None:
            self._handle.cancel_goal_async()
            self._handle = None

    def _on_answer(self, number: int, handle: Any) -> None:
        if not handle.accepted:
            self._tell(GoalNews(number=number, state="rejected"))
            return
        if number != self._number:
            handle.cancel_goal_async()
            return
        self._handle = handle
        self._tell(GoalNews(number=number, state="accepted"))
        handle.get_result_async().add_done_callback(lambda done: self._on_result(number, done.result()))

    def _on_feedback(self, number: int, feedback: Any) -> None:
        self._tell(GoalNews(number=number, state="running", left_m=float(feedback.distance_remaining)))

    def _on_result(self, number: int, result: Any) -> None:
        state = _ENDED.get(result.status, "aborted")
        words = str(getattr(result.result, "error_msg", "")) or f"error {result.result.error_code}"
        if number == self._number:
            self._handle = None
        self._tell(GoalNews(number=number, state=state, because=words if state == "aborted" else ""))

    def _on_twist(self, message: Any) -> None:
        if self._navigator is not None:
            self._navigator.hear_twist(twist_from_ros(message), self._link.now_ns())

    def _on_plan(self, message: Any) -> None:
        if self._navigator is not None:
            self._navigator.hear_plan(np.array([(pose.x_m, pose.y_m) for pose in path_from_ros(message)]).reshape(-1, 2))

    def _tell(self, news: GoalNews) -> None:
        log.debug("nav2: %s", news)
        if self._navigator is not None:
            self._navigator.hear(news)


def _stamped(now_ns: int, pose: Pose2) -> PoseStamped:
    """A goal in map."""
    half = 0.5 * pose.yaw_rad
    turned = Quaternion(x=0.0, y=0.0, z=float(np.sin(half)), w=float(np.cos(half)))
    return PoseStamped(
        header=header_to_ros(now_ns, "map"),
        pose=Pose(position=Point(x=float(pose.x_m), y=float(pose.y_m), z=0.0), orientation=turned),
    )
