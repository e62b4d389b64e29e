# SPDX-License-Identifier: Apache-2.0
"""Whether the transport delivers anything to this process at all.

Shared memory that a killed process left locked can keep the next one from ever getting a message, although discovery shows it
every publisher (Fast DDS issues 2811, 5053 and 5469). Such a process can only end; who started it starts it anew.
"""

from __future__ import annotations

from collections.abc import Callable

from patrol.errors import PatrolError

DEAF_AFTER_S = 6.0
LOOK_EVERY_S = 1.0


class Deaf(PatrolError):
    """Topics that are published all the time were never heard."""


class Hearing:
    """Watches topics that come at a rate, until the first message of any of them."""

    def __init__(self) -> None:
        self._topics: list[str] = []
        self._heard = False
        self._due_s: float | None = None
        self._looked_s = 0.0

    def watch(self, topic: str) -> None:
        """Expect ``topic`` as soon as somebody publishes it."""
        self._topics.append(topic)

    def heard(self) -> None:
        """A message came."""
        self._heard = True

    def check(self, now_s: float, publishers: Callable[[str], int]) -> None:
        """Look, once a second. Raises Deaf when one of the topics has had a publisher for ``DEAF_AFTER_S`` and none was heard."""
        if self._heard or now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        told = [topic for topic in self._topics if publishers(topic)]
        if not told:
            self._due_s = None
        elif self._due_s is None:
            self._due_s = now_s + DEAF_AFTER_S
        elif now_s >= self._due_s:
            raise Deaf(f"{', '.join(told)} have publishers, but nothing was heard within {DEAF_AFTER_S:g} s")
