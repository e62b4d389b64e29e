# SPDX-License-Identifier: Apache-2.0
"""People and their sessions. Passwords are kept as argon2id hashes (RFC 9106), session tokens as SHA-256."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from command_centre.api.errors import SignInRefused
from command_centre.api.secret_files import sha256_hex
from command_centre.api.tables import SessionRow, UserRow
from patrol.clock import Clock, nanoseconds
from patrol.errors import BadValue

Role = Literal["viewer", "operator"]
ROLES: tuple[Role, ...] = ("viewer", "operator")
SHORTEST_PASSWORD = 10
_REFUSED = "The name or the password is wrong."
_USED = "This one-time password has been used. Ask for a new one, or use the password that you chose."


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is signed in."""

    user_id: int
    name: str
    role: Role
    session_id: int
    expires_ns: int
    one_time: bool

    @property
    def may_command(self) -> bool:
        return self.role == "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may sign in. ``password`` tells which kind is set; ``sessions``: how many times they are signed in now."""

    name: str
    role: Role
    password: Literal["one-time", "used", "chosen"]
    sessions: int


class Accounts:
    """Users and sessions. Every method works within the caller's transaction."""

    def __init__(self, *, clock: Clock, session_hours: float, argon2_memory_kib: int) -> None:
        self._clock = clock
        self._session_ns = nanoseconds(session_hours * 3600.0)
        self._hasher = PasswordHasher(memory_cost=argon2_memory_kib)
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def set_password(self, session: Session, name: str, password: str, *, role: Role, one_time: bool = False) -> None:
        """Create the user ``name``, or give them a new password and role. Raises BadValue when the password is too short."""
        if len(password) < SHORTEST_PASSWORD:
            raise BadValue(f"password: {len(password)} characters are fewer than {SHORTEST_PASSWORD}")
        row = self._user(session, name)
        if row is None:
            row = UserRow(name=name, created_ns=self._clock.now_ns())
            session.add(row)
        row.password_hash = self._hasher.hash(password)
        row.role, row.one_time, row.used_ns = role, one_time, None

    def issue_one_time_password(self, session: Session, name: str, *, role: Role) -> str | None:
        """A fresh password for ``name`` that signs in once; None when they have chosen a password of their own."""
        row = self._user(session, name)
        if row is not None and not row.one_time:
            return None
        return self.set_one_time_password(session, name, role=role)

    def set_one_time_password(self, session: Session, name: str, *, role: Role) -> str:
        """Create the user ``name``, or take their password away, and return a fresh one that signs in once."""
        password = "-".join(secrets.token_hex(2) for _ in range(4))
        self.set_password(session, name, password, role=role, one_time=True)
        return password

    def everybody(self, session: Session) -> tuple[Account, ...]:
        """All who may sign in, by name."""
        rows = session.scalars(select(UserRow).order_by(UserRow.name)).all()
        return tuple(self._account(session, row) for row in rows)

    def find(self, session: Session, name: str) -> Account | None:
        """Who bears ``name``; None when nobody does."""
        row = self._user(session, name)
        return None if row is None else self._account(session, row)

    def knows(self, session: Session, person: Person, password: str) -> bool:
        """Whether ``password`` is the one that ``person`` signs in with."""
        row = session.get(UserRow, person.user_id)
        return row is not None and self._matches(row.password_hash, password)

    def sign_in(self, session: Session, name: str, password: str, *, address: str) -> tuple[str, Person]:
        """A new session's token and person. Raises SignInRefused; a wrong name takes as long as a wrong password."""
        row = self._user(session, name)
        if not self._matches(row.password_hash if row else self._nobody, password) or row is None:
            raise SignInRefused(_REFUSED)
        if row.one_time and row.used_ns is not None:
            raise SignInRefused(_USED)
        now_ns = self._clock.now_ns()
        row.used_ns = now_ns
        token = secrets.token_urlsafe(32)
        opened = SessionRow(
            token_sha256=sha256_hex(token),
            user_id=row.user_id,
            address=address,
            created_ns=now_ns,
            expires_ns=now_ns + self._session_ns,
        )
        session.add(opened)
        session.flush()
        return token, _person(row, opened)

    def person_of(self, session: Session, token: str) -> Person | None:
        """Who holds ``token``; None when the session is unknown, has ended or has expired."""
        found = session.execute(
            select(UserRow, SessionRow)
            .join(SessionRow, SessionRow.user_id == UserRow.user_id)
            .where(
                SessionRow.token_sha256 == sha256_hex(token),
                SessionRow.ended_ns.is_(None),
                SessionRow.expires_ns > self._clock.now_ns(),
            )
        ).first()
        return _person(*found) if found else None

    def end_session(self, session: Session, session_id: int) -> None:
        """End one session at once."""
        row = session.get(SessionRow, session_id)
        if row is not None and row.ended_ns is None:
            row.ended_ns = self._clock.now_ns()

    def end_other_sessions(self, session: Session, person: Person) -> tuple[int, ...]:
        """End every session of ``person`` but the one that they speak from; returns the ids of those that ended."""
        others = [row for row in self._open_sessions(session, person.user_id) if row.session_id != person.session_id]
        for row in others:
            row.ended_ns = self._clock.now_ns()
        return tuple(row.session_id for row in others)

    def end_sessions(self, session: Session, name: str) -> int:
        """End every session of ``name``; returns how many were open."""
        user = self._user(session, name)
        rows = [] if user is None else self._open_sessions(session, user.user_id)
        for row in rows:
            row.ended_ns = self._clock.now_ns()
        return len(rows)

    def remove(self, session: Session, name: str) -> int:
        """Forget ``name`` and all of their sessions; returns how many were open."""
        ended = self.end_sessions(session, name)
        user = self._user(session, name)
        if user is not None:
            session.execute(delete(SessionRow).where(SessionRow.user_id == user.user_id))
            session.delete(user)
        return ended

    def still_open(self, session: Session, session_ids: frozenset[int]) -> frozenset[int]:
        """Those of ``session_ids`` that nobody has ended."""
        query = select(SessionRow.session_id).where(SessionRow.session_id.in_(sorted(session_ids)), SessionRow.ended_ns.is_(None))
        return frozenset(session.scalars(query))

    def _open_sessions(self, session: Session, user_id: int) -> list[SessionRow]:
        query = select(SessionRow).where(
            SessionRow.user_id == user_id, SessionRow.ended_ns.is_(None), SessionRow.expires_ns > self._clock.now_ns()
        )
        return list(session.scalars(query))

    def _account(self, session: Session, row: UserRow) -> Account:
        used: Literal["one-time", "used"] = "one-time" if row.used_ns is None else "used"
        return Account(
            name=row.name,
            role=_role(row),
            password=used if row.one_time else "chosen",
            sessions=len(self._open_sessions(session, row.user_id)),
        )

    def _user(self, session: Session, name: str) -> UserRow | None:
        return session.scalars(select(UserRow).where(UserRow.name == name)).first()

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerificationError:
            return False


def _person(user: UserRow, opened: SessionRow) -> Person:
    return Person(
        user_id=user.user_id,
        name=user.name,
        role=_role(user),
        session_id=opened.session_id,
        expires_ns=opened.expires_ns,
        one_time=user.one_time,
    )


def _role(user: UserRow) -> Role:
    return "operator" if user.role == "operator" else "viewer"
