"""The consent gate: may this account's data be used for these purposes? A no carries the way to a yes."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from cluster.errors import ConsentRequired, ConsentWithdrawn
from cluster.privacy.consent import ConsentState, Verdict, unanswered
from cluster.privacy.notices import Notice
from cluster.records import consents

__all__ = ["ALTERNATIVES", "check"]

ALTERNATIVES: Final = ({"model": "default", "why": "Our own model shares nothing with anybody."},)
"""What works without an answer, and without anybody else."""


def check(
    connection: Connection, account_id: str, purposes: Sequence[str], notices: Mapping[str, Notice]
) -> dict[str, dict[str, str | None]]:
    """The consent snapshot of a job: the state of each purpose and the notice version it rests on.

    Raises:
        ConsentRequired: a purpose was never agreed to.
        ConsentWithdrawn: consent to a purpose was withdrawn.
    """
    versions = {purpose: notice.version for purpose, notice in notices.items()}
    states = consents.states(connection, account_id, versions)
    obstacle = unanswered(purposes, states)
    if obstacle:
        purpose, verdict = obstacle
        raise (ConsentWithdrawn if verdict is Verdict.WITHDRAWN else ConsentRequired)(
            details=_way_to_yes(purpose, notices.get(purpose))
        )
    return {
        purpose: {"state": states.get(purpose, ConsentState.UNSET).value, "notice_version": versions.get(purpose)}
        for purpose in purposes
    }


def _way_to_yes(purpose: str, notice: Notice | None) -> dict[str, object]:
    body = {"purpose": purpose, "notice_version": notice.version if notice else None, "granted": True}
    return {
        "notice": notice.model_dump() if notice else None,
        "log_in_with": {"method": "POST", "path": "/v1/sessions"},
        "answer_with": {"method": "POST", "path": "/v1/consents", "body": body},
        "alternatives": list(ALTERNATIVES),
    }
