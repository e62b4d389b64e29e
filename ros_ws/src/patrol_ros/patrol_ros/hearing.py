# SPDX-License-Identifier: Apache-2.0
"""Whether the transport delivers anything to this process at all.

Shared memory that a killed process left locked can keep the next one from ever getting a message, although discovery shows it
every publisher (Fast DDS issues 2811, 5053 and 5469). Such a process can only end; who started it starts it anew. Every node
tells of itself on ``diagnostics`` once a second whatever happens, so whoever hears no other node for a while is deaf.
"""

from __future__ import annotations

from patrol.errors import PatrolError

DEAF_AFTER_S = 6.0
LOOK_EVERY_S = 1.0


class Deaf(PatrolError):
    """Other nodes are there, and none of them was ever heard."""


class Hearing:
    """Counts how long others have been there unheard, until the first message."""

    def __init__(self) -> None:
        self._heard = False
        self._due_s: float | None = None

    @property
    def is_proven(self) -> bool:
        """Whether a message of another node ever came."""
        return self._heard

    def heard(self) -> None:
        """A message of another node came."""
        self._heard = True

    def check(self, now_s: float, others: int) -> None:
        """Look, with the number of ``others`` on ``diagnostics``. Raises Deaf when there have been some for ``DEAF_AFTER_S``."""
        if self._heard or not others:
            self._due_s = None
        elif self._due_s is None:
            self._due_s = now_s + DEAF_AFTER_S
        elif now_s >= self._due_s:
            raise Deaf(f"{others} other nodes are there, and none was heard within {DEAF_AFTER_S:g} s")
