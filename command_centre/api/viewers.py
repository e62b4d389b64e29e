# SPDX-License-Identifier: Apache-2.0
"""Everybody who watches: each viewer has a bounded queue, in which newer facts replace older ones of the same kind."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from command_centre.api.accounts import Person
from command_centre.api.browser import TO_BROWSER, Change, key_of


class Viewer:
    """One page that is open. ``next_text`` yields JSON to send, or None when the viewer must be given a new snapshot."""

    def __init__(self, person: Person, *, limit: int) -> None:
        self.person = person
        self.closed_because = ""
        self._limit = limit
        self._waiting: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._overflowed = False
        self._ready = asyncio.Event()

    def put(self, key: tuple[str, str], text: str) -> None:
        """Queue one change. When more kinds wait than the limit, all are dropped: a snapshot will say it all."""
        if self._overflowed:
            return
        self._waiting.pop(key, None)
        self._waiting[key] = text
        if len(self._waiting) > self._limit:
            self._waiting.clear()
            self._overflowed = True
        self._ready.set()

    def close(self, because: str) -> None:
        """End this viewer's connection."""
        self.closed_because = because
        self._ready.set()

    async def next_text(self) -> str | None:
        """Wait for the next change; None: send a snapshot instead. Raises ViewerClosed once the session has ended."""
        while True:
            if self.closed_because:
                raise ViewerClosed(self.closed_because)
            if self._overflowed:
                self._overflowed = False
                return None
            if self._waiting:
                return self._waiting.popitem(last=False)[1]
            self._ready.clear()
            await self._ready.wait()


class ViewerClosed(Exception):
    """The viewer's session ended."""


class Audience:
    """All viewers. Works on the event loop only."""

    def __init__(self) -> None:
        self._viewers: set[Viewer] = set()

    def __len__(self) -> int:
        return len(self._viewers)

    def join(self, viewer: Viewer) -> None:
        self._viewers.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)

    def tell(self, *changes: Change) -> None:
        """Queue changes for everybody; each is put into words once."""
        for change in changes:
            text = TO_BROWSER.dump_json(change).decode()
            for viewer in self._viewers:
                viewer.put(key_of(change), text)

    def session_ids(self) -> frozenset[int]:
        """The sessions that have a page open."""
        return frozenset(viewer.person.session_id for viewer in self._viewers)

    def close_session(self, session_id: int, because: str) -> None:
        """End the connections of one session."""
        for viewer in tuple(self._viewers):
            if viewer.person.session_id == session_id:
                viewer.close(because)

    def close_all(self, because: str) -> None:
        for viewer in tuple(self._viewers):
            viewer.close(because)

    def close_expired(self, now_ns: int) -> None:
        """End the connections whose session has run out."""
        for viewer in tuple(self._viewers):
            if viewer.person.expires_ns <= now_ns:
                viewer.close("The session has run out. Sign in again.")
