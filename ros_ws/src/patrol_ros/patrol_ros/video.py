# SPDX-License-Identifier: Apache-2.0
"""Safe pictures become the video stream to the command centre: newest only, in a thread, with the tracks of that very picture,
which come while it is being encoded."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from patrol.percepts import Track
from patrol.sensors import Image
from patrol.topics import topic
from patrol.wire import VideoPacket, VideoState
from patrol_ros.conversions.pictures import image_from_ros
from patrol_ros.slot import Worker
from uplink.encoder import VideoEncoder
from uplink.messages import picture_metadata

log = logging.getLogger(__name__)
TRACKS_WITHIN_S = 0.03
KEY_GAP_S = 0.5
TracksOf = Callable[[int], tuple[Track, ...]]


class VideoStream:
    """Encodes one stream once. ``on_packet`` and ``on_state`` are called on the worker's thread, or from ``check``."""

    def __init__(
        self,
        name: str,
        tracks_of: TracksOf,
        *,
        on_packet: Callable[[VideoPacket], None],
        on_state: Callable[[VideoState], None],
    ) -> None:
        self._name, self._tracks_of, self._on_packet, self._on_state = name, tracks_of, on_packet, on_state
        self._encoder: VideoEncoder | None = None
        self._size_px = (0, 0)
        self._covered = ""
        self._heard_s: float | None = None
        self._told: VideoState | None = None
        self._key_wanted = threading.Event()
        self._key_s = 0.0
        self._worker: Worker[Any] = Worker(f"video {name}", self._work)
        self._stale_s = topic("camera/image_safe").stale_after_s or 1.0

    @property
    def dropped(self) -> int:
        """Pictures replaced by newer ones before they were encoded."""
        return self._worker.dropped

    @property
    def trouble(self) -> str:
        """What is wrong with the stream; empty: nothing."""
        return self._worker.trouble

    def offer(self, message: Any) -> None:
        """Take a sensor_msgs/Image."""
        self._heard_s = time.monotonic()
        self._worker.offer(message)

    def want_key(self) -> None:
        """Make the next picture decodable alone; not more often than twice a second."""
        self._key_wanted.set()

    def cover(self, because: str) -> None:
        """Say that pictures are covered, and why; empty: they are not."""
        self._covered = because

    def check(self) -> None:
        """Tell of the stream's state when it changed: live, covered, or dead for lack of pictures."""
        fresh = self._heard_s is not None and time.monotonic() - self._heard_s <= self._stale_s
        because = self._covered if fresh else "no pictures come"
        width_px, height_px = self._size_px
        state = VideoState(
            stream=self._name,
            state="live" if not because else "covered" if fresh else "dead",
            because=because,
            width_px=width_px,
            height_px=height_px,
        )
        if state != self._told:
            self._told = state
            self._on_state(state)

    def tell_again(self) -> None:
        """Tell the state once more at the next check: a new link knows nothing."""
        self._told = None

    def close(self) -> None:
        self._worker.close()

    def _work(self, message: Any) -> None:
        image = image_from_ros(message)
        encoded = self._encoder_for(image).encode(image, force_key=self._key_is_due())
        self._on_packet(encoded.packet(picture_metadata(image.stamp_ns, self._tracks_of(image.stamp_ns))))

    def _encoder_for(self, image: Image) -> VideoEncoder:
        size_px = (image.width_px, image.height_px)
        if self._encoder is None or size_px != self._size_px:
            self._encoder, self._size_px = VideoEncoder(*size_px), size_px
        return self._encoder

    def _key_is_due(self) -> bool:
        now_s = time.monotonic()
        due = self._key_wanted.is_set() and now_s - self._key_s >= KEY_GAP_S
        if due:
            self._key_wanted.clear()
            self._key_s = now_s
        return due
