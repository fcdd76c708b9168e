"""The ledger of model calls, and what budgets are held against."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "model_calls",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("role", sa.String(100), nullable=False),
        sa.Column("provider", sa.String(100), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("caller", sa.String(200)),
        sa.Column("channel", sa.String(100)),
        sa.Column("input_tokens", sa.Integer),
        sa.Column("output_tokens", sa.Integer),
        sa.Column("cost", sa.BigInteger),
        sa.Column("estimated", sa.Integer, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
    )
    op.create_index("model_calls_by_day", "model_calls", ["day"])
    op.create_index("model_calls_by_status", "model_calls", ["status", "at"])
    op.create_table(
        "model_spending",
        sa.Column("scope", sa.String(300), primary_key=True),
        sa.Column("period", sa.String(10), primary_key=True),
        sa.Column("cost", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("model_spending", "model_calls"):
        op.drop_table(name)
