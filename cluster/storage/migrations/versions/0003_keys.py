"""Names and spending of API keys, subjects of jobs, usage events."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what keys have spent, by which key a job was made, and events that exist only with consent."""
    op.add_column("api_keys", sa.Column("name_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("api_keys", sa.Column("spent", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.create_check_constraint(op.f("ck_api_keys_spending_cap"), "api_keys", "spending_cap >= 0")
    op.create_check_constraint(op.f("ck_api_keys_spent"), "api_keys", "spent >= 0")
    op.add_column("jobs", sa.Column("api_key_id", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_jobs_api_key_id"), "jobs", "api_keys", ["api_key_id"], ["id"])
    op.create_index(op.f("ix_jobs_api_key_id"), "jobs", ["api_key_id"], unique=False)
    op.create_index(
        "ix_jobs_subject_lookup",
        "jobs",
        ["subject_lookup"],
        unique=False,
        postgresql_where=sa.text("subject_lookup IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_subject_erasing",
        "jobs",
        ["id"],
        unique=False,
        postgresql_where=sa.text("subject_lookup IS NOT NULL AND deleted_at IS NOT NULL"),
    )
    op.create_table(
        "usage_events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('video_created')", name=op.f("ck_usage_events_kind")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_usage_events_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_events")),
    )
    op.create_index(op.f("ix_usage_events_account_id"), "usage_events", ["account_id"], unique=False)


def downgrade() -> None:
    """Drop them with all that is in them."""
    op.drop_table("usage_events")
    op.drop_index("ix_jobs_subject_erasing", "jobs")
    op.drop_index("ix_jobs_subject_lookup", "jobs")
    op.drop_index(op.f("ix_jobs_api_key_id"), "jobs")
    op.drop_column("jobs", "api_key_id")
    op.drop_column("api_keys", "spent")
    op.drop_constraint(op.f("ck_api_keys_spending_cap"), "api_keys")
    op.drop_column("api_keys", "name_sealed")
