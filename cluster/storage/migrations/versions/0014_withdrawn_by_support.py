"""The trail says when support withdrew a consent on its owner's word."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FORMER_ACTIONS = (
    "'account_opened', 'account_closed', 'account_key_destroyed', 'role_changed', 'known_minor_set', 'api_key_made', "
    "'api_key_revoked'"
)
ACTIONS = f"{FORMER_ACTIONS}, 'consent_withdrawn_by_support'"


def upgrade() -> None:
    """Allow the action."""
    _audited(ACTIONS)


def downgrade() -> None:
    """Allow it no more; a trail that has such a line cannot go back."""
    _audited(FORMER_ACTIONS)


def _audited(actions: str) -> None:
    op.drop_constraint(op.f("ck_audit_action"), "audit", type_="check")
    op.create_check_constraint(op.f("ck_audit_action"), "audit", f"action IN ({actions})")
