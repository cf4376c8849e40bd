"""Submissions to third parties, and what became of each disclosure."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ACTIONS = (
    "'account_opened', 'account_closed', 'account_key_destroyed', 'role_changed', 'known_minor_set', 'api_key_made', "
    "'api_key_revoked'"
)
FORMER_ACTIONS = ACTIONS.replace("'known_minor_set', ", "")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and let the record name the answer and the submission."""
    _audited(ACTIONS)
    op.add_column("accounts", sa.Column("disclosed_at", INSTANT, nullable=True))
    op.add_column("disclosures", sa.Column("consent", sa.BigInteger(), nullable=True))
    op.add_column("disclosures", sa.Column("submission_id", sa.Text(), nullable=True))
    op.create_table(
        "disclosure_outcomes",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("disclosure", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("sent_bytes", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "outcome IN ('answered', 'not_sent', 'cut', 'lost')", name=op.f("ck_disclosure_outcomes_outcome")
        ),
        sa.CheckConstraint("sent_bytes >= 0", name=op.f("ck_disclosure_outcomes_sent_bytes")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_disclosure_outcomes_account_id")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_disclosure_outcomes")),
        sa.UniqueConstraint("disclosure", name=op.f("uq_disclosure_outcomes_disclosure")),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON disclosure_outcomes "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.create_table(
        "suspensions",
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("suspended_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("recipient", name=op.f("pk_suspensions")),
    )
    _submissions()


def _audited(actions: str) -> None:
    op.drop_constraint(op.f("ck_audit_action"), "audit", type_="check")
    op.create_check_constraint(op.f("ck_audit_action"), "audit", f"action IN ({actions})")


def _submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("media_id", sa.Text(), nullable=True),
        sa.Column("copy", sa.Text(), nullable=True),
        sa.Column("copy_until", INSTANT, nullable=True),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("abandoned_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'written', 'submitted', 'submit_unknown', 'done', 'failed')",
            name=op.f("ck_submissions_state"),
        ),
        sa.CheckConstraint("copy IN ('held', 'deleted', 'expires', 'unknown')", name=op.f("ck_submissions_copy")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_submissions_account_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_submissions_job_id")),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_submissions_media_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submissions")),
        sa.UniqueConstraint("job_id", name=op.f("uq_submissions_job_id")),
    )
    op.create_index(op.f("ix_submissions_account_id"), "submissions", ["account_id"], unique=False)
    op.create_index(op.f("ix_submissions_media_id"), "submissions", ["media_id"], unique=False)
    op.create_index(op.f("ix_submissions_expires_at"), "submissions", ["expires_at"], unique=False)
    op.create_index(
        "ix_submissions_due_at",
        "submissions",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_submissions_unsettled",
        "submissions",
        ["id"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index(
        "ix_submissions_task",
        "submissions",
        ["recipient", "task"],
        unique=True,
        postgresql_where=sa.text("task IS NOT NULL"),
    )
    op.create_index("ix_submissions_recipient_sent_at", "submissions", ["recipient", "sent_at"], unique=False)


def downgrade() -> None:
    """Drop them with all that is in them."""
    op.drop_table("submissions")
    op.drop_table("suspensions")
    op.drop_table("disclosure_outcomes")
    op.drop_column("disclosures", "submission_id")
    op.drop_column("disclosures", "consent")
    op.drop_column("accounts", "disclosed_at")
    _audited(FORMER_ACTIONS)
