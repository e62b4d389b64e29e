# SPDX-License-Identifier: Apache-2.0
"""The client against centres that are kind, slow, rude and dead. Real sockets on loopback; every wait has a deadline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.utils import accept_key

from patrol.clock import ManualClock
from patrol.config import validate_config
from patrol.errors import BadInput
from patrol.operations import Command
from patrol.wire import (
    FROM_ROBOT,
    CommandAnswered,
    CommandIssued,
    FromRobot,
    Hello,
    KeyframeWanted,
    Received,
    Telemetry,
    VideoPacket,
)
from tests.uplink.examples import alert, answer, hello, packet, telemetry
from uplink.client import Handlers, Link, UplinkClient, UplinkThread
from uplink.config import LinkTimes, UplinkConfig
from uplink.outbox import Outbox

QUICK = LinkTimes(heartbeat_s=0.05, answer_within_s=0.3, close_within_s=0.1, first_wait_s=0.02, longest_wait_s=0.05)
TOKEN = "robot-token"
Talk = Callable[[ServerConnection], Awaitable[None]]


class Centre:
    """A command centre in a few lines: keeps what it hears, and answers as ``talk`` says."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[FromRobot | VideoPacket] = asyncio.Queue()
        self.connections: asyncio.Queue[ServerConnection] = asyncio.Queue()

    async def talk(self, connection: ServerConnection) -> None:
        self.connections.put_nowait(connection)
        async for frame in connection:
            heard = VideoPacket.from_bytes(frame) if isinstance(frame, bytes) else FROM_ROBOT.validate_json(frame)
            self.heard.put_nowait(heard)

    async def next(self) -> FromRobot | VideoPacket:
        return await asyncio.wait_for(self.heard.get(), 10.0)

    async def connection(self) -> ServerConnection:
        return await asyncio.wait_for(self.connections.get(), 10.0)


class Robot:
    """A client with everything that it calls, kept in queues."""

    def __init__(self, url: str, folder: Path, *, token: str = TOKEN, times: LinkTimes = QUICK, **settings: int) -> None:
        self.commands: asyncio.Queue[Command] = asyncio.Queue()
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.links: asyncio.Queue[Link] = asyncio.Queue()
        self.clock, self.outbox = ManualClock(7_000_000_000), Outbox(folder / "outbox.db")
        handlers = Handlers(
            on_command=self.commands.put_nowait, on_keyframe_wanted=self.keys.put_nowait, on_link=self.links.put_nowait
        )
        self.client = UplinkClient(
            validate_config(UplinkConfig, {"url": url, "times": times, "telemetry_hz": 50, **settings}, source="test"),
            self.outbox,
            handlers,
            token=token,
            hello=hello(),
            robot_clock=self.clock,
            wall_clock=ManualClock(123),
            seed=1,
        )

    async def until_link(self, *, up: bool) -> Link:
        while True:
            link = await asyncio.wait_for(self.links.get(), 10.0)
            if link.is_up == up:
                return link


@asynccontextmanager
async def centre_at(talk: Talk) -> AsyncIterator[str]:
    """A server that asks for the token and then hands each connection to ``talk``."""

    def check(connection: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Authorization") == f"Bearer {TOKEN}":
            return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "no\n")

    async with serve(talk, "127.0.0.1", 0, process_request=check, close_timeout=0.2) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/robot"


@asynccontextmanager
async def running(robot: Robot) -> AsyncIterator[Robot]:
    task = asyncio.create_task(robot.client.run())
    try:
        yield robot
    finally:
        robot.client.stop()
        await asyncio.wait_for(task, 10.0)
        robot.outbox.close()


async def test_it_says_hello_first_and_then_what_it_is_offered(tmp_path: Path) -> None:
    centre = Centre()
    async with centre_at(centre.talk) as url, running(Robot(url, tmp_path)) as robot:
        assert await centre.next() == hello()
        await robot.until_link(up=True)
        robot.client.offer_telemetry(telemetry(5))
        sent = await centre.next()
        assert isinstance(sent, Telemetry)
        assert (sent.stamp_ns, sent.sent_ns) == (5, 123)
        robot.client.offer_video(packet(1, key=True))
        assert await centre.next() == packet(1, key=True)


async def test_commands_expire_on_the_robots_clock_and_bad_ones_are_answered(tmp_path: Path) -> None:
    centre = Centre()
    async with centre_at(centre.talk) as url, running(Robot(url, tmp_path)) as robot:
        connection = await centre.connection()
        for kind, command_id in (("estop", "c1"), ("dance", "c2")):
            issued = CommandIssued(command_id=command_id, kind=kind, expires_in_s=2.0, issued_by="op")
            await connection.send(issued.model_dump_json())
        command = await asyncio.wait_for(robot.commands.get(), 10.0)
        assert (command.command_id, command.expires_ns) == ("c1", 9_000_000_000)
        assert isinstance(await centre.next(), Hello)
        refusal = await centre.next()
        assert isinstance(refusal, CommandAnswered)
        assert (refusal.command_id, refusal.accepted) == ("c2", False)
        await connection.send(KeyframeWanted(stream="camera").model_dump_json())
        assert await asyncio.wait_for(robot.keys.get(), 10.0) == "camera"


async def test_durable_messages_are_sent_again_after_a_reconnection_until_they_are_confirmed(tmp_path: Path) -> None:
    centre = Centre()
    async with centre_at(centre.talk) as url, running(Robot(url, tmp_path)) as robot:
        robot.client.offer_durable(alert("a"))
        robot.client.offer_durable(answer("b"))
        connection = await centre.connection()
        first = [await centre.next() for _ in range(3)][1:]
        await connection.close()
        again = await centre.connection()
        second = [await centre.next() for _ in range(3)][1:]
        assert first == second
        assert [message.sequence for message in second if isinstance(message, CommandAnswered)] == [2]
        await again.send(Received(sequence=10**15).model_dump_json())
        for _ in range(1000):
            if not robot.outbox.pending():
                break
            await asyncio.sleep(0.01)
        robot.client.offer_durable(answer("c"))
        third = await centre.next()
        assert isinstance(third, CommandAnswered)
        assert third.sequence == 3
        assert [kept.sequence for kept in robot.outbox.pending()] == [3]


async def test_unconfirmed_messages_are_sent_again_on_the_same_connection(tmp_path: Path) -> None:
    centre = Centre()
    times = QUICK.model_copy(update={"confirm_within_s": 0.1})
    async with centre_at(centre.talk) as url, running(Robot(url, tmp_path, times=times)) as robot:
        robot.client.offer_durable(answer("a"))
        sequences = [
            message.sequence for message in [await centre.next() for _ in range(4)] if isinstance(message, CommandAnswered)
        ]
        assert sequences == [1, 1, 1]
        assert centre.connections.qsize() == 1


async def test_many_waiting_messages_arrive_in_order_without_starving_telemetry(tmp_path: Path) -> None:
    centre = Centre()
    async with centre_at(centre.talk) as url:
        robot = Robot(url, tmp_path)
        for number in range(200):
            robot.outbox.append(answer(str(number)))
        robot.client.offer_telemetry(telemetry(5))
        async with running(robot):
            connection, telemetry_after = await centre.connection(), -1
            sequences: list[int] = []
            while len(sequences) < 200:
                message = await centre.next()
                if isinstance(message, Telemetry):
                    telemetry_after = len(sequences)
                elif isinstance(message, CommandAnswered):
                    sequences.append(message.sequence)
                    await connection.send(Received(sequence=message.sequence).model_dump_json())
            assert sequences == list(range(1, 201))
            assert 0 <= telemetry_after <= 2


async def test_a_centre_that_falls_silent_is_noticed_without_a_closing_word(tmp_path: Path) -> None:
    """The centre's machine hangs: its kernel still takes bytes, and nothing ever answers."""
    writers: list[asyncio.StreamWriter] = []

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(_acceptance(head))

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/robot"
    async with server, running(Robot(url, tmp_path)) as robot:
        await robot.until_link(up=True)
        lost = await robot.until_link(up=False)
        assert "did not answer" in lost.because
        for writer in writers:
            writer.close()


def test_a_dead_link_is_known_within_two_seconds_by_default() -> None:
    times = LinkTimes()
    assert times.heartbeat_s + times.answer_within_s <= 2.0


async def test_a_wrong_token_is_said_once_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    centre, tries = Centre(), asyncio.Semaphore(0)
    caplog.set_level(logging.WARNING, logger="uplink")

    async def count(connection: ServerConnection) -> None:
        await centre.talk(connection)

    def refuse(connection: ServerConnection, request: Request) -> Response:
        tries.release()
        return connection.respond(HTTPStatus.UNAUTHORIZED, f"{request.path} no\n")

    async with serve(count, "127.0.0.1", 0, process_request=refuse) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/robot"
        async with running(Robot(url, tmp_path, token="wrong")) as robot:
            for _ in range(4):
                await asyncio.wait_for(tries.acquire(), 10.0)
            assert "refused the token (HTTP 401)" in robot.client.link.because
    said = [record.getMessage() for record in caplog.records if "refused the token" in record.getMessage()]
    assert len(said) == 1
    assert TOKEN not in caplog.text
    assert "wrong" not in said[0]


@pytest.mark.parametrize("rude", ["{}", "not json", b"\x00\x01binary", '{"type":"command","extra":1}', "x" * 70_000])
async def test_a_rude_centre_is_borne_and_then_left(tmp_path: Path, rude: str | bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="uplink")
    met = asyncio.Semaphore(0)

    async def shout(connection: ServerConnection) -> None:
        met.release()
        for _ in range(30):
            await connection.send(rude)
        await connection.wait_closed()

    async with centre_at(shout) as url, running(Robot(url, tmp_path)) as robot:
        for _ in range(2):
            await asyncio.wait_for(met.acquire(), 10.0)
        assert (await robot.until_link(up=False)).because
        assert robot.commands.empty()


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"\xff" * 9000])
async def test_something_that_is_no_web_socket_is_not_the_end(tmp_path: Path, greeting: bytes) -> None:
    met = asyncio.Semaphore(0)

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        met.release()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/robot"
    async with server, running(Robot(url, tmp_path)) as robot:
        for _ in range(3):
            await asyncio.wait_for(met.acquire(), 10.0)
        assert not robot.client.link.is_up


async def test_the_token_does_not_follow_a_redirect(tmp_path: Path) -> None:
    centre = Centre()
    async with centre_at(centre.talk) as elsewhere:

        def redirect(connection: ServerConnection, request: Request) -> Response:
            response = connection.respond(HTTPStatus.FOUND, f"{request.path} moved\n")
            response.headers["Location"] = elsewhere
            return response

        async with serve(centre.talk, "127.0.0.1", 0, process_request=redirect) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/robot"
            async with running(Robot(url, tmp_path)) as robot:
                assert "HTTP 302" in (await robot.until_link(up=False)).because
    assert centre.connections.empty()


async def test_a_slow_link_costs_pictures_not_memory_and_asks_for_a_key(tmp_path: Path) -> None:
    centre = Centre()
    gate = asyncio.Event()

    async def slow(connection: ServerConnection) -> None:
        await gate.wait()
        await centre.talk(connection)

    async with centre_at(slow) as url, running(Robot(url, tmp_path, video_queue=4)) as robot:
        await robot.until_link(up=True)
        big = b"x" * 200_000
        for number in range(200):
            robot.client.offer_video(VideoPacket(stream=0, stamp_ns=number, pts_90khz=0, is_key=number == 0, data=big))
            await asyncio.sleep(0)
        assert robot.client.video_dropped > 100
        assert await asyncio.wait_for(robot.keys.get(), 10.0) == "camera"
        assert robot.keys.empty()
        robot.client.offer_video(packet(999, key=True))
        gate.set()
        stamps: list[int] = []
        while not stamps or stamps[-1] != 999:
            heard = await centre.next()
            if isinstance(heard, VideoPacket):
                stamps.append(heard.stamp_ns)
        assert stamps[:-1] == list(range(len(stamps) - 1))


async def test_offers_from_another_thread_arrive_and_stop_ends_it(tmp_path: Path) -> None:
    centre = Centre()
    async with centre_at(centre.talk) as url:
        robot = Robot(url, tmp_path)
        thread = UplinkThread(robot.client)
        thread.start()
        assert isinstance(await centre.next(), Hello)
        await asyncio.to_thread(robot.client.offer_durable, alert("a"))
        assert (await centre.next()) == alert("a").model_copy(update={"sequence": 1})
        stopping = asyncio.get_running_loop().run_in_executor(None, lambda: thread.stop(within_s=10.0))
        assert await stopping
        assert not thread.is_running
        robot.client.offer_telemetry(telemetry(1))
        robot.client.stop()


async def test_without_any_centre_offers_are_kept_or_dropped_but_never_wait(tmp_path: Path) -> None:
    robot = Robot("ws://127.0.0.1:9/robot", tmp_path)
    async with running(robot):
        assert "can not be reached" in (await robot.until_link(up=False)).because
        robot.client.offer_video(packet(1, key=True))
        robot.client.offer_durable(alert("a"))
        assert robot.outbox.waiting() == 1


@pytest.mark.parametrize("url", ["http://x/robot", "ws:///robot", "ws://centre.example/robot", "robot"])
def test_addresses_that_would_leak_the_token_or_lead_nowhere_are_refused(url: str) -> None:
    with pytest.raises(BadInput, match="url"):
        validate_config(UplinkConfig, {"url": url}, source="test")
    assert UplinkConfig(url="wss://centre.example/robot").url


def _acceptance(head: bytes) -> bytes:
    """The server's half of the handshake (RFC 6455, 4.2.2)."""
    (key,) = (line.split(b":")[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    accept = accept_key(key.decode())
    lines = (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept}",
        "",
        "",
    )
    return "\r\n".join(lines).encode()
