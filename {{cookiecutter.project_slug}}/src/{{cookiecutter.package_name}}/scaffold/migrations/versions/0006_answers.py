"""What became of each question, and what people said of the answers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "answers",
        sa.Column("trace_id", sa.String(32), primary_key=True),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(100), nullable=False),
        sa.Column("use_case", sa.String(200), nullable=False),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("locale", sa.String(20), nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("features", sa.JSON, nullable=False),
        sa.Column("model", sa.String(300)),
        sa.Column("prompt", sa.String(300)),
        sa.Column("question_sha256", sa.String(64), nullable=False),
        sa.Column("answer_sha256", sa.String(64)),
    )
    op.create_index("answers_by_time", "answers", ["at"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("trace_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("correction", sa.Text, nullable=False),
        sa.Column("case_id", sa.String(200)),
        sqlite_autoincrement=True,
    )
    op.create_index("feedback_by_time", "feedback", ["at"])


def downgrade() -> None:
    """Drop them, with what is in them."""
    for name in ("feedback", "answers"):
        op.drop_table(name)
