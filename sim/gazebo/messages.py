# SPDX-License-Identifier: Apache-2.0
"""Gazebo's message types, from the descriptors that set-up compiled out of Debian's ``libgazebo-dev``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from patrol.errors import BadInput, Fault

PACKAGE = "gazebo.msgs"


class Messages:
    """Message classes by their short name, such as ``LaserScanStamped``."""

    def __init__(self, descriptors: Path) -> None:
        """Raises BadInput when ``descriptors`` is no compiled set of message definitions."""
        try:
            files = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes()).file
            self._pool = descriptor_pool.DescriptorPool()
            _add_all(self._pool, {file.name: file for file in files})
        except (OSError, DecodeError, TypeError) as error:
            raise BadInput(descriptors, [Fault(field="(file)", value=str(descriptors), because=str(error))]) from error
        self._classes: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """The class of one message. Raises KeyError for a name that Gazebo does not have."""
        if name not in self._classes:
            self._classes[name] = message_factory.GetMessageClass(self._pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        return self._classes[name]


def _add_all(pool: Any, waiting: dict[str, Any]) -> None:
    """Add every file after the ones that it imports."""

    def add(name: str) -> None:
        file = waiting.pop(name, None)
        if file is not None:
            for needed in file.dependency:
                add(needed)
            pool.AddSerializedFile(file.SerializeToString())

    for name in list(waiting):
        add(name)
