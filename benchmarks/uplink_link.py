# SPDX-License-Identifier: Apache-2.0
"""How fast the outbox takes messages, how long an offer holds its caller, and how soon a silent command centre is noticed."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve

from patrol.clock import SystemClock
from patrol.wire import CommandAnswered, Hello, VideoPacket
from uplink.client import Handlers, Link, UplinkClient, UplinkThread
from uplink.config import UplinkConfig
from uplink.outbox import Outbox

SILENCES = 5
OFFERS = 2000


class Relay:
    """Passes bytes between robot and centre until it is told to hold them all, as a dead radio link does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.open = asyncio.Event()
        self.open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        centre_reader, centre_writer = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._pass(reader, centre_writer), self._pass(centre_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self.open.wait()
            writer.write(data)
        writer.close()


async def _listen(connection: ServerConnection) -> None:
    async for _ in connection:
        pass


async def _silences(folder: Path) -> tuple[list[float], list[float]]:
    """Seconds from the moment nothing passes any more to the link being known as lost, and microseconds per video offer."""
    changes: asyncio.Queue[Link] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def tell(link: Link) -> None:
        loop.call_soon_threadsafe(changes.put_nowait, link)

    handlers = Handlers(
        on_command=lambda _: None,
        on_keyframe_wanted=lambda _: None,
        on_link=tell,
    )
    async with serve(_listen, "127.0.0.1", 0) as server:
        relay = Relay(server.sockets[0].getsockname()[1])
        front = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
        client = UplinkClient(
            UplinkConfig(url=f"ws://127.0.0.1:{front.sockets[0].getsockname()[1]}/robot"),
            Outbox(folder / "outbox.db"),
            handlers,
            token="t",
            hello=Hello(robot_id="r", name="R", site_id="s", site_geojson="{}"),
            robot_clock=SystemClock(),
            wall_clock=SystemClock(),
            seed=1,
        )
        thread, lost_s = UplinkThread(client), []
        thread.start()
        offers_us = []
        for _ in range(SILENCES):
            while not (await changes.get()).is_up:
                pass
            offers_us += _offer_video(client)
            await asyncio.sleep(1.3)
            relay.open.clear()
            begin_s = time.monotonic()
            while (await changes.get()).is_up:
                pass
            lost_s.append(time.monotonic() - begin_s)
            relay.open.set()
        await asyncio.to_thread(thread.stop)
        front.close()
    return lost_s, offers_us


def _offer_video(client: UplinkClient) -> list[float]:
    data, costs_us = bytes(12_000), []
    for number in range(OFFERS // SILENCES):
        begin_s = time.perf_counter()
        client.offer_video(VideoPacket(stream=0, stamp_ns=number, pts_90khz=number, is_key=number % 20 == 0, data=data))
        costs_us.append(1e6 * (time.perf_counter() - begin_s))
    return costs_us


def _appends_us(folder: Path) -> list[float]:
    outbox, costs_us = Outbox(folder / "speed.db"), []
    for number in range(OFFERS):
        begin_s = time.perf_counter()
        outbox.append(CommandAnswered(sequence=0, command_id=str(number), accepted=True))
        costs_us.append(1e6 * (time.perf_counter() - begin_s))
    outbox.close()
    return costs_us


def main() -> None:
    """Measure and print one line of figures."""
    with tempfile.TemporaryDirectory() as name:
        appends_us = _appends_us(Path(name))
        lost_s, offers_us = asyncio.run(_silences(Path(name)))
    metrics = {
        "outbox_append_p50_us": round(statistics.median(appends_us)),
        "outbox_append_p99_us": round(statistics.quantiles(appends_us, n=100)[98]),
        "video_offer_p50_us": round(statistics.median(offers_us), 1),
        "video_offer_p99_us": round(statistics.quantiles(offers_us, n=100)[98], 1),
        "link_lost_known_median_s": round(statistics.median(lost_s), 2),
        "link_lost_known_max_s": round(max(lost_s), 2),
    }
    sys.stdout.write(json.dumps({"benchmark": "uplink_link", "metrics": metrics}) + "\n")


if __name__ == "__main__":
    main()
