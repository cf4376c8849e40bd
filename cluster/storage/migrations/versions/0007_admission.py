"""Admission: what accounts may still ask for, and what they take. Fair shares: due jobs in the order of their turns."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
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
    op.create_table(
        "allowances",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("full_at", INSTANT, nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('create', 'read', 'stream')", name=op.f("ck_allowances_kind")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_allowances_account_id")),
        sa.PrimaryKeyConstraint("account_id", "kind", name=op.f("pk_allowances")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "open_streams",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_open_streams_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_open_streams")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index(op.f("ix_open_streams_account_id"), "open_streams", ["account_id"], unique=False)


def downgrade() -> None:
    """First come, first served, and as often as anybody likes."""
    op.drop_table("open_streams")
    op.drop_table("allowances")
    for index in ("ix_jobs_turn", "ix_jobs_account_id_turn", "ix_jobs_line", "ix_jobs_due"):
        op.drop_index(index, table_name="jobs")
    op.create_index("ix_jobs_due", "jobs", ["stage", "priority", "id"], unique=False, postgresql_where=ACTIVE)
    op.drop_column("jobs", "turn")
