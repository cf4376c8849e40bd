"""Batches of create requests, whose items become videos one after another."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "video_batches",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_video_batches_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_video_batches")),
    )
    op.create_index("ix_video_batches_account_id_id", "video_batches", ["account_id", "id"])
    op.create_index("ix_video_batches_completed_at", "video_batches", ["completed_at"])
    op.create_index(
        "ix_video_batches_due_at", "video_batches", ["due_at"], postgresql_where=sa.text("state = 'in_progress'")
    )
    op.create_table(
        "video_batch_items",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("request_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("custom_id_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("subject_lookup", sa.LargeBinary(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["video_batches.id"],
            name=op.f("fk_video_batch_items_batch_id_video_batches"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_id", "position", name=op.f("pk_video_batch_items")),
    )
    op.create_index(
        "ix_video_batch_items_waiting",
        "video_batch_items",
        ["batch_id", "position"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_video_batch_items_subject_lookup",
        "video_batch_items",
        ["subject_lookup"],
        postgresql_where=sa.text("subject_lookup IS NOT NULL"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("video_batch_items")
    op.drop_table("video_batches")
