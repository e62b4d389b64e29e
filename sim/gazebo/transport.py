# SPDX-License-Identifier: Apache-2.0
"""Gazebo 11's own transport: protobuf over TCP, each piece after its length as eight hexadecimal digits.

The master greets with the publishers that it knows, takes ``subscribe`` and ``advertise``, and answers with where a publisher
is. Data flow directly: a subscriber connects to the publisher, says ``sub``, and reads bare messages. As Gazebo's own
``transport::Connection``, ``ConnectionManager`` and ``Master`` do it (gazebosim.org, version 11).
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError, Message

from sim.gazebo.errors import GazeboLost
from sim.gazebo.messages import PACKAGE, Messages

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
_HEADER = 8
_LARGEST = 64 * 2**20
_CHUNK = 1 << 18
_SEND_WITHIN_S = 5.0
_LOOK_S = 0.2
Deliver = Callable[[Any], None]


def packed(payload: bytes) -> bytes:
    """``payload`` as it goes over the wire."""
    return b"%08x" % len(payload) + payload


class Unpacker:
    """Cuts a stream of bytes into the pieces that were packed."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces that are whole now. Raises GazeboLost when the stream is not Gazebo's."""
        self._held += data
        pieces, at = [], 0
        while len(self._held) - at >= _HEADER:
            try:
                size = int(self._held[at : at + _HEADER], 16)
            except ValueError as error:
                raise GazeboLost(f"not Gazebo's transport: a length of {bytes(self._held[at : at + _HEADER])!r}") from error
            if size > _LARGEST:
                raise GazeboLost(f"a message of {size} bytes is too large")
            if len(self._held) - at - _HEADER < size:
                break
            pieces.append(bytes(self._held[at + _HEADER : at + _HEADER + size]))
            at += _HEADER + size
        del self._held[:at]
        return pieces


@dataclass(slots=True)
class _Line:
    """One connection: who it leads to (empty: the master), and what to do with each piece."""

    socket: socket.socket
    take: Callable[[bytes], None]
    unpacker: Unpacker
    name: str


class Client:
    """A node of Gazebo's transport in a thread of its own; ``deliver`` functions are called on that thread.

    Once the master or a publisher goes away, ``lost`` says why and every verb raises GazeboLost.
    """

    def __init__(self, messages: Messages, port: int, *, within_s: float = 5.0) -> None:
        """Connect to the master on this machine. Raises GazeboLost when there is none."""
        self._messages = messages
        try:
            self._master = socket.create_connection((HOST, port), timeout=within_s)
        except OSError as error:
            raise GazeboLost(f"no Gazebo answers on port {port}: {error}") from error
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self._subscribed: dict[str, tuple[Any, Deliver]] = {}
        self._readers: dict[str, list[socket.socket]] = {}
        self._connected: set[tuple[str, int]] = set()
        self._lock = threading.Lock()
        self._wrong = ""
        self._ending = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._watch(self._master, self._on_master, "master")
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, name="gazebo", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> str:
        """Why the connection is gone; empty while it stands."""
        return self._wrong

    def subscribe(self, topic: str, kind: str, deliver: Deliver, *, latching: bool = False) -> None:
        """Hear ``topic``; with ``latching`` also the last message before. Raises GazeboLost."""
        self._subscribed[topic] = (self._messages[kind], deliver)
        asked = self._messages["Subscribe"](
            topic=topic, msg_type=f"{PACKAGE}.{kind}", host=HOST, port=self.port, latching=latching
        )
        self._send(self._master, self._packet("subscribe", asked))

    def advertise(self, topic: str, kind: str) -> None:
        """Say that messages of ``kind`` will come on ``topic``. Raises GazeboLost."""
        with self._lock:
            self._readers[topic] = []
        self._send(self._master, self._packet("advertise", self._publish(topic, kind)))

    def publish(self, topic: str, message: Message) -> None:
        """Send to everybody who reads ``topic``. Raises GazeboLost."""
        with self._lock:
            readers = list(self._readers[topic])
        payload = message.SerializeToString()
        for reader in readers:
            self._send(reader, payload)

    def readers(self, topic: str) -> int:
        """How many read ``topic``."""
        with self._lock:
            return len(self._readers.get(topic, ()))

    def check(self) -> None:
        """Raises GazeboLost when the connection is gone."""
        if self._wrong:
            raise GazeboLost(self._wrong)

    def close(self) -> None:
        """End the thread and every connection."""
        self._ending.set()
        self._thread.join(2.0)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close() if isinstance(key.fileobj, socket.socket) else None
        self._selector.close()

    def _serve(self) -> None:
        try:
            while not self._ending.is_set():
                for key, _ in self._selector.select(_LOOK_S):
                    if key.data is None:
                        self._accept()
                    else:
                        self._read(key.data)
        except (GazeboLost, OSError, DecodeError) as error:
            if not self._ending.is_set():
                self._wrong = str(error) or "the connection to Gazebo broke"

    def _read(self, line: _Line) -> None:
        data = line.socket.recv(_CHUNK)
        if not data:
            raise GazeboLost(f"Gazebo closed the connection ({line.name})")
        for piece in line.unpacker.feed(data):
            if piece:
                line.take(piece)

    def _on_master(self, piece: bytes) -> None:
        packet = self._messages["Packet"].FromString(piece)
        if packet.type in ("publisher_subscribe", "publisher_advertise"):
            self._connect(self._messages["Publish"].FromString(packet.serialized_data))

    def _connect(self, publisher: Any) -> None:
        key = (publisher.topic, publisher.port)
        if publisher.topic not in self._subscribed or publisher.port == self.port or key in self._connected:
            return
        self._connected.add(key)
        kind, deliver = self._subscribed[publisher.topic]
        line = socket.create_connection((publisher.host, publisher.port), timeout=_SEND_WITHIN_S)
        asked = self._messages["Subscribe"](
            topic=publisher.topic, msg_type=publisher.msg_type, host=HOST, port=self.port, latching=True
        )
        self._send(line, self._packet("sub", asked))
        self._watch(line, lambda piece: deliver(kind.FromString(piece)), publisher.topic)

    def _accept(self) -> None:
        peer, _ = self._listener.accept()

        def take(piece: bytes) -> None:
            packet = self._messages["Packet"].FromString(piece)
            if packet.type == "sub":
                topic = self._messages["Subscribe"].FromString(packet.serialized_data).topic
                with self._lock:
                    self._readers.setdefault(topic, []).append(peer)

        self._watch(peer, take, "a reader")

    def _watch(self, line: socket.socket, take: Callable[[bytes], None], name: str) -> None:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.settimeout(_SEND_WITHIN_S)
        self._selector.register(line, selectors.EVENT_READ, _Line(line, take, Unpacker(), name))

    def _send(self, line: socket.socket, payload: bytes) -> None:
        self.check()
        try:
            line.sendall(packed(payload))
        except OSError as error:
            self._wrong = self._wrong or f"Gazebo does not take data: {error}"
            raise GazeboLost(self._wrong) from error

    def _packet(self, kind: str, message: Message) -> bytes:
        packet = self._messages["Packet"](type=kind, serialized_data=message.SerializeToString())
        packet.stamp.sec, packet.stamp.nsec = divmod(time.time_ns(), 10**9)
        payload: bytes = packet.SerializeToString()
        return payload

    def _publish(self, topic: str, kind: str) -> Any:
        return self._messages["Publish"](topic=topic, msg_type=f"{PACKAGE}.{kind}", host=HOST, port=self.port)
