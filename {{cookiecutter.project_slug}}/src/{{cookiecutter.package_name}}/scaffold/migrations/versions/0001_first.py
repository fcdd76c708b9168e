"""Documents, audit heads, evaluation runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "documents",
        sa.Column("source", sa.String(500), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("settings_sha256", sa.String(64), nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("updated", sa.String(40)),
        sa.Column("indexed_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "audit_heads",
        sa.Column("log", sa.String(100), primary_key=True),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("mac", sa.String(64), nullable=False),
        sa.Column("offset", sa.Integer, nullable=False),
    )
    op.create_table(
        "evaluation_runs",
        sa.Column("id", sa.String(60), primary_key=True),
        sa.Column("suite", sa.String(100), nullable=False),
        sa.Column("started_at", sa.String(40), nullable=False),
        sa.Column("passed", sa.Integer, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("digests", sa.JSON, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("evaluation_runs", "audit_heads", "documents"):
        op.drop_table(name)
