# SPDX-License-Identifier: Apache-2.0
"""A recording instead of a robot: a CARMEN log, a video file or a recording of Patrol's own, with ``/clock`` and a rate."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from patrol.clock import NS_PER_S
from patrol.errors import BadValue
from patrol_ros.backend import BackendTopics
from patrol_ros.health import Status, report_health
from patrol_ros.link import DIAGNOSTICS, Link, run_looping_node
from patrol_ros.pacing import Pacer
from patrol_ros.replay_sources import open_source

log = logging.getLogger(__name__)
CLOCK_STEP_NS = NS_PER_S // 50
LISTENERS_WITHIN_S = 60.0
SETTLE_S = 0.5
LINGER_NS = 2 * NS_PER_S


class ReplayNode:
    """Publishes a recording piece by piece, in step with wall time, and ends after the last."""

    def __init__(self, link: Link) -> None:
        recording = link.path("recording")
        if recording is None:
            raise BadValue("recording: the replay needs a file")
        self._link = link
        self._source = open_source(recording)
        self._pacer = Pacer(link.parameter("factor", 1.0))
        self._topics = BackendTopics(link)
        self._now_ns, self._pieces, self._done = 0, 0, False
        self._silent = {name for name in link.parameter("listeners", "").split(",") if name}
        link.subscribe(DIAGNOSTICS, self._on_diagnostics)
        report_health(link, self._status)

    def run(self, may_go_on: Callable[[], bool]) -> None:
        """Replay to the end, or until told to stop. Raises BadInput where the recording can not be read."""
        self._wait_for_listeners(may_go_on)
        for piece in self._source.pieces():
            if self._pieces == 0:
                self._begin(piece.stamp_ns)
            self._advance_to(piece.stamp_ns, may_go_on)
            if not may_go_on():
                return
            piece.publish(self._topics)
            self._pieces += 1
        self._done = True
        self._linger(may_go_on)

    def _begin(self, stamp_ns: int) -> None:
        self._now_ns = stamp_ns
        self._topics.know_cameras(self._source.cameras)
        if self._source.mounts:
            self._topics.tell_mounts(stamp_ns, self._source.mounts)
        self._topics.tell_time(stamp_ns)
        time.sleep(SETTLE_S)

    def _advance_to(self, stamp_ns: int, may_go_on: Callable[[], bool]) -> None:
        """Let time run up to the piece's stamp, in steps, so that timers on ``/clock`` fire in between."""
        while self._now_ns < stamp_ns and may_go_on():
            self._now_ns = min(self._now_ns + CLOCK_STEP_NS, stamp_ns)
            time.sleep(self._pacer.wait_s(self._now_ns, time.monotonic_ns()))
            self._topics.tell_time(self._now_ns)

    def _wait_for_listeners(self, may_go_on: Callable[[], bool]) -> None:
        """Until every listener has spoken and is connected, so that the beginning is not lost; for a while at most."""
        self._topics.open(("/clock", *self._source.topics))
        self._topics.tell_time(0)
        deadline_s = time.monotonic() + LISTENERS_WITHIN_S
        while (self._silent or not self._topics.are_heard()) and may_go_on():
            if time.monotonic() > deadline_s:
                log.warning("begins unheard by %s", ", ".join(sorted(self._silent)) or "some who subscribed")
                return
            time.sleep(0.05)
        time.sleep(SETTLE_S)

    def _on_diagnostics(self, message: Any) -> None:
        """A node tells of itself once it is set up."""
        self._silent = self._silent - {status.name for status in message.status}

    def _linger(self, may_go_on: Callable[[], bool]) -> None:
        """Let the clock run on a little, so that the last piece is worked off and timers fire after it."""
        self._advance_to(self._now_ns + LINGER_NS, may_go_on)

    def _status(self) -> Status:
        values = {"pieces": str(self._pieces), "done": str(self._done).lower(), "rate": f"{self._pacer.real_time_factor:.2f}"}
        return Status(values=values)


def main() -> None:
    """Entry point of ``ros2 run patrol_ros replay``."""
    run_looping_node("replay", lambda link: ReplayNode(link).run)


if __name__ == "__main__":
    main()
