"""Several indexes side by side, what they hold by source, and what is still to be read into them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables. What was indexed before is indexed anew by the next sync, so that no old row has to be right."""
    op.drop_table("documents")
    op.create_table(
        "indexes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("embedding", sa.String(200), nullable=False),
        sa.Column("languages", sa.String(100), nullable=False),
        sa.Column("label", sa.String(500), nullable=False),
        sa.Column("configured", sa.String(500), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.Column("live_at", sa.String(40)),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "documents",
        sa.Column("index", sa.Integer, primary_key=True),
        sa.Column("source", sa.String(500), primary_key=True),
        sa.Column("origin", sa.String(100), nullable=False),
        sa.Column("version", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("how", sa.String(64), nullable=False),
        sa.Column("access", sa.String(64), nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("own", sa.Text),
        sa.Column("updated", sa.String(40)),
        sa.Column("indexed_at", sa.String(40), nullable=False),
        sa.Column("seen", sa.String(40), nullable=False),
    )
    op.create_index("documents_by_seen", "documents", ["index", "origin", "seen"])
    op.create_index("documents_by_sha256", "documents", ["index", "sha256"])
    op.create_table(
        "pending_documents",
        sa.Column("index", sa.Integer, primary_key=True),
        sa.Column("source", sa.String(500), primary_key=True),
        sa.Column("origin", sa.String(100), nullable=False),
        sa.Column("entry", sa.JSON, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "quarantine",
        sa.Column("origin", sa.String(100), primary_key=True),
        sa.Column("id", sa.String(500), primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("first_at", sa.String(40), nullable=False),
        sa.Column("last_at", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
    op.create_table(
        "sources",
        sa.Column("index", sa.Integer, primary_key=True),
        sa.Column("origin", sa.String(100), primary_key=True),
        sa.Column("cursor", sa.Text),
        sa.Column("started_at", sa.String(40), nullable=False),
        sa.Column("complete_at", sa.String(40)),
        sa.Column("full_at", sa.String(40)),
        sa.Column("error", sa.Text),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_table(
        "sync_requests",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("progress", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop them, and make the table of documents that was there before, empty."""
    for name in ("sync_requests", "leases", "sources", "quarantine", "pending_documents", "documents", "indexes"):
        op.drop_table(name)
    op.create_table(
        "documents",
        sa.Column("source", sa.String(500), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("settings_sha256", sa.String(64), nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("updated", sa.String(40)),
        sa.Column("indexed_at", sa.String(40), nullable=False),
    )
