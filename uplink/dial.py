# SPDX-License-Identifier: Apache-2.0
"""Opening and closing the WebSocket: where the robot meets whatever answers at the other end."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Coroutine
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from patrol.errors import PatrolError
from uplink.config import UplinkConfig

_NOT_SENT_LIMIT_BYTES = 16_384
_REFUSED = (401, 403)


class LinkEnded(PatrolError):
    """The connection is of no more use; the text says why."""


async def dial(config: UplinkConfig, token: str) -> ClientConnection:
    """Open the connection. Raises LinkEnded with the reason, within ``times.open_within_s``, when that can not be done."""
    times = config.times
    try:
        secure = ssl.create_default_context(cafile=config.ca_file) if config.url.startswith("wss:") else None
        connection = await _ConnectNowhereElse(
            config.url,
            additional_headers={"Authorization": f"Bearer {token}"},
            ssl=secure,
            compression=None,
            open_timeout=times.open_within_s,
            close_timeout=times.close_within_s,
            ping_interval=None,
            max_size=config.largest_message_bytes,
            proxy=config.proxy,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        refused = "refused the token" if status in _REFUSED else "did not open the link"
        raise LinkEnded(f"the command centre {refused} (HTTP {status})") from error
    except (OSError, WebSocketException) as error:
        raise LinkEnded(f"the command centre can not be reached: {str(error) or type(error).__name__}") from error
    _keep_kernel_queue_short(connection)
    return connection


async def hang_up(connection: ClientConnection, *, within_s: float) -> None:
    """Close politely within ``within_s``, and else cut the line."""
    try:
        async with asyncio.timeout(within_s):
            await connection.close()
    except TimeoutError:
        connection.transport.abort()


async def until_first_ends(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all ``parts`` until one returns or fails; cancel the others, and raise what it raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        await task


class _ConnectNowhereElse(connect):
    """Dialling that follows no redirect: the token goes to the configured address only."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def _keep_kernel_queue_short(connection: ClientConnection) -> None:
    """Let the kernel hold little that is not sent yet, so that what is stale is dropped here and heartbeats are not late.

    ``TCP_NOTSENT_LOWAT`` is there on Linux and macOS.
    """
    plug = connection.transport.get_extra_info("socket")
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if plug is not None and option is not None:
        plug.setsockopt(socket.IPPROTO_TCP, option, _NOT_SENT_LIMIT_BYTES)
