"""Who may come in, and what is written down of it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("access_log", "sessions", "sign_up_addresses", "throttles")


def upgrade() -> None:
    """Make the tables of access; accounts of before are kept under the terms of before."""
    op.add_column("accounts", sa.Column("login_lookup", sa.LargeBinary(), nullable=True))
    op.add_column("accounts", sa.Column("terms_version", sa.Text(), nullable=False, server_default="none"))
    op.alter_column("accounts", "terms_version", server_default=None)
    op.add_column("accounts", sa.Column("key_destroyed_at", INSTANT, nullable=True))
    op.create_unique_constraint(op.f("uq_accounts_login_lookup"), "accounts", ["login_lookup"])
    op.create_check_constraint(
        op.f("ck_accounts_role"), "accounts", "role IN ('user', 'ml_engineer', 'operator', 'moderator')"
    )
    op.execute(
        "UPDATE api_keys SET scopes = ARRAY['videos:read', 'videos:write', 'account:read', 'account:write', 'privacy'] "
        "WHERE scopes = ARRAY['all']"
    )
    op.create_table(
        "access_log",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint("actor IN ('key', 'session', 'guest', 'service')", name=op.f("ck_access_log_actor")),
        sa.CheckConstraint("actor = 'service' OR address_sealed IS NOT NULL", name=op.f("ck_access_log_address")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_access_log_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log")),
    )
    op.create_index("ix_access_log_account_id_id", "access_log", ["account_id", "id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("token_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("logged_in_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sessions_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_lookup", name=op.f("uq_sessions_token_lookup")),
    )
    op.create_index(op.f("ix_sessions_account_id"), "sessions", ["account_id"], unique=False)
    op.create_table(
        "sign_up_addresses",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("kept_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("address_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sign_up_addresses_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_up_addresses")),
        sa.UniqueConstraint("account_id", name=op.f("uq_sign_up_addresses_account_id")),
    )
    op.create_index(
        "ix_sign_up_addresses_address_lookup_day", "sign_up_addresses", ["address_lookup", "day"], unique=False
    )
    op.create_table(
        "throttles",
        sa.Column("key_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key_lookup", name=op.f("pk_throttles")),
    )
    op.create_index(op.f("ix_throttles_expires_at"), "throttles", ["expires_at"], unique=False)


def downgrade() -> None:
    """Drop them with all that is in them."""
    for table in TABLES:
        op.drop_table(table)
    op.drop_constraint(op.f("ck_accounts_role"), "accounts")
    op.drop_constraint(op.f("uq_accounts_login_lookup"), "accounts")
    for column in ("login_lookup", "terms_version", "key_destroyed_at"):
        op.drop_column("accounts", column)
