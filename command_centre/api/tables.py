# SPDX-License-Identifier: Apache-2.0
"""The database's tables. Times are nanoseconds of wall time since 1970, except ``stamp_ns``, which is the robot's clock."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of all tables."""


class UserRow(Base):
    """A person who may sign in. ``one_time`` marks a password that works once; ``used_ns`` says when it did."""

    __tablename__ = "users"
    user_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    one_time: Mapped[bool]
    used_ns: Mapped[int | None] = mapped_column(BigInteger)
    created_ns: Mapped[int] = mapped_column(BigInteger)


class SessionRow(Base):
    """One sign-in. Only the hash of its token is kept."""

    __tablename__ = "sessions"
    session_id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.user_id"))
    address: Mapped[str] = mapped_column(String(64))
    created_ns: Mapped[int] = mapped_column(BigInteger)
    expires_ns: Mapped[int] = mapped_column(BigInteger)
    ended_ns: Mapped[int | None] = mapped_column(BigInteger)


class RobotRow(Base):
    """A robot that may dial in. Only the hash of its token is kept; ``last_sequence`` is its newest durable message stored."""

    __tablename__ = "robots"
    robot_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_ns: Mapped[int] = mapped_column(BigInteger)
    last_sequence: Mapped[int] = mapped_column(BigInteger)


class AlertRow(Base):
    """One alert as the robot raised it (``body``: JSON of the wire message without its picture) and what became of it."""

    __tablename__ = "alerts"
    __table_args__ = (UniqueConstraint("robot_id", "sequence"),)
    alert_key: Mapped[int] = mapped_column(primary_key=True)
    robot_id: Mapped[str] = mapped_column(ForeignKey("robots.robot_id"), index=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    alert_id: Mapped[str] = mapped_column(String(64))
    received_ns: Mapped[int] = mapped_column(BigInteger, index=True)
    state: Mapped[str] = mapped_column(String(16))
    body: Mapped[str] = mapped_column(Text)
    picture_jpeg: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    has_picture: Mapped[bool]


class AlertActionRow(Base):
    """Who settled an alert, when, and what they noted."""

    __tablename__ = "alert_actions"
    action_id: Mapped[int] = mapped_column(primary_key=True)
    alert_key: Mapped[int] = mapped_column(ForeignKey("alerts.alert_key"), index=True)
    action: Mapped[str] = mapped_column(String(16))
    by_name: Mapped[str] = mapped_column(String(64))
    at_ns: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str] = mapped_column(Text)


class CommandRow(Base):
    """One command: who gave it, and what the robot answered. ``body`` is the JSON of an order that says more than its kind."""

    __tablename__ = "commands"
    command_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    robot_id: Mapped[str] = mapped_column(ForeignKey("robots.robot_id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    mission_id: Mapped[str] = mapped_column(String(64))
    issued_by: Mapped[str] = mapped_column(String(64))
    issued_ns: Mapped[int] = mapped_column(BigInteger, index=True)
    state: Mapped[str] = mapped_column(String(16))
    because: Mapped[str] = mapped_column(Text)
    settled_ns: Mapped[int | None] = mapped_column(BigInteger)
    body: Mapped[str] = mapped_column(Text, server_default="")


class OutcomeRow(Base):
    """What became of one waypoint (``body``: JSON of the wire message)."""

    __tablename__ = "outcomes"
    __table_args__ = (UniqueConstraint("robot_id", "sequence"),)
    outcome_key: Mapped[int] = mapped_column(primary_key=True)
    robot_id: Mapped[str] = mapped_column(ForeignKey("robots.robot_id"), index=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    received_ns: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[str] = mapped_column(Text)


class AuditRow(Base):
    """One link of the audit chain; see ``command_centre.api.audit``."""

    __tablename__ = "audit"
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at_ns: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(128))
    detail: Mapped[str] = mapped_column(Text)
    previous_hash: Mapped[str] = mapped_column(String(64))
    entry_hash: Mapped[str] = mapped_column(String(64))
