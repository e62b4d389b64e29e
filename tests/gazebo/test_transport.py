# SPDX-License-Identifier: Apache-2.0
"""The transport against a stand-in for Gazebo's master: greeting, subscription, publication, and what is not Gazebo at all."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import BadInput
from sim.gazebo.errors import GazeboLost
from sim.gazebo.messages import Messages
from sim.gazebo.transport import Client, Unpacker, packed

FIELDS: dict[str, list[tuple[str, str]]] = {
    "Time": [("sec", "int32"), ("nsec", "int32")],
    "Packet": [("stamp", "Time"), ("type", "string"), ("serialized_data", "bytes")],
    "Publish": [("topic", "string"), ("msg_type", "string"), ("host", "string"), ("port", "uint32")],
    "Subscribe": [("topic", "string"), ("host", "string"), ("port", "uint32"), ("msg_type", "string"), ("latching", "bool")],
    "GzString": [("data", "string")],
}


def write_descriptors(path: Path) -> Path:
    """The few messages that the transport itself needs, as a compiler would leave them."""
    file = descriptor_pb2.FileDescriptorProto(name="all.proto", package="gazebo.msgs", syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields, 1):
            added = message.field.add(name=field, number=number, label=kinds.LABEL_OPTIONAL)
            if kind == "Time":
                added.type, added.type_name = kinds.TYPE_MESSAGE, ".gazebo.msgs.Time"
            else:
                added.type = getattr(kinds, f"TYPE_{kind.upper()}")
    path.write_bytes(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString())
    return path


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_pieces_come_back_however_the_stream_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    stream, unpacker, found = b"".join(packed(piece) for piece in pieces), Unpacker(), []
    at, turn = 0, 0
    while at < len(stream):
        step = cuts[turn % len(cuts)]
        found += unpacker.feed(stream[at : at + step])
        at, turn = at + step, turn + 1
    assert found == pieces


@pytest.mark.parametrize("stream", [b"HTTP/1.1 200 OK\r\n", b"ffffffff"])
def test_another_protocol_is_refused(stream: bytes) -> None:
    with pytest.raises(GazeboLost):
        Unpacker().feed(stream)


def test_broken_descriptors_are_named(tmp_path: Path) -> None:
    (tmp_path / "messages.desc").write_bytes(b"\xff\xff no descriptors")
    with pytest.raises(BadInput, match=r"messages\.desc"):
        Messages(tmp_path / "messages.desc")
    with pytest.raises(BadInput, match="No such file"):
        Messages(tmp_path / "nothing.desc")


def test_an_unknown_message_is_an_error(tmp_path: Path) -> None:
    messages = Messages(write_descriptors(tmp_path / "messages.desc"))
    assert messages["GzString"](data="x").data == "x"
    with pytest.raises(KeyError):
        messages["Nothing"]


class Master:
    """Takes one client, keeps what it says, and says what it is told to."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.told: list[Any] = []
        self.line: socket.socket | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        self.line, _ = self.listener.accept()
        self.say("version_init", self._messages["GzString"](data="gazebo 11.1"))
        unpacker = Unpacker()
        while data := self.line.recv(4096):
            self.told += [self._messages["Packet"].FromString(piece) for piece in unpacker.feed(data)]

    def say(self, kind: str, message: Any) -> None:
        packet = self._messages["Packet"](type=kind, serialized_data=message.SerializeToString())
        assert self.line is not None
        self.line.sendall(packed(packet.SerializeToString()))


def until(holds: Any) -> bool:
    deadline_s = time.monotonic() + 10.0
    while not holds() and time.monotonic() < deadline_s:
        time.sleep(0.005)
    return bool(holds())


@pytest.fixture
def line(tmp_path: Path) -> Iterator[tuple[Messages, Master, Client]]:
    messages = Messages(write_descriptors(tmp_path / "messages.desc"))
    master = Master(messages)
    client = Client(messages, master.port)
    yield messages, master, client
    client.close()


def test_a_subscriber_reads_what_a_publisher_sends(line: tuple[Messages, Master, Client]) -> None:
    messages, master, client = line
    heard: list[str] = []
    client.subscribe("/gazebo/w/words", "GzString", lambda message: heard.append(message.data))
    assert until(lambda: master.told)
    asked = messages["Subscribe"].FromString(master.told[0].serialized_data)
    assert (master.told[0].type, asked.topic, asked.msg_type) == ("subscribe", "/gazebo/w/words", "gazebo.msgs.GzString")
    publisher = socket.create_server(("127.0.0.1", 0))
    where = messages["Publish"](
        topic=asked.topic, msg_type=asked.msg_type, host="127.0.0.1", port=int(publisher.getsockname()[1])
    )
    master.say("publisher_subscribe", where)
    peer, _ = publisher.accept()
    peer.recv(4096)
    peer.sendall(packed(messages["GzString"](data="one").SerializeToString()))
    peer.sendall(packed(messages["GzString"](data="two").SerializeToString()))
    assert until(lambda: heard == ["one", "two"])
    peer.close()
    assert until(lambda: client.lost)
    with pytest.raises(GazeboLost, match="words"):
        client.check()


def test_a_publisher_is_announced_and_read(line: tuple[Messages, Master, Client]) -> None:
    messages, master, client = line
    client.advertise("/gazebo/w/words", "GzString")
    assert until(lambda: master.told)
    said = messages["Publish"].FromString(master.told[0].serialized_data)
    assert (master.told[0].type, said.port) == ("advertise", client.port)
    reader = socket.create_connection(("127.0.0.1", said.port))
    asked = messages["Subscribe"](topic=said.topic, host="127.0.0.1", port=1, msg_type=said.msg_type)
    packet = messages["Packet"](type="sub", serialized_data=asked.SerializeToString())
    reader.sendall(packed(packet.SerializeToString()))
    assert until(lambda: client.readers(said.topic) == 1)
    client.publish(said.topic, messages["GzString"](data="hello"))
    assert messages["GzString"].FromString(Unpacker().feed(reader.recv(4096))[0]).data == "hello"


def test_a_master_that_goes_away_is_noticed(line: tuple[Messages, Master, Client]) -> None:
    _, master, client = line
    assert until(lambda: master.line is not None)
    assert master.line is not None
    master.line.shutdown(socket.SHUT_RDWR)
    assert until(lambda: client.lost)
    with pytest.raises(GazeboLost, match="master"):
        client.advertise("/gazebo/w/words", "GzString")


def test_nobody_on_the_port_is_said(tmp_path: Path) -> None:
    messages = Messages(write_descriptors(tmp_path / "messages.desc"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    with pytest.raises(GazeboLost, match=str(port)):
        Client(messages, port)
