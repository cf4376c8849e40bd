"""Support is asked to withdraw a consent, and does not, or leaves no trace of it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from cluster.records import consents, lifecycle
from tests.promises.harness.mutation import mutant

Withdrawing = Callable[..., list[str] | None]


@mutant("P67", enforcement="cluster.records.support:withdraw")
def support_only_says_so(_: Withdrawing) -> Withdrawing:
    return lambda *_: []


@mutant("P67", enforcement="cluster.records.support:withdraw")
def support_leaves_no_trace(_: Withdrawing) -> Withdrawing:
    def withdraw(connection: Connection, account_id: str, purpose: str, *_: Any) -> list[str] | None:
        version = consents.history(connection, account_id)[-1].notice_version
        return lifecycle.answer(connection, account_id, purpose=purpose, notice_version=version, granted=False)[1]

    return withdraw
