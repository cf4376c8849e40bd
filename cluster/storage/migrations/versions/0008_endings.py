"""Content that ends by a time of its own or once it was delivered, and a record of sweeps."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add both; what was deleted has been erased."""
    op.create_table(
        "sweeps",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("clean", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_sweeps")),
    )
    op.add_column("media", sa.Column("delivered", INT8MULTIRANGE(), nullable=True))
    op.add_column("jobs", sa.Column("erased_at", INSTANT, nullable=True))
    op.execute("UPDATE jobs SET erased_at = deleted_at")
    op.create_index(
        "ix_jobs_expires_at",
        "jobs",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL AND erased_at IS NULL"),
    )
    _index_erasing("erased_at")


def downgrade() -> None:
    """Take both away."""
    _index_erasing("deleted_at")
    op.drop_index("ix_jobs_expires_at", table_name="jobs")
    op.drop_column("jobs", "erased_at")
    op.drop_column("media", "delivered")
    op.drop_table("sweeps")


def _index_erasing(column: str) -> None:
    """Index the jobs whose tags are to be forgotten with their last file."""
    op.drop_index("ix_jobs_subject_erasing", table_name="jobs")
    op.create_index(
        "ix_jobs_subject_erasing",
        "jobs",
        ["id"],
        unique=False,
        postgresql_where=sa.text(f"subject_lookup IS NOT NULL AND {column} IS NOT NULL"),
    )
