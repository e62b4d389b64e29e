# SPDX-License-Identifier: Apache-2.0
"""One robot's connection: what waits to be sent to it."""

from __future__ import annotations

import asyncio

from patrol.wire import TO_ROBOT, CommandIssued, KeyframeWanted, Received, ZonesOrdered

Order = CommandIssued | ZonesOrdered | KeyframeWanted | Received


class RobotLink:
    """A bounded queue towards one robot. It refuses what does not fit: an order is never late without anybody knowing."""

    def __init__(self, robot_id: str, *, limit: int) -> None:
        self.robot_id = robot_id
        self.closed_because = ""
        self._orders: asyncio.Queue[str] = asyncio.Queue(maxsize=limit)
        self._closed = asyncio.Event()

    def send(self, order: Order) -> bool:
        """Queue one order; False when the link is closed or its queue is full."""
        if self.closed_because or self._orders.full():
            return False
        self._orders.put_nowait(TO_ROBOT.dump_json(order).decode())
        return True

    def close(self, because: str) -> None:
        """End the connection; the first reason stands."""
        self.closed_because = self.closed_because or because
        self._closed.set()

    async def next_text(self) -> str:
        """The next order as JSON."""
        return await self._orders.get()

    async def closed(self) -> str:
        """Wait until the link is closed, and say why."""
        await self._closed.wait()
        return self.closed_because
