# SPDX-License-Identifier: Apache-2.0
"""The command centre beside a stack: prepared in this process, served by a process of its own."""

from __future__ import annotations

import json
import os
import socket
import sys
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from app.supervise import Job
from app.supervise_policy import RestartPolicy
from command_centre.api.prepare import Prepared, prepare
from command_centre.api.settings import Settings
from patrol.errors import PatrolError

ROBOT = "rover"


class PortTaken(PatrolError):
    """Another program listens where the command centre should."""


def check_port(host: str, port: int) -> None:
    """Raises PortTaken when nothing can listen on ``host`` and ``port`` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise PortTaken(f"{host}:{port} can not be served ({error.strerror}); choose another with --port") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """One command centre for the robots of one stack, on this machine."""

    settings: Settings
    prepared: Prepared

    @classmethod
    def prepare(cls, state: Path, *, port: int, robots: tuple[str, ...] = (ROBOT,)) -> Centre:
        """Make tables, keys for ``robots`` and a one-time password below ``state``. Raises PortTaken before anything is
        written."""
        folder = state / "command-centre"
        settings = Settings(
            database_url=f"sqlite:///{folder / 'centre.db'}", secrets_dir=folder / "secrets", port=port, robots=robots
        )
        check_port(settings.host, port)
        folder.mkdir(parents=True, exist_ok=True)
        return cls(settings=settings, prepared=prepare(settings))

    @property
    def address(self) -> str:
        return f"http://{self.settings.host}:{self.settings.port}"

    @property
    def robot_url(self) -> str:
        return f"ws://{self.settings.host}:{self.settings.port}/robot"

    def robot_token(self, robot_id: str = ROBOT) -> Path:
        """The file that holds the token of one robot. Raises KeyError for one that it was not prepared for."""
        return self.prepared.robot_tokens[robot_id]

    def job(self) -> Job:
        """The process that serves it."""
        given = {
            "PATROL_CENTRE_DATABASE_URL": self.settings.database_url,
            "PATROL_CENTRE_SECRETS_DIR": str(self.settings.secrets_dir),
            "PATROL_CENTRE_PORT": str(self.settings.port),
            "PATROL_CENTRE_ROBOTS": ",".join(self.settings.robots),
        }
        command = (sys.executable, "-m", "app.serve_centre")
        return Job(name="centre", command=command, environment={**os.environ, **given}, policy=RestartPolicy())

    def is_linked(self) -> bool:
        """Whether it answers and every robot has called it."""
        try:
            with urllib.request.urlopen(f"{self.address}/api/health", timeout=1.0) as answer:
                health = json.load(answer)
            return set(self.settings.robots) <= set(health["robots_linked"])
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            return False
