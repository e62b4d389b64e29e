# SPDX-License-Identifier: Apache-2.0
"""The command centre beside a stack: prepared in this process, served by a process of its own."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from app.supervise import Job
from app.supervise_policy import RestartPolicy
from command_centre.api.prepare import Prepared, prepare
from command_centre.api.settings import Settings

ROBOT = "rover"


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """One command centre for one robot, on this machine."""

    settings: Settings
    prepared: Prepared

    @classmethod
    def prepare(cls, state: Path, *, port: int) -> Centre:
        """Make tables, keys and a one-time password below ``state``."""
        folder = state / "command-centre"
        folder.mkdir(parents=True, exist_ok=True)
        settings = Settings(
            database_url=f"sqlite:///{folder / 'centre.db'}", secrets_dir=folder / "secrets", port=port, robots=(ROBOT,)
        )
        return cls(settings=settings, prepared=prepare(settings))

    @property
    def address(self) -> str:
        return f"http://{self.settings.host}:{self.settings.port}"

    @property
    def robot_url(self) -> str:
        return f"ws://{self.settings.host}:{self.settings.port}/robot"

    @property
    def robot_token(self) -> Path:
        return self.prepared.robot_tokens[ROBOT]

    def job(self) -> Job:
        """The process that serves it."""
        given = {
            "PATROL_CENTRE_DATABASE_URL": self.settings.database_url,
            "PATROL_CENTRE_SECRETS_DIR": str(self.settings.secrets_dir),
            "PATROL_CENTRE_PORT": str(self.settings.port),
            "PATROL_CENTRE_ROBOTS": ROBOT,
        }
        command = (sys.executable, "-m", "app.serve_centre")
        return Job(name="centre", command=command, environment={**os.environ, **given}, policy=RestartPolicy())

    def is_linked(self) -> bool:
        """Whether it answers and the robot has called it."""
        try:
            with urllib.request.urlopen(f"{self.address}/api/health", timeout=1.0) as answer:
                health = json.load(answer)
        except (OSError, ValueError, urllib.error.URLError):
            return False
        return ROBOT in health["robots_linked"]
