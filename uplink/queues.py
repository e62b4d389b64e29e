# SPDX-License-Identifier: Apache-2.0
"""What waits to be sent, and what is given up when the link is slower than the robot. Both queues are thread-safe."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from patrol.wire import VideoPacket

T = TypeVar("T")


class LatestOnly(Generic[T]):
    """One place per key; what is newer replaces what has not left yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[Hashable, T] = {}

    def put(self, key: Hashable, value: T) -> None:
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = value

    def take(self, *, skip: frozenset[Hashable] = frozenset()) -> T | None:
        """The value that has waited longest among keys not in ``skip``; None when there is none."""
        with self._lock:
            key = next((key for key in self._values if key not in skip), None)
            return None if key is None else self._values.pop(key)

    def holds(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._values


class VideoQueue:
    """Packets of all streams in order, at most ``limit``, and one key picture more per stream.

    A stream whose packet finds the queue full loses everything it has waiting, and then every packet up to its next key
    picture: a decoder never meets a hole inside a group of pictures. A key picture that finds more than ``backlog`` packets of
    its own stream waiting drops them, because it is nearer to now than they are.
    """

    def __init__(self, *, limit: int, backlog: int = 4) -> None:
        self._limit, self._backlog = limit, backlog
        self._lock = threading.Lock()
        self._packets: deque[VideoPacket] = deque()
        self._streams: set[int] = set()
        self._waits_for_key: set[int] = set()
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Packets given up since the start."""
        return self._dropped

    def put(self, packet: VideoPacket) -> bool:
        """Queue ``packet``. False when it was dropped: ask the encoder for a key picture."""
        stream = packet.stream
        with self._lock:
            if stream not in self._streams:
                self._streams.add(stream)
                self._waits_for_key.add(stream)
            full = len(self._packets) >= self._limit
            if packet.is_key:
                self._waits_for_key.discard(stream)
                if full or sum(waiting.stream == stream for waiting in self._packets) > self._backlog:
                    self._forget(stream)
            elif full or stream in self._waits_for_key:
                self._forget(stream)
                self._waits_for_key.add(stream)
                self._dropped += 1
                return False
            self._packets.append(packet)
            return True

    def take(self) -> VideoPacket | None:
        with self._lock:
            return self._packets.popleft() if self._packets else None

    def restart(self) -> None:
        """Empty the queue and wait for a key picture on every stream; for a new connection."""
        with self._lock:
            self._dropped += len(self._packets)
            self._packets.clear()
            self._waits_for_key |= self._streams

    def __len__(self) -> int:
        return len(self._packets)

    def _forget(self, stream: int) -> None:
        kept = [packet for packet in self._packets if packet.stream != stream]
        self._dropped += len(self._packets) - len(kept)
        self._packets = deque(kept)
