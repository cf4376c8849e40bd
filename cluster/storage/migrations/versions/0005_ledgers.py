"""The audit trail and the disclosure record: two more tables that nobody changes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
LEDGERS = ("audit", "disclosures")
ACTIONS = (
    "'account_opened', 'account_closed', 'account_key_destroyed', 'role_changed', 'api_key_made', 'api_key_revoked'"
)


def upgrade() -> None:
    """Make both, append-only from the beginning."""
    op.create_table(
        "audit",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(f"action IN ({ACTIONS})", name=op.f("ck_audit_action")),
        sa.CheckConstraint("detail ~ '^[0-9a-z_]{1,64}$'", name=op.f("ck_audit_detail")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_audit_account_id")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_account_id_sequence", "audit", ["account_id", "sequence"], unique=False)
    op.create_table(
        "disclosures",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("categories", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_lookup", sa.LargeBinary(), nullable=False),
        sa.Column("notice_version", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("send_by", INSTANT, nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_disclosures_size")),
        sa.CheckConstraint("cardinality(categories) > 0", name=op.f("ck_disclosures_categories")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_disclosures_account_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_disclosures_job_id")),
        sa.ForeignKeyConstraint(["notice_version"], ["notices.version"], name=op.f("fk_disclosures_notice_version")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_disclosures")),
    )
    op.create_index("ix_disclosures_account_id_sequence", "disclosures", ["account_id", "sequence"], unique=False)
    op.create_index(op.f("ix_disclosures_job_id"), "disclosures", ["job_id"], unique=False)
    for ledger in LEDGERS:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {ledger} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """Drop them with all that is in them."""
    for table in LEDGERS:
        op.drop_table(table)
