# SPDX-License-Identifier: Apache-2.0
"""Live pictures to browsers: over WebRTC, or over a WebSocket where that does not connect.

Over the WebSocket, each access unit is one binary message: a ``VideoPacket`` as the robot made it. The page answers with the
count of pictures that it has taken, as text. No more than a few may be on their way, so that a slow page never sees old
pictures: the rest waits in the view's own queue, which drops them up to the next keyframe.
"""

from __future__ import annotations

import asyncio
import logging

from anyio import CancelScope
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from command_centre.api.access import CentreHere, SignedIn, centre_of, signed_in
from command_centre.api.errors import CentreError
from command_centre.api.requests import VideoAnswer, VideoOffer
from command_centre.api.video_views import VideoView, Watch
from command_centre.api.webrtc import PeerView

_log = logging.getLogger(__name__)
router = APIRouter(prefix="/api", tags=["video"])
CLOSE_REFUSED = 4000
CLOSE_BAD_COUNT = 4400
CLOSE_ENDED = 4401
CLOSE_STALLED = 4408
_MOST_DIGITS = 15
_MOST_REASON_BYTES = 123


class Refused(Exception):
    """The page does not keep to the agreement; ``code`` and the text go into the closing message."""

    def __init__(self, code: int, because: str) -> None:
        super().__init__(because)
        self.code = code


class Window:
    """How many pictures are on their way to one page: sent, but not yet taken. Never more than ``size``."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._sent = 0
        self._taken = 0
        self._moved = asyncio.Event()

    def take(self, count: str) -> None:
        """The page says how many it has taken so far. Raises Refused for anything else than a count."""
        if not (count.isascii() and count.isdigit() and len(count) <= _MOST_DIGITS and int(count) <= self._sent):
            raise Refused(CLOSE_BAD_COUNT, "That is not the count of the pictures taken.")
        self._taken = max(self._taken, int(count))
        self._moved.set()

    async def room(self, *, within_s: float) -> None:
        """Wait until one more may be sent. Raises Refused when the page takes none for ``within_s``."""
        while self._sent - self._taken >= self._size:
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), within_s)
            except TimeoutError as error:
                raise Refused(CLOSE_STALLED, f"The page took no picture for {within_s:g} s.") from error

    def sent(self) -> None:
        """One more is on its way."""
        self._sent += 1


@router.post("/webrtc/offer")
async def offer(body: VideoOffer, person: SignedIn, centre: CentreHere) -> VideoAnswer:
    """Begin to watch one stream; its beginning and end go on the audit log."""
    fanout = centre.fleet.stream(body.robot_id, body.stream)
    watch = Watch(person=person, subject=f"{body.robot_id}/{body.stream}", fanout=fanout, over="webrtc")
    return VideoAnswer(sdp=await PeerView(centre.videos, watch).answer(body.sdp))


@router.websocket("/video/{robot_id}/{stream}")
async def video(socket: WebSocket, robot_id: str, stream: str) -> None:
    """Serve one viewer until they go, sign out, or take no pictures any more."""
    centre = centre_of(socket)
    await socket.accept()
    try:
        person = await signed_in(socket)
        fanout = centre.fleet.stream(robot_id, stream)
        view = VideoView(centre.videos, Watch(person=person, subject=f"{robot_id}/{stream}", fanout=fanout, over="websocket"))
    except CentreError as error:
        await socket.close(CLOSE_REFUSED + error.status, _reason(error))
        return
    code, because = await _serve(socket, view, Window(centre.settings.video_window), stall_s=centre.settings.video_stall_s)
    if socket.client_state is WebSocketState.CONNECTED and socket.application_state is WebSocketState.CONNECTED:
        await socket.close(code, because)


async def _serve(socket: WebSocket, view: VideoView, window: Window, *, stall_s: float) -> tuple[int, str]:
    """Send pictures until the view ends; returns the closing code and why."""
    tasks = [
        asyncio.create_task(_send(socket, view, window, stall_s=stall_s)),
        asyncio.create_task(_listen(socket, window)),
        asyncio.create_task(_until_ended(view)),
    ]
    code, because = CLOSE_ENDED, ""
    try:
        await view.begin()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        with CancelScope(shield=True):
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Refused):
                    code, because = result.code, str(result)
                elif isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect):
                    _log.error("video for %s: the connection failed", view.person.name, exc_info=result)
            await view.close(because)
    return code, view.ended_because


async def _send(socket: WebSocket, view: VideoView, window: Window, *, stall_s: float) -> None:
    while True:
        await window.room(within_s=stall_s)
        picture = await view.pictures.next()
        if picture is None:
            return
        window.sent()
        await socket.send_bytes(picture.to_bytes())


async def _listen(socket: WebSocket, window: Window) -> None:
    """Take the page's counts, until it goes. Raises Refused."""
    while True:
        received = await socket.receive()
        if received["type"] == "websocket.disconnect":
            return
        window.take(received.get("text") or "")


def _reason(error: CentreError) -> str:
    """The sentence, no longer than a closing message may be (RFC 6455, 5.5)."""
    return str(error).encode()[:_MOST_REASON_BYTES].decode(errors="ignore")


async def _until_ended(view: VideoView) -> None:
    await view.ended.wait()
