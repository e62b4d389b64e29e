# SPDX-License-Identifier: Apache-2.0
"""Messages that must not be lost: kept on disk until the command centre says that it has stored them.

SQLite in WAL mode with ``synchronous=FULL``: a message is on the disk when ``append`` returns, and survives a kill or a power
cut. Full means full: the oldest routine message (outcome, answer) makes room first, and alerts go only when nothing else is
left, oldest first. A gap in the sequence therefore means "dropped here", never "still to come".
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from patrol.errors import PatrolError
from patrol.wire import AlertRaised, CommandAnswered, OutcomeReported

_log = logging.getLogger(__name__)

Durable = AlertRaised | OutcomeReported | CommandAnswered

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (sequence INTEGER PRIMARY KEY, routine INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS room_order ON messages (routine DESC, sequence);
"""
_UNSAVED_LIMIT = 100


class OutboxUnusable(PatrolError):
    """The outbox was used after ``close``, or its file can not be opened: no folder, no permission, or another process holds
    it."""


class _NotADatabase(Exception):
    """The file's content is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One waiting message: its number and its JSON text as it goes over the wire."""

    sequence: int
    body: str


class Outbox:
    """A durable queue in one SQLite file. Thread-safe; every call is one short transaction.

    A new file starts to count at ``first_sequence``. Hand in something that grows over the robot's life, such as milliseconds
    since 1970, so that a replaced disk does not number its messages like ones that the centre already has.
    A file that is not a database any more is set aside (``.broken``) and a new one begun: a robot with a bad disk still
    reports. While the disk refuses a write, the newest 100 messages wait in memory and ``trouble`` says so.
    """

    def __init__(self, path: Path, *, first_sequence: int = 1, limit: int = 10_000) -> None:
        self._path, self._limit = path, limit
        self._lock = threading.Lock()
        self._unsaved: deque[tuple[int, bool, str]] = deque()
        self._trouble = ""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db: sqlite3.Connection | None = _open(path, first_sequence)
        except _NotADatabase as error:
            _set_aside(path, error)
            self._db = _open(path, first_sequence)
        self._last, self._dropped, self._saved = _read_counters(self._db)

    @property
    def last_sequence(self) -> int:
        """Number of the newest message ever appended; one less than the first number when there was none."""
        return self._last

    @property
    def dropped(self) -> int:
        """How many messages were given up because the outbox was full, over the life of the file."""
        return self._dropped

    @property
    def trouble(self) -> str:
        """Why messages are not reaching the disk; empty while they are."""
        return self._trouble

    def append(self, message: Durable) -> int:
        """Number ``message``, put it on disk and return its number."""
        with self._lock:
            sequence = self._last + 1
            body = message.model_copy(update={"sequence": sequence}).model_dump_json()
            self._last = sequence
            self._unsaved.append((sequence, not isinstance(message, AlertRaised), body))
            self._save()
            return sequence

    def pending(self, *, after: int = 0, count: int = 64) -> tuple[Kept, ...]:
        """The oldest ``count`` waiting messages numbered above ``after``, in order."""
        with self._lock:
            query = "SELECT sequence, body FROM messages WHERE sequence > ? ORDER BY sequence LIMIT ?"
            kept = [Kept(sequence=row[0], body=row[1]) for row in self._connection().execute(query, (after, count))]
            kept += [Kept(sequence=number, body=body) for number, _, body in self._unsaved if number > after]
            return tuple(kept[:count])

    def confirm(self, sequence: int) -> None:
        """Forget every message up to and including ``sequence``; the centre has stored them."""
        with self._lock:
            while self._unsaved and self._unsaved[0][0] <= sequence:
                self._unsaved.popleft()
            with self._watched_write() as db:
                gone = db.execute("DELETE FROM messages WHERE sequence <= ?", (sequence,)).rowcount
            if not self._trouble:
                self._saved -= gone

    def waiting(self) -> int:
        """How many messages wait to be confirmed."""
        with self._lock:
            return self._saved + len(self._unsaved)

    def close(self) -> None:
        """Close the file. The outbox can not be used afterwards."""
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            raise OutboxUnusable(f"{self._path}: the outbox is closed")
        return self._db

    def _save(self) -> None:
        over = max(self._saved + len(self._unsaved) - self._limit, 0)
        with self._watched_write() as db:
            db.executemany("INSERT INTO messages VALUES (?, ?, ?)", self._unsaved)
            if over:
                oldest = "SELECT sequence FROM messages ORDER BY routine DESC, sequence LIMIT ?"
                db.execute(f"DELETE FROM messages WHERE sequence IN ({oldest})", (over,))
            counters = (("last", self._last), ("dropped", self._dropped + over))
            db.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", counters)
        if not self._trouble:
            self._saved += len(self._unsaved) - over
            self._dropped += over
            self._unsaved.clear()
        elif len(self._unsaved) > _UNSAVED_LIMIT:
            self._unsaved.popleft()
            self._dropped += 1

    @contextmanager
    def _watched_write(self) -> Iterator[sqlite3.Connection]:
        """One transaction. A disk that refuses it becomes ``trouble``, logged as it begins and as it ends."""
        try:
            with self._connection() as db:
                yield db
        except sqlite3.Error as error:
            if not self._trouble:
                _log.error("%s: messages wait in memory: %s", self._path, error)
            self._trouble = f"the outbox can not be written: {error}"
            return
        if self._trouble:
            _log.info("%s: the disk takes messages again", self._path)
        self._trouble = ""


def _open(path: Path, first_sequence: int) -> sqlite3.Connection:
    """Raises _NotADatabase when the content is damaged, OutboxUnusable when the file can not be had at all."""
    db: sqlite3.Connection | None = None
    try:
        db = sqlite3.connect(path, check_same_thread=False, timeout=2.0)
        _prepare(db, first_sequence)
    except sqlite3.Error as error:
        if db is not None:
            db.close()
        if error.sqlite_errorcode in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise _NotADatabase(str(error)) from error
        raise OutboxUnusable(f"{path}: {error}") from error
    return db


def _prepare(db: sqlite3.Connection, first_sequence: int) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.executescript(_SCHEMA)
    with db:
        db.execute("INSERT OR IGNORE INTO counters VALUES ('last', ?)", (first_sequence - 1,))
        db.execute("INSERT OR IGNORE INTO counters VALUES ('dropped', 0)")
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        db.close()
        raise _NotADatabase(str(verdict))


def _read_counters(db: sqlite3.Connection) -> tuple[int, int, int]:
    """Last number given, messages dropped, messages waiting."""
    values = dict(db.execute("SELECT name, value FROM counters").fetchall())
    (saved,) = db.execute("SELECT count(*) FROM messages").fetchone()
    return int(values["last"]), int(values["dropped"]), int(saved)


def _set_aside(path: Path, error: _NotADatabase) -> None:
    """Rename a broken file (and its log) to the first free ``.broken`` name, so that nothing is destroyed."""
    number = next(n for n in range(1, 10_000) if not path.with_name(f"{path.name}.broken{n}").exists())
    _log.error("%s: not a usable outbox (%s); set aside as .broken%d", path, error, number)
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(f"{path.name}.broken{number}{suffix}"))
