# SPDX-License-Identifier: Apache-2.0
"""The audit log notices every kind of tampering, and says where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from command_centre.api.audit import AuditLog, AuditVerdict
from command_centre.api.database import Database
from command_centre.api.errors import CentreError
from command_centre.api.prepare import verify_audit
from command_centre.api.tables import AuditRow
from patrol.clock import ManualClock
from tests.command_centre.conftest import House

ENTRIES = 6
KEY = b"k" * 32


class Books:
    """A database with an audit log of six entries."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder}/audit.db")
        self.database.migrate()
        self.clock = ManualClock(1_000)
        self.log = AuditLog(key=KEY, head_path=folder / "audit.head", clock=self.clock)

    def fill(self) -> None:
        for number in range(1, ENTRIES + 1):
            self.clock.advance_to(self.clock.now_ns() + 1_000)
            with self.database.writing() as session:
                self.log.append(session, actor="olga", action="command", subject=f"rover-{number}", detail={"kind": "start"})

    def verdict(self, log: AuditLog | None = None) -> AuditVerdict:
        with self.database.reading() as session:
            return (log or self.log).verify(session)

    def tamper(self, work: Callable[[Session], object]) -> None:
        with self.database.writing() as session:
            work(session)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    made = Books(tmp_path)
    made.fill()
    return made


def test_a_whole_chain_is_intact(books: Books) -> None:
    verdict = books.verdict()
    assert verdict.intact
    assert verdict.entries == ENTRIES


@pytest.mark.parametrize("column", ["at_ns", "actor", "action", "subject", "detail"])
@pytest.mark.parametrize("sequence", [1, 3, ENTRIES])
def test_a_changed_field_is_found_at_its_entry(books: Books, column: str, sequence: int) -> None:
    changed = {column: 5 if column == "at_ns" else "{}"}
    books.tamper(lambda session: session.execute(update(AuditRow).where(AuditRow.sequence == sequence).values(changed)))
    verdict = books.verdict()
    assert verdict.first_broken == sequence
    assert "content" in verdict.because


@pytest.mark.parametrize("sequence", [1, 3])
def test_a_removed_entry_is_found(books: Books, sequence: int) -> None:
    books.tamper(lambda session: session.execute(delete(AuditRow).where(AuditRow.sequence == sequence)))
    assert books.verdict().first_broken == sequence


def test_a_removed_entry_is_found_even_when_the_rest_moves_up(books: Books) -> None:
    def close_the_gap(session: Session) -> None:
        session.execute(delete(AuditRow).where(AuditRow.sequence == 3))
        for row in session.scalars(select(AuditRow).where(AuditRow.sequence > 3).order_by(AuditRow.sequence)):
            session.execute(update(AuditRow).where(AuditRow.sequence == row.sequence).values(sequence=row.sequence - 1))

    books.tamper(close_the_gap)
    assert books.verdict().first_broken == 3


def test_a_cut_off_end_no_longer_reaches_the_head(books: Books) -> None:
    books.tamper(lambda session: session.execute(delete(AuditRow).where(AuditRow.sequence > 4)))
    verdict = books.verdict()
    assert verdict.first_broken == 5
    assert "cut off" in verdict.because


@pytest.mark.parametrize("left", [4, 0])
def test_what_was_cut_off_stays_missing_however_much_is_written_afterwards(books: Books, left: int) -> None:
    """Also where an older copy of the database was put back: the chain goes on from the head that lies apart."""
    books.tamper(lambda session: session.execute(delete(AuditRow).where(AuditRow.sequence > left)))
    books.fill()
    verdict = books.verdict()
    assert verdict.first_broken == left + 1
    assert f"entry {left + 1} is missing; the next one is {ENTRIES + 1}" in verdict.because


def test_two_entries_that_change_places_are_found(books: Books) -> None:
    def swap(session: Session) -> None:
        for before, after in ((2, 99), (3, 2), (99, 3)):
            session.execute(update(AuditRow).where(AuditRow.sequence == before).values(sequence=after))

    books.tamper(swap)
    assert books.verdict().first_broken == 2


def test_the_head_never_goes_back(books: Books, tmp_path: Path) -> None:
    """A process whose entry was earlier may get to move the head later."""
    newest = (tmp_path / "audit.head").read_text("ascii")
    with books.database.writing() as session:
        late = books.log.append(session, actor="olga", action="late")
        session.flush()
        (tmp_path / "audit.head").write_text(f"{late.sequence + 1} {late.entry_hash}\n", "ascii")
    assert (tmp_path / "audit.head").read_text("ascii").startswith(f"{ENTRIES + 2} ")
    assert newest.startswith(f"{ENTRIES} ")


def test_a_chain_rewritten_without_the_key_is_found(books: Books, tmp_path: Path) -> None:
    books.tamper(lambda session: session.execute(delete(AuditRow)))
    forger = AuditLog(key=b"x" * 32, head_path=tmp_path / "forged.head", clock=books.clock)
    for _ in range(ENTRIES):
        books.tamper(lambda session: forger.append(session, actor="nobody", action="nothing"))
    assert books.verdict(forger).intact
    assert books.verdict().first_broken == 1


def test_an_entry_that_was_rolled_back_leaves_no_trace(books: Books) -> None:
    def append_and_fail(session: Session) -> None:
        books.log.append(session, actor="olga", action="command")
        raise CentreError("on purpose")

    with pytest.raises(CentreError):
        books.tamper(append_and_fail)
    assert books.verdict() == AuditVerdict(entries=ENTRIES)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(actor=st.text(max_size=30), detail=st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=3))
def test_any_text_can_be_written_and_verified(books: Books, actor: str, detail: dict[str, object]) -> None:
    storable = actor.encode("utf-8", "ignore").decode()
    books.tamper(lambda session: books.log.append(session, actor=storable, action="note", detail=detail))
    assert books.verdict().intact


def test_the_command_line_s_check_names_the_first_broken_entry(house: House) -> None:
    house.sign_in("olga")
    assert verify_audit(house.settings).intact
    database = Database(house.settings.database_url)
    with database.writing() as session:
        session.execute(update(AuditRow).where(AuditRow.sequence == 2).values(actor="somebody else"))
    database.close()
    assert verify_audit(house.settings).first_broken == 2
    assert house.client.get("/api/audit/verdict").json()["first_broken"] == 2
