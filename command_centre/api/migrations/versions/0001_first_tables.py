# SPDX-License-Identifier: Apache-2.0
"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = ("audit", "robots", "users", "sessions", "alerts", "alert_actions", "commands", "outcomes")


def upgrade() -> None:
    _create_audit()
    _create_people()
    _create_alerts()
    _create_operations()


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("entry_hash", sa.String(64), nullable=False),
    )


def _create_people() -> None:
    op.create_table(
        "robots",
        sa.Column("robot_id", sa.String(64), primary_key=True),
        sa.Column("token_sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "users",
        sa.Column("user_id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("one_time", sa.Boolean, nullable=False),
        sa.Column("used_ns", sa.BigInteger),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Integer, primary_key=True),
        sa.Column("token_sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id"), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("expires_ns", sa.BigInteger, nullable=False),
        sa.Column("ended_ns", sa.BigInteger),
    )


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_key", sa.Integer, primary_key=True),
        sa.Column("robot_id", sa.String(64), sa.ForeignKey("robots.robot_id"), nullable=False, index=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("alert_id", sa.String(64), nullable=False),
        sa.Column("received_ns", sa.BigInteger, nullable=False, index=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("picture_jpeg", sa.LargeBinary),
        sa.Column("has_picture", sa.Boolean, nullable=False),
        sa.UniqueConstraint("robot_id", "sequence"),
    )
    op.create_table(
        "alert_actions",
        sa.Column("action_id", sa.Integer, primary_key=True),
        sa.Column("alert_key", sa.Integer, sa.ForeignKey("alerts.alert_key"), nullable=False, index=True),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("by_name", sa.String(64), nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )


def _create_operations() -> None:
    op.create_table(
        "commands",
        sa.Column("command_id", sa.String(32), primary_key=True),
        sa.Column("robot_id", sa.String(64), sa.ForeignKey("robots.robot_id"), nullable=False, index=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("mission_id", sa.String(64), nullable=False),
        sa.Column("issued_by", sa.String(64), nullable=False),
        sa.Column("issued_ns", sa.BigInteger, nullable=False, index=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("settled_ns", sa.BigInteger),
    )
    op.create_table(
        "outcomes",
        sa.Column("outcome_key", sa.Integer, primary_key=True),
        sa.Column("robot_id", sa.String(64), sa.ForeignKey("robots.robot_id"), nullable=False, index=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("received_ns", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("robot_id", "sequence"),
    )
