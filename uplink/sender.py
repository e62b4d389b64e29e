# SPDX-License-Identifier: Apache-2.0
"""What goes out over one connection, in turn: no kind of message can starve another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from patrol.clock import Clock
from patrol.wire import BeliefUpdate, MapUpdate, RouteUpdate, Telemetry, VideoState
from uplink.outbox import Outbox
from uplink.queues import LatestOnly, VideoQueue

_log = logging.getLogger(__name__)

UNCONFIRMED_LIMIT = 64
Undurable = Telemetry | MapUpdate | RouteUpdate | BeliefUpdate | VideoState


class Socket(Protocol):
    """The one thing that a sender asks of a connection."""

    async def send(self, message: str | bytes) -> None: ...


class Sender:
    """Sends what waits, until cancelled or the connection fails. One per connection.

    ``telemetry_gap_s`` is the least time between two telemetry messages; ``now_s`` is a monotonic clock.
    """

    def __init__(
        self,
        outbox: Outbox,
        latest: LatestOnly[Undurable],
        video: VideoQueue,
        *,
        wall_clock: Clock,
        now_s: Callable[[], float],
        telemetry_gap_s: float,
        confirm_within_s: float,
    ) -> None:
        self._outbox, self._latest, self._video = outbox, latest, video
        self._wall_clock, self._now_s = wall_clock, now_s
        self._telemetry_gap_s, self._confirm_within_s = telemetry_gap_s, confirm_within_s
        self._next_telemetry_s = now_s()
        self._durable = _DurableWindow(outbox)
        self.wake = asyncio.Event()

    async def run(self, socket: Socket) -> None:
        """Send for ever, one message of each kind per turn."""
        while True:
            self.wake.clear()
            sent = [await self._send_durable(socket), await self._send_latest(socket), await self._send_video(socket)]
            if not any(sent):
                await self._sleep()

    def received(self, sequence: int) -> None:
        """The centre has stored every durable message up to ``sequence``."""
        self._durable.received(sequence)
        self.wake.set()

    async def _send_durable(self, socket: Socket) -> bool:
        body = await self._durable.next_body(now_s=self._now_s(), confirm_within_s=self._confirm_within_s)
        if body is None:
            return False
        await socket.send(body)
        return True

    async def _send_latest(self, socket: Socket) -> bool:
        due = self._now_s() >= self._next_telemetry_s
        message = self._latest.take(skip=frozenset() if due else frozenset((Telemetry,)))
        if message is None:
            return False
        if isinstance(message, Telemetry):
            self._next_telemetry_s = self._now_s() + self._telemetry_gap_s
            message = message.model_copy(update={"sent_ns": self._wall_clock.now_ns()})
        await socket.send(message.model_dump_json())
        return True

    async def _send_video(self, socket: Socket) -> bool:
        packet = self._video.take()
        if packet is None:
            return False
        await socket.send(packet.to_bytes())
        return True

    async def _sleep(self) -> None:
        """Until something new is offered, held telemetry is due, or a confirmation is overdue."""
        wait_s = self._confirm_within_s
        if self._latest.holds(Telemetry):
            wait_s = min(wait_s, max(self._next_telemetry_s - self._now_s(), 0.0))
        try:
            async with asyncio.timeout(wait_s):
                await self.wake.wait()
        except TimeoutError:
            return


class _DurableWindow:
    """Walks the outbox in order, at most ``UNCONFIRMED_LIMIT`` messages ahead of the centre's confirmation. What is not
    confirmed in time is sent again; the centre stores each sequence once."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._ready: list[tuple[int, str]] = []
        self._unconfirmed: list[int] = []
        self._sent = 0
        self._confirmed = 0
        self._progress_s = 0.0

    def received(self, sequence: int) -> None:
        """Note a confirmation; one beyond what was sent on this connection counts only up to there."""
        self._confirmed = max(self._confirmed, min(sequence, self._sent))

    async def next_body(self, *, now_s: float, confirm_within_s: float) -> str | None:
        """The next message to send, or None when nothing waits or the centre must confirm first."""
        await self._forget_confirmed(now_s)
        if not self._unconfirmed:
            self._progress_s = now_s
        elif now_s - self._progress_s > confirm_within_s:
            _log.warning(
                "%d messages were not confirmed within %.0f s; sending them again", len(self._unconfirmed), confirm_within_s
            )
            self._ready, self._unconfirmed, self._sent, self._progress_s = [], [], self._confirmed, now_s
        if not self._ready and self._sent < self._outbox.last_sequence:
            room = UNCONFIRMED_LIMIT - len(self._unconfirmed)
            kept = await asyncio.to_thread(self._outbox.pending, after=self._sent, count=room) if room > 0 else ()
            self._ready = [(message.sequence, message.body) for message in kept]
        if not self._ready:
            return None
        self._sent, body = self._ready.pop(0)
        self._unconfirmed.append(self._sent)
        return body

    async def _forget_confirmed(self, now_s: float) -> None:
        if self._unconfirmed and self._unconfirmed[0] <= self._confirmed:
            self._unconfirmed = [sequence for sequence in self._unconfirmed if sequence > self._confirmed]
            self._progress_s = now_s
            await asyncio.to_thread(self._outbox.confirm, self._confirmed)
