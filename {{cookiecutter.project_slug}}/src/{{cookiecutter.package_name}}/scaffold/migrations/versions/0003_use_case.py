"""The ledger names the use case of a call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of calls before it, the use case is not known."""
    op.add_column("model_calls", sa.Column("use_case", sa.String(200)))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("model_calls", "use_case")
