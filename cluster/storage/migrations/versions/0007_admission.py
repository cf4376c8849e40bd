"""Fair shares: each job has a turn, and due jobs are found in the order of their turns."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ACTIVE = sa.text("state IN ('queued', 'in_progress')")
ORDER: tuple[sa.TextClause | str, ...] = (sa.text("priority DESC"), "turn", "id")


def upgrade() -> None:
    """Give every job the same turn, so that those that wait keep their order."""
    op.add_column("jobs", sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False))
    op.alter_column("jobs", "turn", server_default=None)
    op.drop_index("ix_jobs_due", table_name="jobs")
    op.create_index("ix_jobs_due", "jobs", ["stage", *ORDER], unique=False, postgresql_where=ACTIVE)
    op.create_index("ix_jobs_line", "jobs", [*ORDER], unique=False, postgresql_where=sa.text("state = 'queued'"))
    op.create_index("ix_jobs_account_id_turn", "jobs", ["account_id", "priority", "turn"], unique=False)
    op.create_index("ix_jobs_turn", "jobs", ["priority", "turn"], unique=False)


def downgrade() -> None:
    """First come, first served."""
    for index in ("ix_jobs_turn", "ix_jobs_account_id_turn", "ix_jobs_line", "ix_jobs_due"):
        op.drop_index(index, table_name="jobs")
    op.create_index("ix_jobs_due", "jobs", ["stage", "priority", "id"], unique=False, postgresql_where=ACTIVE)
    op.drop_column("jobs", "turn")
