# SPDX-License-Identifier: Apache-2.0
"""The leaf that leaves the round for a while, because an alert asks for it."""

from __future__ import annotations

from py_trees.common import Status

from mission.behaviour.leaves import Work, known_view
from mission.driver import slowed


class AttendToAlert(Work):
    """Looks for who went out of sight, or at a thing from all around; fails when nothing asks for it."""

    def update(self) -> Status:
        turn, tools = self._now(), self._tools
        if turn.actions.finish_leg or not tools.attendant.is_busy:
            return self.say(Status.FAILURE, "Nothing asks for attention.")
        if tools.lifts.is_riding:
            return self.say(Status.FAILURE, "The robot leaves the lift first.")
        view = known_view(turn)
        waits, gave_up = self._held_up(turn, view)
        if gave_up:
            tools.attendant.leave(view.now_ns, gave_up)
        if waits:
            return self._drive(turn, tools.navigator.slow_down(view.dt_s), waits)
        step = tools.attendant.step(view, turn.news)
        turn.inspection = step.inspection
        return self._drive(turn, slowed(step.twist, turn.limit_mps(tools)), step.why)
