# SPDX-License-Identifier: Apache-2.0
"""The audit log: a chain in which every entry carries the keyed hash of the one before it.

An entry's hash is HMAC-SHA256 over its own fields and the previous hash (the linked time-stamping of Haber and Stornetta,
1991, with a key so that the database alone is not enough to forge a chain). The key and the newest hash ("head") lie in the
secrets folder, apart from the database: a changed, removed or inserted entry breaks the chain at its place, and a cut-off end
no longer reaches the head. The chain goes on from the head, not from what the database still has: what was cut off stays
missing, however much is written afterwards, and so does what an older copy of the database does not have.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from command_centre.api.tables import AuditRow
from patrol.clock import Clock

FIRST_HASH = "0" * 64


class Head(NamedTuple):
    """The newest entry, as it is kept apart from the database."""

    sequence: int = 0
    entry_hash: str = FIRST_HASH


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdict:
    """Whether the chain is whole. ``first_broken`` is the sequence of the first entry that does not hold."""

    entries: int
    first_broken: int | None = None
    because: str = ""

    @property
    def intact(self) -> bool:
        return self.first_broken is None


class AuditLog:
    """Appends to the chain and verifies it."""

    def __init__(self, *, key: bytes, head_path: Path, clock: Clock) -> None:
        self._key = key
        self._head_path = head_path
        self._clock = clock

    def append(
        self, session: Session, *, actor: str, action: str, subject: str = "", detail: Mapping[str, object] | None = None
    ) -> AuditRow:
        """Add one entry within the caller's writing transaction; the head moves once that has been committed."""
        last_sequence, last_hash = self._end(session)
        row = AuditRow(
            sequence=last_sequence + 1,
            at_ns=self._clock.now_ns(),
            actor=actor,
            action=action,
            subject=subject,
            detail=json.dumps(detail or {}, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
            previous_hash=last_hash,
        )
        row.entry_hash = self._hash(row)
        sequence, entry_hash = row.sequence, row.entry_hash
        session.add(row)
        session.flush()
        event.listen(session, "after_commit", lambda _session: self._write_head(sequence, entry_hash), once=True)
        return row

    def verify(self, session: Session) -> AuditVerdict:
        """Walk the whole chain and name the first entry that is broken."""
        head, unread = self._read_head()
        entries, previous = 0, FIRST_HASH
        for row in session.scalars(select(AuditRow).order_by(AuditRow.sequence).execution_options(yield_per=500)):
            entries += 1
            because = self._fault(row, entries, previous)
            if not because and head.sequence == row.sequence and head.entry_hash != row.entry_hash:
                because = "does not match the head that is kept apart from the database"
            if because:
                return AuditVerdict(entries=entries, first_broken=entries, because=because)
            previous = row.entry_hash
        if head.sequence > entries:
            unread = f"the chain ends at {entries}, but its head was at {head.sequence}: entries were cut off"
        elif not head.sequence and entries > 1 and not unread:
            unread = f"its head is not at {self._head_path} any more, so that nothing shows whether the end was cut off"
        return AuditVerdict(entries=entries, first_broken=entries + 1 if unread else None, because=unread)

    def _end(self, session: Session) -> Head:
        """What the next entry follows: the newest row, or the head where the database has lost what came after."""
        head, _ = self._read_head()
        row = session.scalars(select(AuditRow).order_by(AuditRow.sequence.desc()).limit(1)).first()
        last = Head(row.sequence, row.entry_hash) if row else Head()
        return head if head.sequence > last.sequence else last

    def _fault(self, row: AuditRow, expected: int, previous: str) -> str:
        if row.sequence != expected:
            return f"entry {expected} is missing; the next one is {row.sequence}"
        if row.previous_hash != previous:
            return "does not follow from the entry before it"
        if not hmac.compare_digest(row.entry_hash, self._hash(row)):
            return "its content is not what was written"
        return ""

    def _hash(self, row: AuditRow) -> str:
        fields = [row.sequence, row.at_ns, row.actor, row.action, row.subject, row.detail, row.previous_hash]
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def _write_head(self, sequence: int, entry_hash: str) -> None:
        """Move the head on, never back: another process may have gone further meanwhile. One that is missing or can not be read
        is left so, for that must not heal unseen; only a kill right after the very first entry may leave none."""
        with self._head_path.with_suffix(".lock").open("a") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            head, unread = self._read_head()
            if head.sequence >= sequence or unread or (not head.sequence and sequence > 2):
                return
            draft = self._head_path.with_suffix(".new")
            with draft.open("w", encoding="ascii") as file:
                file.write(f"{sequence} {entry_hash}\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._head_path)

    def _read_head(self) -> tuple[Head, str]:
        """The head, or none at all; and why it can not be read although something is there."""
        try:
            sequence, entry_hash = self._head_path.read_text("ascii").split()
            return Head(int(sequence), entry_hash), ""
        except FileNotFoundError:
            return Head(), ""
        except (OSError, ValueError) as error:
            return Head(), f"its head at {self._head_path} can not be read: {error}"
