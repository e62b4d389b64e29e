# SPDX-License-Identifier: Apache-2.0
"""The desk where commands arrive: each id is answered once and the same for ever after; what came too late is refused.

An answer is kept for as long as the same command could come again and still be in time, so that none is ever carried out twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from patrol.operations import Accepted, Command, CommandAnswer, CommandKind, Refused

_REMEMBERED = 512
_OUTSTANDING = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer, and until when its command would have been in time."""

    answer: CommandAnswer
    expires_ns: int


class CommandDesk:
    """Remembers the last 512 answers, and older ones until their commands have expired; with 4096 outstanding, only an e-stop is
    taken."""

    def __init__(self, answers: tuple[Answered, ...] = ()) -> None:
        self._answers = OrderedDict((one.answer.command_id, one) for one in answers)

    @property
    def answers(self) -> tuple[Answered, ...]:
        return tuple(self._answers.values())

    def answer(self, command: Command, now_ns: int, carry_out: Callable[[Command], str]) -> CommandAnswer:
        """Answer ``command``; ``carry_out`` runs for a new one that is in time, and returns why not, or nothing.

        An e-stop is never too late.
        """
        known = self._answers.get(command.command_id)
        if known is not None:
            return known.answer
        self._forget(now_ns)
        is_estop = command.kind is CommandKind.ESTOP
        if len(self._answers) >= _OUTSTANDING and not is_estop:
            return Refused(command_id=command.command_id, because="too many commands are outstanding")
        is_late = now_ns > command.expires_ns and not is_estop
        because = "the command has expired" if is_late else carry_out(command)
        answer: CommandAnswer = Refused(command_id=command.command_id, because=because) if because else _accepted(command)
        self._answers[command.command_id] = Answered(answer=answer, expires_ns=command.expires_ns)
        return answer

    def _forget(self, now_ns: int) -> None:
        """The oldest beyond the bound go once their commands have expired."""
        for name in list(self._answers)[: max(0, len(self._answers) - _REMEMBERED + 1)]:
            if self._answers[name].expires_ns < now_ns:
                del self._answers[name]


def _accepted(command: Command) -> CommandAnswer:
    return Accepted(command_id=command.command_id)
