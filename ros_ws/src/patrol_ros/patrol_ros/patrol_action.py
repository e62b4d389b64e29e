# SPDX-License-Identifier: Apache-2.0
"""The ``patrol`` action: its goal starts a mission, its feedback is the progress, its result what became of the waypoints."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from patrol_msgs.action import Patrol
from rclpy.action.server import ActionServer, CancelResponse, GoalResponse
from rclpy.task import Future

from patrol.clock import NS_PER_S
from patrol.geometry import Pose2
from patrol.operations import Accepted, Command, CommandAnswer, CommandKind, Mode, RobotState, WaypointOutcome
from patrol_ros.conversions.operations import outcome_to_ros, progress_to_ros
from patrol_ros.conversions.stamps import stamp_to_ros
from patrol_ros.link import Link

log = logging.getLogger(__name__)
_SERVER: Any = ActionServer
_FUTURE: Any = Future
_EXPIRES_NS = 10 * NS_PER_S


class PatrolAction:
    """Serves one goal at a time; a goal given while another runs is refused by the mission itself."""

    def __init__(self, link: Link, accept: Callable[[Command], CommandAnswer]) -> None:
        self._link, self._accept = link, accept
        self._goal: Any = None
        self._ended: Any = None
        self._result: Any = None
        self._last: Pose2 | None = None
        self._server = _SERVER(
            link.node,
            Patrol,
            "patrol",
            execute_callback=self._execute,
            goal_callback=self._on_goal,
            cancel_callback=self._on_cancel,
        )

    def follow(self, state: RobotState, outcomes: tuple[WaypointOutcome, ...], *, mission_done: bool) -> None:
        """Tell the goal in hand how it goes; ends it when its mission is done or was given up."""
        if self._goal is None or self._ended is None:
            return
        self._result.outcomes = [*self._result.outcomes, *(outcome_to_ros(outcome) for outcome in outcomes)]
        if self._last is not None and state.map_from_base is not None:
            self._result.distance_m += self._last.distance_to(state.map_from_base)
        self._last = state.map_from_base or self._last
        if state.progress is not None:
            feedback = Patrol.Feedback(progress=progress_to_ros(state.progress), mode=state.mode.value, why=state.why)
            self._goal.publish_feedback(feedback)
        if mission_done or state.mode is Mode.IDLE:
            self._end(state)

    def _on_goal(self, request: Any) -> Any:
        if self._goal is not None:
            return GoalResponse.REJECT
        answer = self._command(CommandKind.START, request.issued_by or "action", request.mission_id)
        log.info("patrol %s: %s", request.mission_id, answer)
        return GoalResponse.ACCEPT if isinstance(answer, Accepted) else GoalResponse.REJECT

    def _on_cancel(self, _goal: Any) -> Any:
        answer = self._command(CommandKind.ABORT, "action")
        return CancelResponse.ACCEPT if isinstance(answer, Accepted) else CancelResponse.REJECT

    def _command(self, kind: CommandKind, issued_by: str, mission_id: str = "") -> CommandAnswer:
        now_ns = self._link.now_ns()
        name = f"action-{kind}-{now_ns}"
        return self._accept(
            Command(command_id=name, kind=kind, expires_ns=now_ns + _EXPIRES_NS, issued_by=issued_by, mission_id=mission_id)
        )

    async def _execute(self, goal: Any) -> Any:
        self._goal, self._ended = goal, _FUTURE()
        self._result, self._last = Patrol.Result(started=stamp_to_ros(self._link.now_ns())), None
        await self._ended
        result, self._goal, self._ended = self._result, None, None
        if result.outcome == "completed":
            goal.succeed()
        elif goal.is_cancel_requested:
            goal.canceled()
        else:
            goal.abort()
        return result

    def _end(self, state: RobotState) -> None:
        missing = [outcome for outcome in self._result.outcomes if outcome.outcome == "pre-empted"]
        self._result.outcome = "aborted" if missing else "completed"
        self._result.because = missing[0].because if missing else ""
        self._result.ended = stamp_to_ros(state.stamp_ns)
        if not self._ended.done():
            self._ended.set_result(None)
