"""Replicas announce themselves, and how long videos take is measured: what work is handed out and scaled by."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "workers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("stages", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "paces",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("videos", sa.Double(), nullable=False),
        sa.Column("megapixels", sa.Double(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("megapixels_squared", sa.Double(), nullable=False),
        sa.Column("megapixels_seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("model", name=op.f("pk_paces")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("paces")
    op.drop_table("workers")
