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
from alembic.util import CommandError
from anyio import to_thread
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from patrol.errors import BadInput, Fault

T = TypeVar("T")
_BUSY_TIMEOUT_MS = 5000
_NO_ADDRESS = "is no database address such as sqlite:///centre.db"
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """Engine, migrations and transactions."""

    def __init__(self, url: str) -> None:
        """Raises BadInput for an address that is none."""
        parsed = parse_url(url)
        try:
            self._engine = create_engine(parsed)
        except (SQLAlchemyError, ImportError) as error:
            raise _refusal(parsed.render_as_string(hide_password=True), f"{_NO_ADDRESS}: {error}") from error
        self._shown = parsed.render_as_string(hide_password=True)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        if is_sqlite and parsed.database:
            self._make_folder(Path(parsed.database).parent)
        self._writer: Engine = self._engine.execution_options(writes=True)
        self._turn = threading.Lock()
        if is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)

    def migrate(self) -> None:
        """Bring the tables up to the newest revision; nothing happens when they are. Raises BadInput for a database that can not
        be opened, or that a later version has made."""
        config = AlembicConfig()
        config.set_main_option("script_location", str(_MIGRATIONS))
        try:
            with self._turn, self._engine.connect() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except CommandError as error:
            raise _refusal(self._shown, f"was made by a later version of Patrol: {error}") from error
        except SQLAlchemyError as error:
            raise _refusal(self._shown, f"can not be opened: {str(error).splitlines()[0]}") from error

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

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _refusal(self._shown, f"can not be opened: {error}") from error


def parse_url(url: str) -> URL:
    """Raises BadInput for an address that is none."""
    try:
        return make_url(url)
    except (SQLAlchemyError, ValueError) as error:
        raise _refusal(url, f"{_NO_ADDRESS}: {error}") from error


def _refusal(url: str, because: str) -> BadInput:
    return BadInput("database", [Fault(field="database_url", value=url, because=because)])


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    """A writer takes the write lock at once, so that it never fails half-way on a lock held by another process."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
