# SPDX-License-Identifier: Apache-2.0
"""The robot's connection. It dials in with its token, says hello, and is believed only about itself."""

from __future__ import annotations

import asyncio
import logging

from anyio import CancelScope
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from starlette.websockets import WebSocketState

from command_centre.api.access import centre_of
from command_centre.api.centre import Centre
from command_centre.api.link import RobotLink
from command_centre.api.records import robot_of_token
from command_centre.api.robot_intake import RobotIntake
from command_centre.api.secret_files import sha256_hex
from patrol.errors import BadValue
from patrol.wire import FROM_ROBOT, PROTOCOL_VERSION, Hello, VideoPacket

_log = logging.getLogger(__name__)

router = APIRouter()
CLOSE_BAD_HELLO = 4400
CLOSE_BAD_TOKEN = 4401
CLOSE_DROPPED = 4408
GONE = "The robot's link is down."
SILENT = "The robot said nothing for {age:g} s."


class BadHello(BadValue):
    """The first message was no hello of this robot and protocol."""


@router.websocket("/robot")
async def robot(socket: WebSocket) -> None:
    """Serve one robot until it goes, falls silent, or another connection of it takes over."""
    centre = centre_of(socket)
    robot_id = await _who_dials(socket, centre)
    if robot_id is None:
        await socket.close(CLOSE_BAD_TOKEN, "The robot's token is not known here.")
        return
    await socket.accept()
    try:
        hello = await _hello(socket, robot_id, centre.settings.link_dead_after_s)
    except BadHello as error:
        _log.warning("robot %s: %s", robot_id, error)
        await socket.close(CLOSE_BAD_HELLO, str(error))
        return
    except (WebSocketDisconnect, TimeoutError):
        return
    await _serve(socket, centre, robot_id, hello)


async def _who_dials(socket: WebSocket, centre: Centre) -> str | None:
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    return await centre.database.read(lambda session: robot_of_token(session, sha256_hex(token.strip())))


async def _hello(socket: WebSocket, robot_id: str, within_s: float) -> Hello:
    """The first message. Raises BadHello, TimeoutError, or WebSocketDisconnect."""
    received = await asyncio.wait_for(socket.receive(), within_s)
    if received["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    try:
        hello = FROM_ROBOT.validate_json(received.get("text") or "")
    except ValidationError as error:
        raise BadHello("The first message must be a hello that can be read.") from error
    if not isinstance(hello, Hello):
        raise BadHello(f"The first message must be a hello, not {hello.type!r}.")
    if hello.protocol != PROTOCOL_VERSION:
        raise BadHello(f"Protocol {hello.protocol} is not {PROTOCOL_VERSION}, which is spoken here.")
    if hello.robot_id != robot_id:
        raise BadHello(f"The token belongs to {robot_id!r}, not to {hello.robot_id!r}.")
    return hello


async def _serve(socket: WebSocket, centre: Centre, robot_id: str, hello: Hello) -> None:
    link = RobotLink(robot_id, limit=centre.settings.robot_queue)
    centre.fleet.connect(link, hello)
    await centre.note("robot connected", robot_id, hello.site_id)
    tasks = [
        asyncio.create_task(_receive(socket, centre, RobotIntake(centre, link))),
        asyncio.create_task(_send(socket, link)),
        asyncio.create_task(_until_closed(link)),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        because = link.closed_because or GONE
        for task in tasks:
            task.cancel()
        with CancelScope(shield=True):
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception):
                    _log.error("robot %s: the connection failed", robot_id, exc_info=result)
            centre.fleet.disconnect(link, because)
            await centre.note("robot disconnected", robot_id, detail={"because": because})
    if socket.client_state is WebSocketState.CONNECTED and socket.application_state is WebSocketState.CONNECTED:
        await socket.close(CLOSE_DROPPED, because)


async def _receive(socket: WebSocket, centre: Centre, intake: RobotIntake) -> None:
    """Take messages until the robot goes or says nothing for too long."""
    age_s = centre.settings.link_dead_after_s
    while True:
        try:
            received = await asyncio.wait_for(socket.receive(), age_s)
        except TimeoutError:
            intake.link.close(SILENT.format(age=age_s))
            return
        if received["type"] == "websocket.disconnect":
            return
        try:
            if received.get("bytes") is not None:
                centre.fleet.show(intake.link.robot_id, VideoPacket.from_bytes(received["bytes"]))
            else:
                await intake.take(FROM_ROBOT.validate_json(received["text"]))
        except (ValidationError, BadValue) as error:
            _log.warning("robot %s: a message was dropped: %s", intake.link.robot_id, error)


async def _send(socket: WebSocket, link: RobotLink) -> None:
    while True:
        await socket.send_text(await link.next_text())


async def _until_closed(link: RobotLink) -> None:
    await link.closed()
