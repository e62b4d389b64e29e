# SPDX-License-Identifier: Apache-2.0
"""A command centre of its own for every test, with an operator, a viewer, and a robot's token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketTestSession

from command_centre.api.accounts import Role
from command_centre.api.app import create_app
from command_centre.api.database import Database
from command_centre.api.prepare import accounts_of, prepare
from command_centre.api.settings import Settings
from patrol.clock import Clock, ManualClock
from patrol.wire import FROM_ROBOT, TO_ROBOT, FromRobot, Hello, Received, ToRobot
from tests.command_centre import messages

PASSWORDS = {"olga": "operator-password", "vera": "viewer-password"}
MOST_PULSES = 10
START_NS = 1_790_000_000_000_000_000


class RobotSide:
    """The robot's end of its connection."""

    def __init__(self, socket: WebSocketTestSession) -> None:
        self.socket = socket

    def say(self, message: FromRobot) -> None:
        self.socket.send_text(FROM_ROBOT.dump_json(message).decode())

    def hear(self) -> ToRobot:
        return TO_ROBOT.validate_json(self.socket.receive_text())

    def say_durably(self, message: FromRobot) -> int:
        """Say it and wait until the centre confirms; returns the confirmed sequence."""
        self.say(message)
        heard = self.hear()
        assert isinstance(heard, Received)
        return heard.sequence


@dataclass
class House:
    """One command centre under test."""

    settings: Settings
    clock: ManualClock
    app: FastAPI
    client: TestClient
    robot_token: str
    one_time_password: str

    def sign_in(self, name: str, password: str | None = None) -> dict[str, Any]:
        """Sign in and become that person for the requests that follow."""
        self.client.cookies.clear()
        body = {"username": name, "password": password or PASSWORDS[name]}
        answer = self.client.post("/api/sign-in", json=body)
        assert answer.status_code == 200, answer.text
        who: dict[str, Any] = answer.json()
        return who

    def dial(self, token: str | None = None) -> AbstractContextManager[WebSocketTestSession]:
        return self.client.websocket_connect("/robot", headers={"Authorization": f"Bearer {token or self.robot_token}"})

    def watch(self) -> AbstractContextManager[WebSocketTestSession]:
        """The page's live connection, as whoever is signed in."""
        return self.client.websocket_connect("/api/live")

    def audit_actions(self) -> list[str]:
        """What the audit log says, oldest first, as ``actor: action``."""
        self.sign_in("olga")
        entries = self.client.get("/api/audit?count=500").json()
        return [f"{entry['actor']}: {entry['action']}" for entry in reversed(entries)]


def until(socket: WebSocketTestSession, message_type: str, **fields: object) -> dict[str, Any]:
    """The next live message of this type whose fields (``a__b`` looks into a) have these values."""
    pulses = 0
    while pulses < MOST_PULSES:
        message: dict[str, Any] = socket.receive_json()
        if message["type"] == message_type and all(_look(message, key) == value for key, value in fields.items()):
            return message
        pulses += message["type"] == "pulse"
    raise AssertionError(f"no {message_type} with {fields} before {MOST_PULSES} pulses")


def _look(message: Any, path: str) -> object:
    for part in path.split("__"):
        message = message[part]
    found: object = message
    return found


def connected(socket: WebSocketTestSession, hello: Hello | None = None) -> RobotSide:
    """The robot said hello, and the centre has taken it: a durable message was confirmed."""
    side = RobotSide(socket)
    side.say(hello or messages.hello())
    side.say_durably(messages.outcome(1))
    return side


def let_in(settings: Settings, clock: Clock, **roles: Role) -> None:
    """Let people sign in with their own passwords of PASSWORDS."""
    database = Database(settings.database_url)
    with database.writing() as session:
        for name, role in roles.items():
            accounts_of(settings, clock).set_password(session, name, PASSWORDS[name], role=role)
    database.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/centre.db",
        secrets_dir=tmp_path / "secrets",
        web_dist=tmp_path / "dist",
        robots=(messages.ROBOT,),
        argon2_memory_kib=64,
        answer_timeout_s=0.05,
        session_check_s=0.4,
        sign_in_attempts=3,
    )
    clock = ManualClock(START_NS)
    prepared = prepare(settings, clock=clock)
    assert prepared.one_time_password is not None
    let_in(settings, clock, olga="operator", vera="viewer")
    app = create_app(settings, clock=clock)
    with TestClient(app) as client:
        yield House(
            settings=settings,
            clock=clock,
            app=app,
            client=client,
            robot_token=prepared.robot_tokens[messages.ROBOT].read_text("ascii").strip(),
            one_time_password=prepared.one_time_password,
        )
