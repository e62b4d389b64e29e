# SPDX-License-Identifier: Apache-2.0
"""Reading recordings, whole or cut short by a kill, and mending the latter."""

from __future__ import annotations

import hashlib
import os
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.records import Channel, Chunk, McapRecord, Message, Metadata, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap.writer import CompressionType, Writer
from zstandard import ZstdError

from patrol.errors import BadInput, Fault

_LARGEST_RECORD_BYTES = 256 * 2**20
_UNREADABLE = (McapError, struct.error, RuntimeError, ValueError, ZstdError)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMessage:
    """One message as it was recorded: serialised, with its topic's type (``package/msg/Name``) and that type's ``definition``."""

    topic: str
    type: str
    log_ns: int
    publish_ns: int
    sequence: int
    cdr: bytes
    definition: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingInfo:
    """What a recording holds. ``damage`` is empty for a whole file, and else says what is wrong with it; stamps are None when
    there is no message."""

    path: Path
    damage: str
    types: Mapping[str, str]
    counts: Mapping[str, int]
    metadata: Mapping[str, Mapping[str, str]]
    first_ns: int | None
    last_ns: int | None

    @property
    def messages(self) -> int:
        return sum(self.counts.values())


class Recording:
    """An MCAP file that is read from its beginning, so that one without its end serves as well.

    Raises BadInput when the file can not be read or is no MCAP at all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        first = next(iter(_Scan(path)), None)
        if first is None:
            raise BadInput(path, [Fault(field="(file)", value=str(path), because="is not an MCAP recording")])

    def messages(self, topics: frozenset[str] | None = None) -> Iterator[RecordedMessage]:
        """Messages of ``topics`` (None: all) in the order of the file, up to where it can be read."""
        scan = _Scan(self.path)
        for record in scan:
            if isinstance(record, Message) and record.channel_id in scan.channels:
                channel = scan.channels[record.channel_id]
                if topics is None or channel.topic in topics:
                    yield RecordedMessage(
                        topic=channel.topic,
                        type=scan.type_of(channel),
                        log_ns=record.log_time,
                        publish_ns=record.publish_time,
                        sequence=record.sequence,
                        cdr=record.data,
                        definition=scan.definition_of(channel),
                    )

    def info(self) -> RecordingInfo:
        """Read the whole file and say what is in it."""
        scan, counts, metadata = _Scan(self.path), Counter[str](), dict[str, dict[str, str]]()
        stamps: list[int] = []
        for record in scan:
            if isinstance(record, Metadata):
                metadata[record.name] = dict(record.metadata)
            elif isinstance(record, Message) and record.channel_id in scan.channels:
                counts[scan.channels[record.channel_id].topic] += 1
                stamps = [min([record.log_time, *stamps]), max([record.log_time, *stamps])]
        return RecordingInfo(
            path=self.path,
            damage=scan.damage,
            types={channel.topic: scan.type_of(channel) for channel in scan.channels.values()},
            counts=dict(counts),
            metadata=metadata,
            first_ns=stamps[0] if stamps else None,
            last_ns=stamps[1] if stamps else None,
        )


def recover(source: Path, target: Path) -> RecordingInfo:
    """Write what can be read of ``source`` as a whole file with index and summary at ``target``; it appears there all at once.

    Raises BadInput when ``source`` is no recording, or ``target`` is there already.
    """
    if target.exists():
        raise BadInput(target, [Fault(field="(file)", value=str(target), because="is there already")])
    scan, unfinished = _Scan(source), target.with_name(f".{target.name}.part")
    Recording(source)
    with unfinished.open("wb") as file:
        writer = Writer(file, chunk_size=1024 * 1024, compression=CompressionType.LZ4)
        writer.start(profile="ros2", library="patrol")
        _copy(scan, writer)
        finish: Callable[[], object] = writer.finish
        finish()
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(target)
    return Recording(target).info()


def quick_check(path: Path) -> tuple[int, str]:
    """Number of messages and damage: from the summary at the end of a whole file, and else by reading all of it."""
    try:
        with path.open("rb") as file:
            summary = make_reader(file).get_summary()
    except (*_UNREADABLE, OSError):
        return _slow_check(path)
    if summary is None or summary.statistics is None:
        return _slow_check(path)
    return summary.statistics.message_count, ""


def _slow_check(path: Path) -> tuple[int, str]:
    try:
        info = Recording(path).info()
    except BadInput as error:
        return 0, error.faults[0].because
    return info.messages, info.damage


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(scan: _Scan, writer: Writer) -> None:
    schema_ids: dict[int, int] = {0: 0}
    channel_ids: dict[int, int] = {}
    for record in scan:
        if isinstance(record, Schema) and record.id not in schema_ids:
            schema_ids[record.id] = writer.register_schema(record.name, record.encoding, record.data)
        elif isinstance(record, Channel) and record.id not in channel_ids and record.schema_id in schema_ids:
            channel_ids[record.id] = writer.register_channel(
                record.topic, record.message_encoding, schema_ids[record.schema_id], record.metadata
            )
        elif isinstance(record, Message) and record.channel_id in channel_ids:
            target_id = channel_ids[record.channel_id]
            writer.add_message(target_id, record.log_time, record.data, record.publish_time, record.sequence)
        elif isinstance(record, Metadata):
            writer.add_metadata(record.name, record.metadata)
    if scan.damage:
        writer.add_metadata("patrol/recovered", {"from": scan.path.name, "damage": scan.damage})


@dataclass(slots=True)
class _Scan:
    """Records of a file, chunks opened, until its end or its damage. A chunk that fails its checksum is stepped over."""

    path: Path
    damage: str = ""
    channels: dict[int, Channel] = field(default_factory=dict)
    schemas: dict[int, Schema] = field(default_factory=dict)

    def __iter__(self) -> Iterator[McapRecord]:
        try:
            with self.path.open("rb") as file:
                reader = StreamReader(file, emit_chunks=True, record_size_limit=_LARGEST_RECORD_BYTES)
                yield from self._records(reader)
        except OSError as error:
            raise BadInput(
                self.path, [Fault(field="(file)", value=str(self.path), because=f"can not be read: {error}")]
            ) from error

    def type_of(self, channel: Channel) -> str:
        schema = self.schemas.get(channel.schema_id)
        return "" if schema is None else schema.name

    def definition_of(self, channel: Channel) -> bytes:
        schema = self.schemas.get(channel.schema_id)
        return b"" if schema is None else schema.data

    def _records(self, reader: StreamReader) -> Iterator[McapRecord]:
        records = reader.records
        while True:
            try:
                record = next(records)
            except StopIteration:
                return
            except _UNREADABLE as error:
                self.damage = self.damage or f"cut short: {str(error) or type(error).__name__}"
                return
            yield from self._opened(record) if isinstance(record, Chunk) else (self._noted(record),)

    def _opened(self, chunk: Chunk) -> Iterator[McapRecord]:
        try:
            records = breakup_chunk(chunk, validate_crc=True)
        except _UNREADABLE as error:
            self.damage = f"a chunk can not be read: {error}"
            return
        for record in records:
            yield self._noted(record)

    def _noted(self, record: McapRecord) -> McapRecord:
        if isinstance(record, Channel):
            self.channels[record.id] = record
        elif isinstance(record, Schema):
            self.schemas[record.id] = record
        return record
