# SPDX-License-Identifier: Apache-2.0
"""A recording instead of a robot: a CARMEN log, a video file or a recording of Patrol's own, with ``/clock`` and a rate."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from patrol.clock import NS_PER_S
from patrol.errors import BadInput, BadValue
from patrol_ros.backend import BackendTopics
from patrol_ros.health import Status, report_health
from patrol_ros.link import Link, run_node
from patrol_ros.pacing import Pacer
from patrol_ros.replay_sources import Piece, open_source

log = logging.getLogger(__name__)
CLOCK_STEP_NS = NS_PER_S // 50
LISTENERS_WITHIN_S = 10.0
LINGER_S = 1.0


@dataclass(slots=True)
class Progress:
    """How far the replay is."""

    now_ns: int = 0
    pieces: int = 0
    trouble: str = ""
    done: bool = False


class ReplayNode:
    """Publishes a recording piece by piece, in step with wall time, and ends the process after the last."""

    def __init__(self, link: Link) -> None:
        recording = link.path("recording")
        if recording is None:
            raise BadValue("recording: the replay needs a file")
        self._link = link
        self._source = open_source(recording)
        self._pacer = Pacer(link.parameter("factor", 1.0))
        self._topics = BackendTopics(link)
        self._progress = Progress()
        self._closing = threading.Event()
        report_health(link, self._status)
        self._thread = threading.Thread(target=self._run, args=(recording,), name="replay", daemon=True)
        self._thread.start()
        link.closing.add(self._close)

    def _run(self, recording: Path) -> None:
        self._wait_for_listeners()
        try:
            self._publish_all(self._source.pieces())
        except BadInput as error:
            self._progress.trouble = str(error)
            log.exception("%s: can not be replayed to its end", recording)
        self._progress.done = True
        self._closing.wait(LINGER_S)
        if not self._closing.is_set():
            signal.raise_signal(signal.SIGINT)

    def _publish_all(self, pieces: Iterator[Piece]) -> None:
        for piece in pieces:
            if self._progress.pieces == 0:
                self._begin(piece.stamp_ns)
            self._advance_to(piece.stamp_ns)
            if self._closing.is_set():
                return
            piece.publish(self._topics)
            self._progress.pieces += 1

    def _begin(self, stamp_ns: int) -> None:
        self._progress.now_ns = stamp_ns
        self._topics.tell_time(stamp_ns)
        self._topics.know_cameras(self._source.cameras)
        if self._source.mounts:
            self._topics.tell_mounts(stamp_ns, self._source.mounts)
        self._closing.wait(0.3)

    def _advance_to(self, stamp_ns: int) -> None:
        """Let time run up to the piece's stamp, in steps, so that timers on ``/clock`` fire in between."""
        while self._progress.now_ns < stamp_ns and not self._closing.is_set():
            self._progress.now_ns = min(self._progress.now_ns + CLOCK_STEP_NS, stamp_ns)
            self._closing.wait(self._pacer.wait_s(self._progress.now_ns, time.monotonic_ns()))
            self._topics.tell_time(self._progress.now_ns)

    def _wait_for_listeners(self) -> None:
        """Until another node hears the clock, so that the beginning is not lost; for ten seconds at most."""
        self._topics.tell_time(0)
        deadline_s = time.monotonic() + LISTENERS_WITHIN_S
        while self._link.node.count_subscribers("/clock") == 0 and time.monotonic() < deadline_s:
            if self._closing.wait(0.05):
                return
        self._closing.wait(1.0)

    def _close(self) -> None:
        self._closing.set()
        self._thread.join(1.0)

    def _status(self) -> Status:
        progress = self._progress
        values = {
            "pieces": str(progress.pieces),
            "done": str(progress.done).lower(),
            "rate": f"{self._pacer.real_time_factor:.2f}",
        }
        return Status(wrong=progress.trouble, values=values)


def main() -> None:
    """Entry point of ``ros2 run patrol_ros replay``."""
    run_node("replay", ReplayNode)


if __name__ == "__main__":
    main()
