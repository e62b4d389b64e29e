# SPDX-License-Identifier: Apache-2.0
"""SIGINT and SIGTERM as a question that the main loop answers in its own time."""

from __future__ import annotations

import signal
from types import FrameType


class Interrupted:
    """``asked`` turns true when somebody asked the program to end."""

    def __init__(self) -> None:
        self.asked = False

    def install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
