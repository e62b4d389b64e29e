# SPDX-License-Identifier: Apache-2.0
"""Commands between processes: the service ``SendCommand`` of the mission node and of the stop node."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from patrol_msgs.srv import SendCommand

from patrol.errors import PatrolError
from patrol.operations import Command, CommandAnswer, CommandKind, Refused
from patrol_ros.conversions.operations import answer_from_ros, answer_to_ros, command_from_ros, command_to_ros
from patrol_ros.link import Link

log = logging.getLogger(__name__)
MISSION_SERVICE = "send_command"
STOP_SERVICE = "stop/send_command"
ANSWER_WITHIN_S = 3.0
ASKED_AGAIN_AFTER_S, ASKED_FOR_S, _ASK_EVERY_S = 0.5, 4.0, 0.1
OnAnswer = Callable[[CommandAnswer], None]
OnSilence = Callable[[Refused], None]


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

    def __init__(self, link: Link, service: str, *, within_s: float = ANSWER_WITHIN_S) -> None:
        self._service, self._within_s = service, within_s
        self._client = link.node.create_client(SendCommand, service)
        self._waiting: dict[str, tuple[float, OnAnswer, OnSilence]] = {}
        link.every_wall(0.25, self._give_up_late_ones)

    def send(self, command: Command, on_answer: OnAnswer, on_silence: OnSilence | None = None) -> None:
        """``on_answer`` gets the answer on the executor's thread: within ``within_s``, or a refusal that says so, which goes to
        ``on_silence`` instead where there is one."""
        on_silence = on_silence or on_answer
        if not self._client.service_is_ready():
            on_silence(Refused(command_id=command.command_id, because=f"{self._service} is not there"))
            return
        self._waiting[command.command_id] = (time.monotonic() + self._within_s, on_answer, on_silence)
        future = self._client.call_async(command_to_ros(command))
        future.add_done_callback(lambda done: self._answered(answer_from_ros(command.command_id, done.result())))

    def _answered(self, answer: CommandAnswer) -> None:
        if answer.command_id in self._waiting:
            self._waiting.pop(answer.command_id)[1](answer)

    def _give_up_late_ones(self) -> None:
        now_s = time.monotonic()
        for command_id in [name for name, (deadline_s, *_) in self._waiting.items() if now_s > deadline_s]:
            because = f"{self._service} did not answer within {self._within_s:g} s"
            self._waiting.pop(command_id)[2](Refused(command_id=command_id, because=because))


class StopOrders:
    """E-stops and the two steps of a reset on their way to the stop path: in order, and each again until it is answered, since a
    stop path that was just started anew may not be found for a moment. An e-stop goes at once and ends a reset under way."""

    def __init__(self, link: Link) -> None:
        self._sender = CommandSender(link, STOP_SERVICE, within_s=ASKED_AGAIN_AFTER_S)
        self._waiting: deque[tuple[Command, float]] = deque()
        self._asked = ""
        link.every_wall(_ASK_EVERY_S, self._ask)

    def send(self, command: Command) -> None:
        """Take an order; it is given up, and logged, when it is not answered within four seconds."""
        if command.kind is CommandKind.ESTOP:
            self._waiting.clear()
            self._asked = ""
        self._waiting.append((command, time.monotonic() + ASKED_FOR_S))
        self._ask()

    def _ask(self) -> None:
        while self._waiting and time.monotonic() > self._waiting[0][1]:
            command, _ = self._waiting.popleft()
            self._asked = ""
            log.error("the stop path did not answer %s by %s", command.kind, command.issued_by)
        if self._waiting and not self._asked:
            command, _ = self._waiting[0]
            self._asked = command.command_id
            self._sender.send(command, self._answered, self._unanswered)

    def _answered(self, answer: CommandAnswer) -> None:
        if answer.command_id == self._asked:
            log.info("the stop path: %s", answer)
            self._waiting.popleft()
            self._asked = ""
            self._ask()

    def _unanswered(self, silence: Refused) -> None:
        if silence.command_id == self._asked:
            self._asked = ""
