# SPDX-License-Identifier: Apache-2.0
"""What becomes of a robot's messages: facts are stored once and confirmed, the rest updates the picture of the robot."""

from __future__ import annotations

import time

from sqlalchemy.orm import Session

from command_centre.api.browser import AlertChanged, AlertView
from command_centre.api.centre import Centre
from command_centre.api.link import RobotLink
from command_centre.api.records import claim_sequence, store_alert, store_outcome
from patrol.wire import AlertRaised, CommandAnswered, FromRobot, Hello, OutcomeReported, Received

Durable = AlertRaised | OutcomeReported | CommandAnswered


class RobotIntake:
    """Takes the messages of one connection, in order."""

    def __init__(self, centre: Centre, link: RobotLink) -> None:
        self.link = link
        self._centre = centre

    async def take(self, message: FromRobot) -> None:
        """Act on one message. A durable one is confirmed once it is stored; one that was stored before changes nothing."""
        match message:
            case AlertRaised() | OutcomeReported() | CommandAnswered():
                await self._take_durable(message)
                self.link.send(Received(sequence=message.sequence))
            case Hello():
                self._centre.fleet.connect(self.link, message)
            case _:
                self._show(message)

    async def _take_durable(self, message: Durable) -> None:
        robot_id, now_ns = self.link.robot_id, self._centre.clock.now_ns()

        def work(session: Session) -> tuple[bool, AlertView | None]:
            if not claim_sequence(session, robot_id, message.sequence):
                return False, None
            if isinstance(message, AlertRaised):
                view = store_alert(session, robot_id, message, now_ns=now_ns)
                detail = {"alert_key": view.alert_key, "alert_id": view.alert_id, "rule": view.reason.rule}
                self._centre.audit.append(
                    session, actor=robot_id, action="alert raised", subject=view.zone_id[:128], detail=detail
                )
                return True, view
            if isinstance(message, OutcomeReported):
                store_outcome(session, robot_id, message, now_ns=now_ns)
            return True, None

        is_new, alert = await self._centre.database.write(work)
        if alert is not None:
            self._centre.audience.tell(AlertChanged(alert=alert))
        if not is_new:
            return
        if isinstance(message, OutcomeReported):
            self._show(message)
        elif isinstance(message, CommandAnswered):
            await self._centre.commands.take_answer(robot_id, message)

    def _show(self, message: FromRobot) -> None:
        if isinstance(message, Hello | AlertRaised | CommandAnswered):
            return
        changes = self._centre.fleet.state(self.link.robot_id).take(message, time.monotonic())
        self._centre.audience.tell(*changes)
