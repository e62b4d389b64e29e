# SPDX-License-Identifier: Apache-2.0
"""Commands between processes: the service ``SendCommand`` of the mission node and of the stop node."""

from __future__ import annotations

import logging
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
    """Sends commands to one service without waiting. ``on_answer`` gets each answer on the executor's thread."""

    def __init__(self, link: Link, service: str, on_answer: Callable[[CommandAnswer], None]) -> None:
        self._service, self._on_answer = service, on_answer
        self._client = link.node.create_client(SendCommand, service)

    def send(self, command: Command) -> None:
        """Refused at once when nobody serves the commands now."""
        if not self._client.service_is_ready():
            self._on_answer(Refused(command_id=command.command_id, because=f"{self._service} is not there"))
            return
        future = self._client.call_async(command_to_ros(command))
        future.add_done_callback(lambda done: self._on_answer(answer_from_ros(command.command_id, done.result())))
