# SPDX-License-Identifier: Apache-2.0
"""Work that must not hold up a node's other callbacks: a thread with a short queue that drops the oldest."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from patrol.errors import PatrolError

log = logging.getLogger(__name__)
Item = TypeVar("Item")
CLOSE_WITHIN_S = 1.0
# What nobody waits for gives way to the node's other threads: Linux knows the niceness of a thread.
BEHIND = 10
_NICEST = 19


class Worker(Generic[Item]):
    """Calls ``work`` in a thread of its own with the items offered, in order. At most ``limit`` wait: the oldest makes room
    for the newest and is counted. ``limit`` 1 is the latest-only slot for pictures. ``niceness`` is added to the node's own."""

    def __init__(self, name: str, work: Callable[[Item], object], *, limit: int = 1, niceness: int = 0) -> None:
        self._work, self._niceness = work, niceness
        self._waiting: deque[Item] = deque(maxlen=limit)
        self._closed = False
        self._change = threading.Condition()
        self.dropped = 0
        self.done = 0
        self._trouble = ""
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def offer(self, item: Item) -> None:
        """Hand over an item; never waits for the work."""
        with self._change:
            self.dropped += len(self._waiting) == self._waiting.maxlen
            self._waiting.append(item)
            self._change.notify()

    def close(self) -> None:
        """Finish the item in hand, leave out the others, and end the thread, within a second."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join(CLOSE_WITHIN_S)

    @property
    def trouble(self) -> str:
        """Why the last item was left out, or that the thread has died; empty: nothing is wrong."""
        return self._trouble if self._closed or self.is_alive else f"the thread {self._thread.name!r} has died"

    @property
    def is_alive(self) -> bool:
        """False after ``close``, or when the work failed in a way that nobody foresaw."""
        return self._thread.is_alive()

    def _serve(self) -> None:
        if self._niceness:
            thread_id = threading.get_native_id()
            own = os.getpriority(os.PRIO_PROCESS, thread_id)
            os.setpriority(os.PRIO_PROCESS, thread_id, min(own + self._niceness, _NICEST))
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or bool(self._waiting))
                if self._closed:
                    return
                item = self._waiting.popleft()
            try:
                self._work(item)
                self._trouble = ""
            except PatrolError as error:
                self._trouble = str(error)
                log.exception("%s: this item was left out", self._thread.name)
            self.done += 1
