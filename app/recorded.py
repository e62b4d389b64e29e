# SPDX-License-Identifier: Apache-2.0
"""Messages of a recording, decoded by the definitions that it carries itself."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mcap.exceptions import McapError
from mcap.records import Schema
from mcap.well_known import MessageEncoding, SchemaEncoding
from mcap_ros2.decoder import DecoderFactory

from evidence.recording import RecordedMessage, Recording
from patrol.errors import BadInput, Fault


def decoded(path: Path, topics: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Topic, without its namespace, and message, in the order of the file, up to where it can be read. A topic that ends on
    ``/compressed`` comes as its serialised bytes. Raises BadInput for a message that is not as its definition says."""
    decoders: dict[str, Callable[[bytes], Any]] = {}
    for message in Recording(path).messages():
        name = next((topic for topic in topics if message.topic == topic or message.topic.endswith(f"/{topic}")), None)
        if name is None:
            continue
        if name.endswith("/compressed"):
            yield name, message.cdr
            continue
        try:
            if message.topic not in decoders:
                decoders[message.topic] = _decoder(message)
            yield name, decoders[message.topic](message.cdr)
        except (McapError, ValueError, struct.error, IndexError) as error:
            raise BadInput(path, [Fault(field=message.topic, value=message.type, because=f"can not be read: {error}")]) from error


def _decoder(message: RecordedMessage) -> Callable[[bytes], Any]:
    """By the definition that the recording carries. Raises ValueError without one."""
    schema = Schema(id=1, data=message.definition, encoding=SchemaEncoding.ROS2, name=message.type)
    decode: Callable[[bytes], Any] | None = DecoderFactory().decoder_for(MessageEncoding.CDR, schema)
    if decode is None or not message.definition:
        raise ValueError("it has no definition")
    return decode
