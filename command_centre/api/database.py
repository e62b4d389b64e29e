# SPDX-License-Identifier: Apache-2.0
"""One database behind one URL. Writers take turns; work runs off the event loop, so that video never waits for a disc."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config as AlembicConfig
from anyio import to_thread
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session

T = TypeVar("T")
_BUSY_TIMEOUT_MS = 5000
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """Engine, migrations and transactions."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        if is_sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(parsed)
        self._writer: Engine = self._engine.execution_options(writes=True)
        self._turn = threading.Lock()
        if is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)

    def migrate(self) -> None:
        """Bring the tables up to the newest revision; nothing happens when they are."""
        config = AlembicConfig()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with self._turn, self._engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that may write. It commits at the end of the block and is rolled back when an error leaves it."""
        with self._turn, Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in a writing transaction on a worker thread."""

        def run() -> T:
            with self.writing() as session:
                return work(session)

        return await to_thread.run_sync(run)

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in a reading transaction on a worker thread."""

        def run() -> T:
            with self.reading() as session:
                return work(session)

        return await to_thread.run_sync(run)

    def close(self) -> None:
        self._engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    """A writer takes the write lock at once, so that it never fails half-way on a lock held by another process."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
