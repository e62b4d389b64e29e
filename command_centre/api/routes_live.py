# SPDX-License-Identifier: Apache-2.0
"""The page's live connection: a snapshot, then changes."""

from __future__ import annotations

import asyncio

from anyio import CancelScope
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from command_centre.api.access import centre_of, signed_in
from command_centre.api.browser import TO_BROWSER
from command_centre.api.centre import Centre
from command_centre.api.errors import NotAllowed, NotSignedIn
from command_centre.api.viewers import Viewer, ViewerClosed

router = APIRouter()
CLOSE_SIGNED_OUT = 4401
CLOSE_FOREIGN = 4403
CLOSE_FULL = 4429


@router.websocket("/api/live")
async def live(socket: WebSocket) -> None:
    """Serve one page until it goes, signs out, or its session runs out."""
    centre = centre_of(socket)
    await socket.accept()
    try:
        person = await signed_in(socket)
    except NotSignedIn as error:
        await socket.close(CLOSE_SIGNED_OUT, str(error))
        return
    except NotAllowed as error:
        await socket.close(CLOSE_FOREIGN, str(error))
        return
    if len(centre.audience) >= centre.settings.max_viewers:
        await socket.close(CLOSE_FULL, "Too many pages are open.")
        return
    viewer = Viewer(person, limit=centre.settings.viewer_queue)
    centre.audience.join(viewer)
    sending, listening = asyncio.create_task(_send(socket, centre, viewer)), asyncio.create_task(_listen(socket))
    try:
        await centre.note("watching started", person.name)
        await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
    finally:
        centre.audience.leave(viewer)
        sending.cancel()
        listening.cancel()
        with CancelScope(shield=True):
            await asyncio.gather(sending, listening, return_exceptions=True)
            await centre.note("watching stopped", person.name)
    if socket.client_state is WebSocketState.CONNECTED and socket.application_state is WebSocketState.CONNECTED:
        await socket.close(CLOSE_SIGNED_OUT, viewer.closed_because)


async def _send(socket: WebSocket, centre: Centre, viewer: Viewer) -> None:
    await _send_snapshot(socket, centre, viewer)
    while True:
        try:
            text = await viewer.next_text()
        except ViewerClosed:
            return
        if text is None:
            await _send_snapshot(socket, centre, viewer)
        else:
            await socket.send_text(text)


async def _send_snapshot(socket: WebSocket, centre: Centre, viewer: Viewer) -> None:
    snapshot = await centre.snapshot(viewer.person)
    await socket.send_text(TO_BROWSER.dump_json(snapshot).decode())


async def _listen(socket: WebSocket) -> None:
    """The page says nothing; reading notices that it has gone."""
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        return
