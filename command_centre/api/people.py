# SPDX-License-Identifier: Apache-2.0
"""Who may sign in, kept from the command line of the machine that the service runs on; the service may be running.

Whoever can read the service's secrets may do this. Each change is on the audit log, as the command line's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session

from command_centre.api.accounts import Account, Accounts, Role
from command_centre.api.audit import AuditLog
from command_centre.api.database import Database
from command_centre.api.prepare import accounts_of, open_audit_log
from command_centre.api.settings import Settings
from patrol.clock import Clock, SystemClock
from patrol.errors import BadValue

LONGEST_NAME = 64
_ACTOR = "command line"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """One transaction over the accounts and the audit log."""

    session: Session
    accounts: Accounts
    audit: AuditLog

    def note(self, action: str, name: str, **detail: object) -> None:
        self.audit.append(self.session, actor=_ACTOR, action=action, subject=name, detail=detail)


def everybody(settings: Settings) -> tuple[Account, ...]:
    """All who may sign in, by name."""
    return _at_desk(settings, None, lambda desk: desk.accounts.everybody(desk.session))


def add(settings: Settings, name: str, *, role: Role, clock: Clock | None = None) -> str:
    """Let ``name`` sign in; returns a password that works once. Raises BadValue for a name that is taken or is none."""
    if not name or len(name) > LONGEST_NAME or name != name.strip() or not name.isprintable():
        raise BadValue(f"name: {name!r} is not 1 to {LONGEST_NAME} printable characters without spaces at the ends")

    def work(desk: _Desk) -> str:
        if desk.accounts.find(desk.session, name) is not None:
            raise BadValue(f"name: {name!r} is there already; renew gives them a new password")
        password = desk.accounts.set_one_time_password(desk.session, name, role=role)
        desk.note("person added", name, role=role)
        return password

    return _at_desk(settings, clock, work)


def renew(settings: Settings, name: str, *, clock: Clock | None = None) -> str:
    """A new password for ``name`` that works once, in place of any other; whoever is signed in as ``name`` is signed out.

    Raises BadValue when there is nobody of that name."""

    def work(desk: _Desk) -> str:
        account = _there(desk, name)
        ended = desk.accounts.end_sessions(desk.session, name)
        password = desk.accounts.set_one_time_password(desk.session, name, role=account.role)
        desk.note("one-time password", name, sessions_ended=ended)
        return password

    return _at_desk(settings, clock, work)


def remove(settings: Settings, name: str, *, clock: Clock | None = None) -> None:
    """Let ``name`` sign in no more, and sign them out. What they did stays on the audit log. Raises BadValue when there is nobody
    of that name, and for the operator of the settings, who is made anew at every start."""
    if name == settings.operator:
        raise BadValue(f"name: {name!r} is made at every start of the service; PATROL_CENTRE_OPERATOR names another")

    def work(desk: _Desk) -> None:
        _there(desk, name)
        desk.note("person removed", name, sessions_ended=desk.accounts.remove(desk.session, name))

    _at_desk(settings, clock, work)


def _there(desk: _Desk, name: str) -> Account:
    account = desk.accounts.find(desk.session, name)
    if account is None:
        known = ", ".join(each.name for each in desk.accounts.everybody(desk.session))
        raise BadValue(f"name: {name!r} is nobody's; there are {known}")
    return account


def _at_desk(settings: Settings, clock: Clock | None, work: Callable[[_Desk], T]) -> T:
    clock = clock or SystemClock()
    database = Database(settings.database_url)
    try:
        database.migrate()
        audit = open_audit_log(settings, clock)
        with database.writing() as session:
            return work(_Desk(session=session, accounts=accounts_of(settings, clock), audit=audit))
    finally:
        database.close()
