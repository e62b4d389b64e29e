# SPDX-License-Identifier: Apache-2.0
"""A recorder on a thread of its own: a slow disk costs messages, counted, and never a callback."""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from dataclasses import dataclass

from evidence.recorder import Recorder, RecorderFailed
from patrol.errors import BadValue

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    topic: str
    cdr: bytes
    log_ns: int
    publish_ns: int


class BackgroundRecorder:
    """Hands messages to ``recorder`` from a thread. At most ``limit_bytes`` wait; what comes on top is dropped and counted per
    topic, and the counts stand in the recording's closing notes. After a disk failure it drops everything and ``failure``
    says why."""

    def __init__(self, recorder: Recorder, *, limit_bytes: int = 64 * 2**20, poll_s: float = 0.05) -> None:
        self._recorder, self._limit_bytes, self._poll_s = recorder, limit_bytes, poll_s
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._dropped: Counter[str] = Counter()
        self._failure = ""
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> str:
        """Why nothing is recorded any more; empty while all is well."""
        return self._failure

    @property
    def dropped(self) -> dict[str, int]:
        """Messages dropped so far, per topic."""
        with self._lock:
            return dict(self._dropped)

    def write(self, topic: str, cdr: bytes, *, log_ns: int, publish_ns: int | None = None) -> bool:
        """Queue one message. False when it was dropped. Raises BadValue for a topic that is not recorded."""
        if topic not in self._recorder.topics:
            raise BadValue(f"topic: {topic!r} is not a channel of this recording")
        with self._lock:
            if self._failure or self._waiting_bytes + len(cdr) > self._limit_bytes:
                self._dropped[topic] += 1
                return False
            self._waiting_bytes += len(cdr)
        stamp_ns = log_ns if publish_ns is None else publish_ns
        self._queue.put(_Waiting(topic=topic, cdr=cdr, log_ns=log_ns, publish_ns=stamp_ns))
        return True

    def close(self, *, within_s: float = 3.0) -> bool:
        """Write what waits and close the file. Returns whether that was done within the time."""
        self._queue.put(None)
        self._thread.join(within_s)
        return not self._thread.is_alive() and not self._failure

    def _run(self) -> None:
        try:
            while self._take_one():
                pass
            notes = {f"dropped {topic}": str(count) for topic, count in sorted(self.dropped.items())}
            self._recorder.close(notes)
        except RecorderFailed as error:
            _log.error("the recording ends here: %s", error)
            with self._lock:
                self._failure = str(error)

    def _take_one(self) -> bool:
        """One message, or one look at the flush clock. False at the end."""
        try:
            waiting = self._queue.get(timeout=self._poll_s)
        except queue.Empty:
            self._recorder.flush_if_due()
            return True
        if waiting is None:
            return False
        self._recorder.write(waiting.topic, waiting.cdr, log_ns=waiting.log_ns, publish_ns=waiting.publish_ns)
        with self._lock:
            self._waiting_bytes -= len(waiting.cdr)
        return True
