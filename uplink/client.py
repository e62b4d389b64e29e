# SPDX-License-Identifier: Apache-2.0
"""The robot's end of the one connection to the command centre: dials out, keeps dialling, and never makes its caller wait."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from patrol.clock import Clock
from patrol.operations import Command, Refused
from patrol.wire import (
    BeliefUpdate,
    CommandIssued,
    Hello,
    KeyframeWanted,
    MapUpdate,
    Received,
    RouteUpdate,
    Telemetry,
    ToRobot,
    VideoPacket,
    VideoState,
    ZonesOrdered,
)
from patrol.zone_orders import ZoneOrder
from uplink.backoff import Backoff
from uplink.config import UplinkConfig
from uplink.dial import LinkEnded, dial, hang_up, until_first_ends
from uplink.messages import answer_message, command_from_wire, parse_order, zones_from_wire
from uplink.outbox import Durable, Outbox
from uplink.queues import LatestOnly, VideoQueue
from uplink.sender import Sender, Undurable

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Whether the command centre can be reached, since when (robot's clock), and if not, why."""

    is_up: bool
    since_ns: int
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """Called on the uplink's own thread; each must return at once. ``on_command`` gets orders that have not run out;
    ``on_keyframe_wanted`` gets the name of a stream; ``on_link`` every change of the link; ``on_zones`` orders of zones (None:
    they are refused)."""

    on_command: Callable[[Command], None]
    on_keyframe_wanted: Callable[[str], None]
    on_link: Callable[[Link], None]
    on_zones: Callable[[ZoneOrder], None] | None = None


class UplinkClient:
    """Dials ``config.url`` and holds the connection until ``stop``.

    The ``offer_...`` methods may be called from any thread and never wait for the network. ``offer_durable`` returns when the
    message is on disk. Telemetry, map, route, beliefs and video state are latest-only; video loses whole groups of pictures
    when the link is slower than the camera. A lost link is known within ``times.heartbeat_s + times.answer_within_s``.
    """

    def __init__(
        self,
        config: UplinkConfig,
        outbox: Outbox,
        handlers: Handlers,
        *,
        token: str,
        hello: Hello,
        robot_clock: Clock,
        wall_clock: Clock,
        seed: int,
    ) -> None:
        self._config, self._outbox, self._handlers = config, outbox, handlers
        self._token, self._hello = token, hello
        self._robot_clock, self._wall_clock = robot_clock, wall_clock
        self._latest: LatestOnly[Undurable] = LatestOnly()
        self._video = VideoQueue(limit=config.video_queue)
        self._backoff = Backoff(first_s=config.times.first_wait_s, limit_s=config.times.longest_wait_s, seed=seed)
        self._link = Link(is_up=False, since_ns=robot_clock.now_ns(), because="not dialled yet")
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._stop: asyncio.Event | None = None
        self._sender: Sender | None = None
        self._key_asked_s: dict[int, float] = {}

    @property
    def link(self) -> Link:
        """The link as last known."""
        return self._link

    @property
    def video_dropped(self) -> int:
        """Video packets given up because the link was slower than the camera."""
        return self._video.dropped

    def offer_telemetry(self, telemetry: Telemetry) -> None:
        self._offer(Telemetry, telemetry)

    def offer_map(self, update: MapUpdate) -> None:
        self._offer(MapUpdate, update)

    def offer_route(self, update: RouteUpdate) -> None:
        self._offer(RouteUpdate, update)

    def offer_beliefs(self, update: BeliefUpdate) -> None:
        self._offer(BeliefUpdate, update)

    def offer_video_state(self, state: VideoState) -> None:
        self._offer((VideoState, state.stream), state)

    def offer_durable(self, message: Durable) -> int:
        """Keep an alert, an outcome or an answer until the centre has stored it. Returns its sequence number."""
        sequence = self._outbox.append(message)
        self._wake()
        return sequence

    def offer_video(self, packet: VideoPacket) -> None:
        """Queue one picture; without a link it is dropped, as nobody wants it later."""
        if not self._link.is_up:
            return
        if not self._video.put(packet):
            self._post(self._ask_for_key, packet.stream)
        self._wake()

    def stop(self) -> None:
        """Make ``run`` close the connection and return. Callable from any thread, more than once."""
        self._stopping.set()
        self._post(self._set_stop)

    async def run(self) -> None:
        """Dial, talk, and dial again, until ``stop``."""
        with self._lock:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            while not self._stopping.is_set():
                await self._one_connection()
                await self._wait_or_stop(self._backoff.next_wait_s())
        finally:
            with self._lock:
                self._loop = None

    async def _one_connection(self) -> None:
        """Dial once and talk until the link ends. That it has ended is told before the line is taken down."""
        try:
            connection = await dial(self._config, self._token)
        except LinkEnded as error:
            self._change_link(is_up=False, because=str(error))
            return
        try:
            because = await self._talk(connection)
        finally:
            self._sender = None
        self._change_link(is_up=False, because=because)
        await hang_up(connection, within_s=self._config.times.close_within_s)

    async def _talk(self, connection: ClientConnection) -> str:
        """Speak until something fails or ``stop`` is called. Returns why it ended."""
        try:
            await connection.send(self._hello.model_dump_json())
            self._sender = self._new_sender()
            self._video.restart()
            self._change_link(is_up=True, because="")
            await until_first_ends(
                self._sender.run(connection), self._receive(connection), self._heartbeat(connection), self._until_stopped()
            )
        except ConnectionClosed as error:
            return f"the command centre closed the link ({error})"
        except LinkEnded as error:
            return str(error)
        return "stopped"

    def _new_sender(self) -> Sender:
        return Sender(
            self._outbox,
            self._latest,
            self._video,
            wall_clock=self._wall_clock,
            now_s=asyncio.get_running_loop().time,
            telemetry_gap_s=1.0 / self._config.telemetry_hz,
            confirm_within_s=self._config.times.confirm_within_s,
        )

    async def _receive(self, connection: ClientConnection) -> None:
        faults = 0
        async for frame in connection:
            message = parse_order(frame)
            if message is not None:
                self._take(message)
                continue
            faults += 1
            if faults == 1:
                _log.warning("the command centre sent something that is not a message: %.80r", frame)
            if faults > self._config.faults_allowed:
                raise LinkEnded("the command centre sends things that are not messages")
        raise LinkEnded("the command centre closed the link")

    def _take(self, message: ToRobot) -> None:
        if isinstance(message, KeyframeWanted):
            self._handlers.on_keyframe_wanted(message.stream)
        elif isinstance(message, Received):
            if self._sender is not None:
                self._sender.received(message.sequence)
        else:
            self._take_order(message, self._robot_clock.now_ns())

    def _take_order(self, message: CommandIssued | ZonesOrdered, now_ns: int) -> None:
        if isinstance(message, ZonesOrdered):
            zones = zones_from_wire(message, received_ns=now_ns)
            if isinstance(zones, Refused):
                self._keep_refusal(zones)
            elif self._handlers.on_zones is None:
                self._keep_refusal(Refused(command_id=zones.order_id, because="this robot takes no zones"))
            else:
                self._handlers.on_zones(zones)
        else:
            command = command_from_wire(message, received_ns=now_ns)
            if isinstance(command, Refused):
                self._keep_refusal(command)
            else:
                self._handlers.on_command(command)

    def _keep_refusal(self, refused: Refused) -> None:
        """Write it from another thread, so that the heart goes on beating while the disk works."""
        asyncio.get_running_loop().run_in_executor(None, self.offer_durable, answer_message(refused))

    async def _heartbeat(self, connection: ClientConnection) -> None:
        times = self._config.times
        while True:
            await asyncio.sleep(times.heartbeat_s)
            try:
                async with asyncio.timeout(times.answer_within_s):
                    await (await connection.ping())
            except TimeoutError as error:
                raise LinkEnded(f"the command centre did not answer within {times.answer_within_s:.1f} s") from error
            self._backoff.succeeded()

    async def _until_stopped(self) -> None:
        if self._stop is not None:
            await self._stop.wait()

    async def _wait_or_stop(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._until_stopped()
        except TimeoutError:
            return

    def _change_link(self, *, is_up: bool, because: str) -> None:
        """Tell and log a change once; the same refusal over and over is one line."""
        before = self._link
        if (before.is_up, before.because) == (is_up, because):
            return
        self._link = Link(is_up=is_up, since_ns=self._robot_clock.now_ns(), because=because)
        if is_up:
            _log.info("linked to the command centre at %s", self._config.url)
        elif self._stopping.is_set():
            _log.info("the link to the command centre is closed")
        else:
            _log.warning("no link to the command centre at %s: %s", self._config.url, because)
        self._handlers.on_link(self._link)

    def _ask_for_key(self, stream: int) -> None:
        now_s, streams = asyncio.get_running_loop().time(), self._config.streams
        due = now_s - self._key_asked_s.get(stream, -1e9) >= self._config.key_request_gap_s
        if due and 0 <= stream < len(streams):
            self._key_asked_s[stream] = now_s
            self._handlers.on_keyframe_wanted(streams[stream])

    def _offer(self, key: Hashable, message: Undurable) -> None:
        self._latest.put(key, message)
        self._wake()

    def _wake(self) -> None:
        self._post(self._wake_sender)

    def _wake_sender(self) -> None:
        if self._sender is not None:
            self._sender.wake.set()

    def _set_stop(self) -> None:
        if self._stop is not None:
            self._stop.set()

    def _post(self, call: Callable[..., None], *arguments: int) -> None:
        """Run ``call`` on the client's loop; without a running loop there is nothing to tell."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call, *arguments)


class UplinkThread:
    """Runs a client on a thread of its own, for callers that have no event loop."""

    def __init__(self, client: UplinkClient) -> None:
        self._client = client
        self._thread = threading.Thread(target=lambda: asyncio.run(client.run()), name="uplink", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, within_s: float = 2.0) -> bool:
        """Ask the client to end and wait at most ``within_s``. Returns whether it has ended."""
        self._client.stop()
        self._thread.join(within_s)
        return not self._thread.is_alive()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()
