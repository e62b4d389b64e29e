# SPDX-License-Identifier: Apache-2.0
"""Settings of the uplink."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from patrol.config import Config

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class LinkTimes(Config):
    """``heartbeat_s`` + ``answer_within_s`` bounds how long a dead link goes unnoticed; 1.7 s with these defaults."""

    open_within_s: float = Field(default=5.0, gt=0)
    heartbeat_s: float = Field(default=0.5, gt=0)
    answer_within_s: float = Field(default=1.2, gt=0)
    close_within_s: float = Field(default=0.5, gt=0)
    confirm_within_s: float = Field(default=10.0, gt=0, description="after this, unconfirmed messages are sent again")
    first_wait_s: float = Field(default=0.5, gt=0)
    longest_wait_s: float = Field(default=15.0, gt=0)


class UplinkConfig(Config):
    """Where to dial and how much to send. The token travels in a header, so ``ws://`` is for loopback only unless
    ``allow_plain`` says that something else, such as a VPN, protects the way."""

    url: str = "ws://127.0.0.1:8080/robot"
    allow_plain: bool = False
    ca_file: Path | None = None
    proxy: str | None = None
    streams: tuple[str, ...] = Field(default=("camera", "thermal"), description="names of video streams 0, 1, ...")
    key_request_gap_s: float = Field(default=1.0, ge=0, description="key pictures are asked for no closer together than this")
    telemetry_hz: float = Field(default=5.0, gt=0, le=50)
    video_queue: int = Field(default=30, ge=2, description="pictures kept for a slow link before whole groups are dropped")
    largest_message_bytes: int = Field(default=65_536, ge=1024, description="the most that the centre may send at once")
    faults_allowed: int = Field(default=20, ge=0, description="unreadable messages borne before the link is closed")
    times: LinkTimes = LinkTimes()

    @model_validator(mode="after")
    def _check_url(self) -> UplinkConfig:
        parts = urlsplit(self.url)
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise ValueError(f"url: {self.url!r} is not ws://HOST... or wss://HOST...")
        if parts.scheme == "ws" and parts.hostname not in _LOOPBACK and not self.allow_plain:
            raise ValueError("url: ws:// to another machine would show the token to the network; use wss:// or allow_plain")
        return self
