"""Files: photos that are kept by themselves, each with the purpose that its owner named."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the purpose."""
    op.add_column("media", sa.Column("purpose", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("media", "purpose")
