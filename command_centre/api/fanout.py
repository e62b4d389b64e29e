# SPDX-License-Identifier: Apache-2.0
"""One stream of pictures, encoded once by the robot, handed to every viewer as it is. No network and no codec here."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from patrol.wire import VideoPacket

_CLOCK_HZ = 90_000
_LARGEST_STEP = 10 * _CLOCK_HZ


class PictureQueue:
    """What waits for one viewer. It begins at a keyframe; a viewer who falls behind skips to the next one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._packets: deque[VideoPacket] = deque()
        self._ready = asyncio.Event()
        self._closed = False
        self.needs_key = True

    def put(self, packet: VideoPacket) -> None:
        """Queue one picture; when the queue is full, drop all of them and wait for a keyframe."""
        if self.needs_key and not packet.is_key:
            return
        if len(self._packets) >= self._limit:
            self._packets.clear()
            self.needs_key = not packet.is_key
            if self.needs_key:
                return
        self.needs_key = False
        self._packets.append(packet)
        self._ready.set()

    def restart(self) -> None:
        """What comes next does not follow from what came before: wait for a keyframe."""
        self._packets.clear()
        self.needs_key = True

    def close(self) -> None:
        self._closed = True
        self._ready.set()

    async def next(self) -> VideoPacket | None:
        """The next picture; None once closed."""
        while not self._closed:
            if self._packets:
                return self._packets.popleft()
            self._ready.clear()
            await self._ready.wait()
        return None


class Fanout:
    """All viewers of one stream. ``ask_keyframe`` asks the robot; it is called once per ``interval_s`` at most.

    A viewer never sees time run backwards: when the robot's picture clock jumps (it restarted), the stream is moved on so
    that it continues one picture after the last.
    """

    def __init__(self, *, ask_keyframe: Callable[[], None], now_s: Callable[[], float], interval_s: float, queue: int) -> None:
        self._ask_keyframe = ask_keyframe
        self._now_s = now_s
        self._interval_s = interval_s
        self._queue = queue
        self._viewers: set[PictureQueue] = set()
        self._asked_at_s = float("-inf")
        self._wanted = False
        self._shift = 0
        self._last_pts: int | None = None
        self._last_step = _CLOCK_HZ // 10

    def __len__(self) -> int:
        return len(self._viewers)

    def join(self) -> PictureQueue:
        """A new viewer; the robot is asked for a keyframe to begin with."""
        viewer = PictureQueue(self._queue)
        self._viewers.add(viewer)
        self.want_keyframe()
        return viewer

    def leave(self, viewer: PictureQueue) -> None:
        self._viewers.discard(viewer)
        viewer.close()

    def want_keyframe(self) -> None:
        """Somebody can not decode. The wish is kept until it may be passed on."""
        self._wanted = True
        self._ask_when_due()

    def restart(self) -> None:
        """The robot connected anew: every viewer needs a keyframe."""
        for viewer in self._viewers:
            viewer.restart()
        self._asked_at_s = float("-inf")
        if self._viewers:
            self.want_keyframe()

    def push(self, packet: VideoPacket) -> None:
        """Hand one picture to everybody."""
        moved = self._in_step(packet)
        if packet.is_key:
            self._wanted = False
        for viewer in self._viewers:
            viewer.put(moved)
            self._wanted = self._wanted or viewer.needs_key
        self._ask_when_due()

    def _in_step(self, packet: VideoPacket) -> VideoPacket:
        pts = packet.pts_90khz + self._shift
        if self._last_pts is not None:
            step = pts - self._last_pts
            if 0 < step <= _LARGEST_STEP:
                self._last_step = step
            else:
                self._shift += self._last_pts + self._last_step - pts
                pts = packet.pts_90khz + self._shift
        self._last_pts = pts
        return VideoPacket(stream=packet.stream, stamp_ns=packet.stamp_ns, pts_90khz=pts, is_key=packet.is_key, data=packet.data)

    def _ask_when_due(self) -> None:
        now_s = self._now_s()
        if self._wanted and now_s - self._asked_at_s >= self._interval_s:
            self._asked_at_s, self._wanted = now_s, False
            self._ask_keyframe()
