# SPDX-License-Identifier: Apache-2.0
"""The desk where commands arrive: each id is answered once and the same for ever after; what came too late is refused."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from patrol.operations import Accepted, Command, CommandAnswer, CommandKind, Refused

_REMEMBERED = 512


class CommandDesk:
    """Remembers the last 512 answers."""

    def __init__(self, answers: tuple[CommandAnswer, ...] = ()) -> None:
        self._answers: OrderedDict[str, CommandAnswer] = OrderedDict((answer.command_id, answer) for answer in answers)

    @property
    def answers(self) -> tuple[CommandAnswer, ...]:
        return tuple(self._answers.values())

    def answer(self, command: Command, now_ns: int, carry_out: Callable[[Command], str]) -> CommandAnswer:
        """Answer ``command``; ``carry_out`` runs for a new one that is in time, and returns why not, or nothing.

        An e-stop is never too late.
        """
        known = self._answers.get(command.command_id)
        if known is not None:
            return known
        if now_ns > command.expires_ns and command.kind is not CommandKind.ESTOP:
            because = "the command has expired"
        else:
            because = carry_out(command)
        answer: CommandAnswer = Refused(command_id=command.command_id, because=because) if because else _accepted(command)
        self._answers[command.command_id] = answer
        while len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        return answer


def _accepted(command: Command) -> CommandAnswer:
    return Accepted(command_id=command.command_id)
