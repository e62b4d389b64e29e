# SPDX-License-Identifier: Apache-2.0
"""Orders of zones outlive the service"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("commands", sa.Column("body", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("commands", "body")
