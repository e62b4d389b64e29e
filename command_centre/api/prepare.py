# SPDX-License-Identifier: Apache-2.0
"""Before the service starts: tables, keys, robot tokens and the operator. Also what the command line does to the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from command_centre.api.accounts import Accounts
from command_centre.api.audit import AuditLog, AuditVerdict
from command_centre.api.database import Database
from command_centre.api.records import admit_robot
from command_centre.api.secret_files import make_folder, read_or_make, robot_token_path, sha256_hex
from command_centre.api.settings import Settings
from patrol.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the person who starts the service must be told.

    ``one_time_password`` signs ``operator`` in once; None when the operator has chosen a password of their own.
    ``robot_tokens`` names, per robot, the file with the token that it dials in with.
    """

    operator: str
    one_time_password: str | None
    robot_tokens: dict[str, Path]


def prepare(settings: Settings, *, clock: Clock | None = None) -> Prepared:
    """Make everything ready; may be called before every start. Each call gives the operator a new one-time password, until
    they have chosen a password of their own."""
    clock = clock or SystemClock()
    database = Database(settings.database_url)
    try:
        database.migrate()
        audit = open_audit_log(settings, clock)
        tokens = {robot_id: robot_token_path(settings.secrets_dir, robot_id) for robot_id in settings.robots}
        with database.writing() as session:
            for robot_id, path in tokens.items():
                admit_robot(session, robot_id, sha256_hex(read_or_make(path)), now_ns=clock.now_ns())
            password = accounts_of(settings, clock).issue_one_time_password(session, settings.operator, role="operator")
            if password is not None:
                audit.append(session, actor="centre", action="one-time password", subject=settings.operator)
    finally:
        database.close()
    return Prepared(operator=settings.operator, one_time_password=password, robot_tokens=tokens)


def verify_audit(settings: Settings, *, clock: Clock | None = None) -> AuditVerdict:
    """Verify the whole audit chain; names the first broken entry. The service may be running."""
    database = Database(settings.database_url)
    try:
        database.migrate()
        with database.reading() as session:
            return open_audit_log(settings, clock or SystemClock()).verify(session)
    finally:
        database.close()


def log_entry(
    settings: Settings, *, actor: str, action: str, subject: str, detail: Mapping[str, object], clock: Clock | None = None
) -> int:
    """Add one entry to the audit chain from outside the service, which may be running; returns its number."""
    clock = clock or SystemClock()
    database = Database(settings.database_url)
    try:
        database.migrate()
        with database.writing() as session:
            log = open_audit_log(settings, clock)
            return log.append(session, actor=actor, action=action, subject=subject, detail=detail).sequence
    finally:
        database.close()


def open_audit_log(settings: Settings, clock: Clock) -> AuditLog:
    """The audit log with its key and head from the secrets folder."""
    make_folder(settings.secrets_dir)
    key = read_or_make(settings.secrets_dir / "audit.key")
    return AuditLog(key=bytes.fromhex(key), head_path=settings.secrets_dir / "audit.head", clock=clock)


def accounts_of(settings: Settings, clock: Clock) -> Accounts:
    """The people, with passwords and sessions as the settings ask for."""
    return Accounts(clock=clock, session_hours=settings.session_hours, argon2_memory_kib=settings.argon2_memory_kib)
