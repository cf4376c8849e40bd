"""What support does on the word of an account's owner, with the very lever that the owner has, and on the trail."""

from enum import StrEnum

from sqlalchemy import Connection

from cluster.records import accounts, audit, consents, lifecycle
from cluster.records.audit import AuditAction

__all__ = ["Asked", "withdraw"]


class Asked(StrEnum):
    """How an owner has asked support for it: the reason that is put on the trail."""

    IN_WRITING = "in_writing"
    BY_PHONE = "by_phone"
    IN_PERSON = "in_person"


def withdraw(connection: Connection, account_id: str, purpose: str, asked: Asked) -> list[str] | None:
    """Withdraw an account's consent to a purpose, under the version of the notice that it has agreed to.

    Returns:
        The jobs that were stopped; None if there is no such account, or it has not agreed to that.
    """
    if accounts.lock(connection, account_id) is None:
        return None
    answers = [line for line in consents.history(connection, account_id) if line.purpose == purpose]
    if not answers or not answers[-1].granted:
        return None
    version = answers[-1].notice_version
    _, stopped = lifecycle.answer(connection, account_id, purpose=purpose, notice_version=version, granted=False)
    audit.append(connection, account_id, AuditAction.CONSENT_WITHDRAWN_BY_SUPPORT, asked.value)
    return stopped
