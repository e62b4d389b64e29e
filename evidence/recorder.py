# SPDX-License-Identifier: Apache-2.0
"""The recording of a patrol: one MCAP file with its schemas, its configuration and the commit that wrote it.

Chunks are small and are handed to the operating system every ``flush_every_s``, so a killed recorder loses no more than that;
``fsync_every_s`` bounds what a power cut takes. What may be recorded in the clear is said in ``patrol.topics``: never a
picture from before the anonymiser.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcap.writer import CompressionType, Writer
from pydantic import Field

from evidence.cdr import COMPRESSED_IMAGE
from evidence.definitions import Definitions
from patrol.clock import NS_PER_S
from patrol.config import Config
from patrol.errors import BadValue, PatrolError
from patrol.topics import Topic

RECORDING_FILE = "recording.mcap"
METADATA_NAME = "patrol"
_SHOWS_PEOPLE = ("camera/image_raw", "thermal/image_raw")
_HEARS_PEOPLE = "patrol_msgs/msg/SoundBlock"


class RecorderFailed(PatrolError):
    """The disk took no more."""


class RecorderConfig(Config):
    """``flush_every_s`` + the time of one write bounds the loss on a kill."""

    chunk_bytes: int = Field(default=65_536, ge=1024)
    flush_every_s: float = Field(default=0.2, gt=0, le=0.4)
    fsync_every_s: float = Field(default=2.0, gt=0)
    jpeg_quality: int = Field(default=80, ge=1, le=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedChannel:
    """One topic of the recording: its name and its interface type (``package/msg/Name``)."""

    topic: str
    type: str


def channel_for(topic: Topic) -> RecordedChannel:
    """The channel of one row of the table: pictures are recorded compressed, as ``NAME/compressed``; all else as it is."""
    if topic.type == "sensor_msgs/msg/Image":
        return RecordedChannel(topic=f"{topic.name}/compressed", type=COMPRESSED_IMAGE)
    return RecordedChannel(topic=topic.name, type=topic.type)


class Recorder:
    """Writes already serialised messages. One thread at a time; ``BackgroundRecorder`` keeps the disk away from callbacks.

    ``monotonic_ns`` is the clock by which flushes fall due; messages carry their own stamps. Call ``flush_if_due`` also while
    no messages come. ``provenance`` (commit, configuration as text ...) is the first thing in the file.
    """

    def __init__(
        self,
        folder: Path,
        channels: tuple[RecordedChannel, ...],
        *,
        definitions: Definitions,
        provenance: Mapping[str, str],
        monotonic_ns: Callable[[], int],
        config: RecorderConfig | None = None,
    ) -> None:
        self._config = config or RecorderConfig()
        self._monotonic_ns = monotonic_ns
        self.path = folder / RECORDING_FILE
        schemas = {channel.type: definitions.schema(channel.type) for channel in channels}
        _refuse_clear_pictures(channels)
        with self._disk():
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb")
        self._writer = Writer(self._file, chunk_size=self._config.chunk_bytes, compression=CompressionType.LZ4)
        self._end_chunk: Callable[[], object] = self._writer.flush
        self._finish: Callable[[], object] = self._writer.finish
        self._writer.start(profile="ros2", library="patrol")
        self._writer.add_metadata(METADATA_NAME, dict(provenance))
        self._channel_ids = self._register(channels, schemas)
        self._sequences = dict.fromkeys(self._channel_ids, 0)
        self._flushed_ns = self._fsynced_ns = monotonic_ns()
        self.flush()

    def write(self, topic: str, cdr: bytes, *, log_ns: int, publish_ns: int | None = None) -> None:
        """Add one serialised message. Raises BadValue for a topic that is not recorded, RecorderFailed when the disk is full."""
        if topic not in self._channel_ids:
            raise BadValue(f"topic: {topic!r} is not a channel of this recording")
        self._sequences[topic] += 1
        with self._disk():
            self._writer.add_message(
                self._channel_ids[topic],
                log_time=log_ns,
                data=cdr,
                publish_time=log_ns if publish_ns is None else publish_ns,
                sequence=self._sequences[topic],
            )
        self.flush_if_due()

    def flush_if_due(self) -> None:
        """Hand over what has waited for ``flush_every_s``, and sync it every ``fsync_every_s``."""
        now_ns = self._monotonic_ns()
        if now_ns - self._flushed_ns >= self._config.flush_every_s * NS_PER_S:
            self.flush()
        if now_ns - self._fsynced_ns >= self._config.fsync_every_s * NS_PER_S:
            self._fsynced_ns = now_ns
            with self._disk():
                os.fsync(self._file.fileno())

    def flush(self) -> None:
        """Hand everything written so far to the operating system, where a kill of this process can not reach it."""
        self._flushed_ns = self._monotonic_ns()
        with self._disk():
            self._end_chunk()

    def close(self, notes: Mapping[str, str] | None = None) -> None:
        """Add closing ``notes`` as metadata, write index and summary, and sync."""
        with self._disk(), self._file:
            if notes:
                self._writer.add_metadata(f"{METADATA_NAME}/closing", dict(notes))
            self._finish()
            self._file.flush()
            os.fsync(self._file.fileno())

    @property
    def topics(self) -> frozenset[str]:
        """The topics that this recording takes."""
        return frozenset(self._channel_ids)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RecorderFailed(f"{self.path}: {error}") from error

    def _register(self, channels: tuple[RecordedChannel, ...], schemas: Mapping[str, str]) -> dict[str, int]:
        ids = {name: self._writer.register_schema(name, "ros2msg", text.encode()) for name, text in schemas.items()}
        return {each.topic: self._writer.register_channel(each.topic, "cdr", ids[each.type]) for each in channels}


def _refuse_clear_pictures(channels: tuple[RecordedChannel, ...]) -> None:
    for channel in channels:
        if any(f"/{name}" in f"/{channel.topic}" for name in _SHOWS_PEOPLE):
            raise BadValue(f"topic: {channel.topic!r} shows people as they are and is never recorded in the clear")
        if channel.type == _HEARS_PEOPLE or f"/{channel.topic}".endswith("/audio"):
            raise BadValue(f"topic: {channel.topic!r} holds what people say and is never recorded")
