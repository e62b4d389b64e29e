# SPDX-License-Identifier: Apache-2.0
"""The audit log: a chain in which every entry carries the keyed hash of the one before it.

An entry's hash is HMAC-SHA256 over its own fields and the previous hash (the linked time-stamping of Haber and Stornetta,
1991, with a key so that the database alone is not enough to forge a chain). The key and the newest hash ("head") lie in the
secrets folder, apart from the database: a changed, removed or inserted entry breaks the chain at its place, and a cut-off end
no longer reaches the head.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from command_centre.api.tables import AuditRow
from patrol.clock import Clock

FIRST_HASH = "0" * 64


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
        last = session.scalars(select(AuditRow).order_by(AuditRow.sequence.desc()).limit(1)).first()
        row = AuditRow(
            sequence=last.sequence + 1 if last else 1,
            at_ns=self._clock.now_ns(),
            actor=actor,
            action=action,
            subject=subject,
            detail=json.dumps(detail or {}, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
            previous_hash=last.entry_hash if last else FIRST_HASH,
        )
        row.entry_hash = self._hash(row)
        sequence, entry_hash = row.sequence, row.entry_hash
        session.add(row)
        session.flush()
        event.listen(session, "after_commit", lambda _session: self._write_head(sequence, entry_hash), once=True)
        return row

    def verify(self, session: Session) -> AuditVerdict:
        """Walk the whole chain and name the first entry that is broken."""
        entries, previous = 0, FIRST_HASH
        head = self._read_head()
        for row in session.scalars(select(AuditRow).order_by(AuditRow.sequence).execution_options(yield_per=500)):
            entries += 1
            because = self._fault(row, entries, previous)
            if not because and head and head[0] == row.sequence and head[1] != row.entry_hash:
                because = "does not match the head that is kept apart from the database"
            if because:
                return AuditVerdict(entries=entries, first_broken=entries, because=because)
            previous = row.entry_hash
        if head and head[0] > entries:
            because = f"the chain ends at {entries}, but its head was at {head[0]}: entries were cut off"
            return AuditVerdict(entries=entries, first_broken=entries + 1, because=because)
        return AuditVerdict(entries=entries)

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
        draft = self._head_path.with_suffix(".new")
        draft.write_text(f"{sequence} {entry_hash}\n", "ascii")
        draft.replace(self._head_path)

    def _read_head(self) -> tuple[int, str] | None:
        if not self._head_path.exists():
            return None
        sequence, entry_hash = self._head_path.read_text("ascii").split()
        return int(sequence), entry_hash
