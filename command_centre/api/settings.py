# SPDX-License-Identifier: Apache-2.0
"""What the service can be told. Every setting has a working default and a variable ``PATROL_CENTRE_<NAME>``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from patrol.config import Config, validate_config

ENVIRONMENT_PREFIX = "PATROL_CENTRE_"
_LISTS = ("robots", "streams", "allowed_origins")


class Settings(Config):
    """Settings of one command centre."""

    database_url: str = "sqlite:///.run/command-centre/centre.db"
    secrets_dir: Path = Path(".run/command-centre/secrets")
    web_dist: Path = Path(__file__).resolve().parents[1] / "web" / "dist"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)

    operator: str = Field(default="operator", min_length=1, max_length=64)
    robots: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")], ...] = ("rover",)
    streams: tuple[str, ...] = Field(default=("camera", "thermal"), description="names of the robots' video streams 0, 1, ...")
    allowed_origins: tuple[str, ...] = Field(default=(), description="besides the address that the page itself came from")
    cookie_secure: bool = Field(default=False, description="set it where the page is served over TLS")

    session_hours: float = Field(default=12.0, gt=0)
    session_check_s: float = Field(default=2.0, gt=0, description="pages of a session that was ended elsewhere close after this")
    sign_in_attempts: int = Field(default=5, ge=1, description="failed attempts of one name from one address within the window")
    sign_in_attempts_of_address: int = Field(default=50, ge=1, description="the same of one address, whatever the names")
    sign_in_window_s: float = Field(default=60.0, gt=0)
    argon2_memory_kib: int = Field(default=65536, ge=8)

    command_expiry_s: float = Field(default=5.0, gt=0)
    answer_timeout_s: float = Field(default=3.0, gt=0)
    link_silent_after_s: float = Field(
        default=2.0, gt=0, description="without telemetry for this long, the link is shown as silent"
    )
    link_dead_after_s: float = Field(default=10.0, gt=0, description="without any message for this long, the link is closed")
    robot_queue: int = Field(default=64, ge=1)
    viewer_queue: int = Field(default=256, ge=8)
    max_viewers: int = Field(default=64, ge=1)
    video_queue: int = Field(default=30, ge=2, description="pictures that may wait for one viewer; 3 s at 10 Hz")
    video_window: int = Field(default=8, ge=1, description="pictures on their way to one page over WebSocket, not taken yet")
    video_stall_s: float = Field(default=10.0, gt=0, description="a page that takes no picture for this long is disconnected")
    max_video_views: int = Field(default=32, ge=1)
    keyframe_interval_s: float = Field(default=1.0, gt=0, description="a robot is asked for a keyframe this often at most")


def settings_from_environment(environment: Mapping[str, str]) -> Settings:
    """Settings from ``PATROL_CENTRE_*`` variables; lists are separated by commas. Raises BadInput naming every fault."""
    given: dict[str, object] = {}
    for key, value in environment.items():
        if key.startswith(ENVIRONMENT_PREFIX):
            name = key.removeprefix(ENVIRONMENT_PREFIX).lower()
            given[name] = tuple(filter(None, value.split(","))) if name in _LISTS else value
    return validate_config(Settings, given, source="environment")
