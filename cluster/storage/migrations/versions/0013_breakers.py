"""Breakers of recipients, a recipient's disclosures by their time, and what a video should not show."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, the index and the column."""
    op.create_table(
        "breakers",
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_breakers_failures")),
        sa.PrimaryKeyConstraint("recipient", name=op.f("pk_breakers")),
    )
    op.create_index("ix_disclosures_recipient_recorded_at", "disclosures", ["recipient", "recorded_at"], unique=False)
    op.add_column("jobs", sa.Column("negative_prompt_sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Drop them with all that is in them."""
    op.drop_column("jobs", "negative_prompt_sealed")
    op.drop_index("ix_disclosures_recipient_recorded_at", "disclosures")
    op.drop_table("breakers")
