# SPDX-License-Identifier: Apache-2.0
"""Who watches which stream, whatever carries the pictures there: a limit, an end with the session, and the audit log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from command_centre.api.accounts import Person
from command_centre.api.errors import TooMany
from command_centre.api.fanout import Fanout

Carrier = Literal["webrtc", "websocket"]
Note = Callable[[str, Person, dict[str, object]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What one viewer asks to see. ``subject`` names robot and stream on the audit log."""

    person: Person
    subject: str
    fanout: Fanout
    over: Carrier


class VideoView:
    """One viewer of one stream. Its pictures wait in ``pictures``; ``ended`` is set once nobody looks any more."""

    def __init__(self, views: VideoViews, watch: Watch) -> None:
        """Raises TooMany."""
        views.admit(self)
        self.person = watch.person
        self.pictures = watch.fanout.join()
        self.ended = asyncio.Event()
        self.ended_because = ""
        self._views = views
        self._watch = watch
        self._began_s: float | None = None

    @property
    def has_begun(self) -> bool:
        return self._began_s is not None

    async def begin(self) -> None:
        """Pictures can reach the viewer now: ask for a keyframe, and write it down. Once."""
        if self._began_s is not None or self.ended.is_set():
            return
        self._began_s = time.monotonic()
        self._watch.fanout.want_keyframe()
        await self._views.note("video started", self.person, {"stream": self._watch.subject, "over": self._watch.over})

    async def close(self, because: str = "") -> None:
        """End the view. Closing twice does nothing; the first reason stands."""
        if self.ended.is_set():
            return
        self.ended_because = because
        self.ended.set()
        self._views.forget(self)
        self._watch.fanout.leave(self.pictures)
        await self._hang_up()
        if self._began_s is not None:
            watched_s = round(time.monotonic() - self._began_s, 1)
            detail = {"stream": self._watch.subject, "over": self._watch.over, "watched_s": watched_s}
            await self._views.note("video stopped", self.person, detail)

    async def _hang_up(self) -> None:
        """Close what carries the pictures, where that is the view's own. Called once."""


class VideoViews:
    """All video views that are open. ``note`` writes on the audit log."""

    def __init__(self, *, limit: int, note: Note) -> None:
        self.note = note
        self._limit = limit
        self._views: set[VideoView] = set()

    def __len__(self) -> int:
        return len(self._views)

    def admit(self, view: VideoView) -> None:
        """Take one more view in. Raises TooMany."""
        if len(self._views) >= self._limit:
            raise TooMany("Too many people watch the video at once.", retry_after_s=30.0)
        self._views.add(view)

    def forget(self, view: VideoView) -> None:
        self._views.discard(view)

    def session_ids(self) -> frozenset[int]:
        """The sessions that watch a video."""
        return frozenset(view.person.session_id for view in self._views)

    async def close_where(self, ends: Callable[[Person], bool], because: str) -> None:
        """End the views of everybody for whom ``ends`` holds."""
        for view in [view for view in self._views if ends(view.person)]:
            await view.close(because)
