# SPDX-License-Identifier: Apache-2.0
"""The command centre as a whole: its parts, how it starts, and what it does every second."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from command_centre.api.accounts import Accounts, Person
from command_centre.api.attempts import AttemptLimit
from command_centre.api.audit import AuditLog
from command_centre.api.browser import Pulse, Snapshot, WhoView
from command_centre.api.commands import Commands
from command_centre.api.database import Database
from command_centre.api.fleet import Fleet
from command_centre.api.prepare import open_audit_log
from command_centre.api.records import newest_alerts, newest_commands, newest_outcomes, robot_ids
from command_centre.api.robot_state import KEPT_OUTCOMES
from command_centre.api.settings import Settings
from command_centre.api.site_view import site_from_text
from command_centre.api.video_views import VideoViews
from command_centre.api.viewers import Audience
from patrol.clock import Clock

_log = logging.getLogger(__name__)
SNAPSHOT_ALERTS = 200
SNAPSHOT_COMMANDS = 20
_TICK_S = 0.5
STOPPING = "The command centre is shutting down."
ENDED = "An administrator has ended this session. Sign in again."
SIGNED_OUT = "Signed out."
RUN_OUT = "The session has run out. Sign in again."


class Centre:
    """Everything that one running service holds. Made in ``create_app``, started and stopped with the application."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.database = Database(settings.database_url)
        self.database.migrate()
        self.audit: AuditLog = open_audit_log(settings, clock)
        self.accounts = Accounts(clock=clock, session_hours=settings.session_hours, argon2_memory_kib=settings.argon2_memory_kib)
        self.attempts = AttemptLimit(attempts=settings.sign_in_attempts, window_s=settings.sign_in_window_s)
        self.attempts_of_address = AttemptLimit(attempts=settings.sign_in_attempts_of_address, window_s=settings.sign_in_window_s)
        self.hashing = asyncio.Semaphore(2)
        self.audience = Audience()
        self.videos = VideoViews(limit=settings.max_video_views, note=self._note_view)
        with self.database.reading() as session:
            outcomes = {key: newest_outcomes(session, key, count=KEPT_OUTCOMES) for key in robot_ids(session)}
        self.fleet = Fleet(
            settings=settings, audience=self.audience, read_site=site_from_text, now_s=time.monotonic, outcomes=outcomes
        )
        self.commands = Commands(
            settings=settings,
            database=self.database,
            audit=self.audit,
            fleet=self.fleet,
            audience=self.audience,
            clock=clock,
        )
        self._always: tuple[asyncio.Task[None], ...] = ()

    def start(self) -> None:
        self._always = (asyncio.create_task(self._tick()), asyncio.create_task(self._close_ended()))

    async def stop(self) -> None:
        """Close every connection and the database."""
        for task in self._always:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.commands.close()
        self.fleet.close_all(STOPPING)
        self.audience.close_all(STOPPING)
        await self.videos.close_where(lambda _person: True, STOPPING)
        self.database.close()

    async def note(self, action: str, actor: str, subject: str = "", detail: Mapping[str, object] | None = None) -> None:
        """Write one entry on the audit log."""
        await self.database.write(
            lambda session: self.audit.append(session, actor=actor, action=action, subject=subject, detail=detail)
        )

    async def end_session(self, person: Person) -> None:
        """Sign out: the session, its pages and its videos end at once."""

        def work(session: Session) -> None:
            self.accounts.end_session(session, person.session_id)
            self.audit.append(session, actor=person.name, action="sign-out")

        await self.database.write(work)
        await self.close_session(person.session_id, SIGNED_OUT)

    async def close_session(self, session_id: int, because: str) -> None:
        """Close the pages and videos of a session that has ended."""
        self.audience.close_session(session_id, because)
        await self.videos.close_where(lambda other: other.session_id == session_id, because)

    async def snapshot(self, person: Person) -> Snapshot:
        """All that a page shows, for one viewer."""
        alerts, commands = await self.database.read(
            lambda session: (
                newest_alerts(session, count=SNAPSHOT_ALERTS),
                newest_commands(session, count=SNAPSHOT_COMMANDS),
            )
        )
        return Snapshot(
            who=WhoView(name=person.name, role=person.role, one_time=person.one_time),
            now_ns=self.clock.now_ns(),
            robots=self.fleet.views(),
            alerts=alerts,
            commands=commands,
        )

    async def _tick(self) -> None:
        beat = 0
        while True:
            await asyncio.sleep(_TICK_S)
            beat += 1
            self.fleet.check_silence()
            if beat % 2 == 0:
                now_ns = self.clock.now_ns()
                self.audience.tell(Pulse(now_ns=now_ns))
                self.audience.close_expired(now_ns)
                await self.videos.close_where(lambda person: person.expires_ns <= self.clock.now_ns(), RUN_OUT)

    async def _close_ended(self) -> None:
        """Close what is open of sessions that were ended from the command line. A session must be missing twice: one that was
        ended by a request here is closed by that request, with its own reason."""
        missing: frozenset[int] = frozenset()
        while True:
            await asyncio.sleep(0.5 * self.settings.session_check_s)
            watching = self.audience.session_ids() | self.videos.session_ids()
            try:
                left = await self.database.read(partial(self.accounts.still_open, session_ids=watching))
            except SQLAlchemyError:
                _log.warning("The sessions can not be read.", exc_info=True)
                continue
            before, missing = missing, frozenset(watching - left)
            for session_id in missing & before:
                await self.close_session(session_id, ENDED)

    async def _note_view(self, action: str, person: Person, detail: dict[str, object]) -> None:
        await self.note(action, person.name, str(detail["stream"]), detail)
