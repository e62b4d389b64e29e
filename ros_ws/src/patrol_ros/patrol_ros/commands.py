# SPDX-License-Identifier: Apache-2.0
"""Commands between processes: the service ``SendCommand`` of the mission node and of the stop node."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from patrol_msgs.srv import SendCommand

from patrol.errors import PatrolError
from patrol.operations import Command, CommandAnswer, Refused
from patrol_ros.conversions.operations import answer_from_ros, answer_to_ros, command_from_ros, command_to_ros
from patrol_ros.link import Link

log = logging.getLogger(__name__)
MISSION_SERVICE = "send_command"
STOP_SERVICE = "stop/send_command"
ANSWER_WITHIN_S = 3.0
OnAnswer = Callable[[CommandAnswer], None]


def serve_commands(link: Link, service: str, carry_out: Callable[[Command], CommandAnswer]) -> None:
    """Answer every command; one that can not be understood is refused in words."""

    def answer(request: Any, _response: Any) -> Any:
        try:
            return answer_to_ros(carry_out(command_from_ros(request)))
        except PatrolError as error:
            log.exception("%s: refused", service)
            return answer_to_ros(Refused(command_id=request.command_id, because=str(error)))

    link.node.create_service(SendCommand, service, answer)


class CommandSender:
    """Sends commands to one service without waiting. Every command is answered, if only with why there is no answer."""

    def __init__(self, link: Link, service: str) -> None:
        self._service = service
        self._client = link.node.create_client(SendCommand, service)
        self._waiting: dict[str, tuple[float, OnAnswer]] = {}
        link.every_wall(0.25, self._give_up_late_ones)

    def send(self, command: Command, on_answer: OnAnswer) -> None:
        """``on_answer`` gets the answer on the executor's thread: within three seconds, or a refusal that says so."""
        if not self._client.service_is_ready():
            on_answer(Refused(command_id=command.command_id, because=f"{self._service} is not there"))
            return
        self._waiting[command.command_id] = (time.monotonic() + ANSWER_WITHIN_S, on_answer)
        future = self._client.call_async(command_to_ros(command))
        future.add_done_callback(lambda done: self._answered(answer_from_ros(command.command_id, done.result())))

    def _answered(self, answer: CommandAnswer) -> None:
        _, on_answer = self._waiting.pop(answer.command_id, (0.0, None))
        if on_answer is not None:
            on_answer(answer)

    def _give_up_late_ones(self) -> None:
        now_s = time.monotonic()
        for command_id in [name for name, (deadline_s, _) in self._waiting.items() if now_s > deadline_s]:
            because = f"{self._service} did not answer within {ANSWER_WITHIN_S:g} s"
            self._answered(Refused(command_id=command_id, because=because))
