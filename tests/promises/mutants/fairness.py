"""Consents and details buy something; rights need somebody's help."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, update

from cluster.records import consents, jobs
from cluster.records.accounts import Account, Details, accounts
from cluster.records.jobs import NewJob
from cluster.records.principals import Scope
from cluster.storage.keys import KeyStore
from serve.ingress.accounts import NewAccount
from tests.promises.harness.mutation import mutant


@mutant("P98", enforcement="serve.ingress.accept:_new_job")
def a_grant_lowers_the_price(original: Callable[..., NewJob]) -> Callable[..., NewJob]:
    def new_job(keys: KeyStore, account: Account, caller: Any, order: Any, snapshot: Any) -> NewJob:
        job = original(keys, account, caller, order, snapshot)
        granted = any(purpose["state"] == "granted" for purpose in snapshot.values())
        return replace(job, price=job.price - 1) if granted else job

    return new_job


@mutant("P98", enforcement="cluster.records.jobs:active_count")
def a_withdrawal_lowers_the_limit(original: Callable[..., int]) -> Callable[..., int]:
    def active_count(connection: Connection, account_id: str) -> int:
        withdrawn = any(not line.granted for line in consents.history(connection, account_id))
        return original(connection, account_id) + (10**6 if withdrawn else 0)

    return active_count


@mutant("P98", enforcement="cluster.records.jobs:create")
def a_grant_jumps_the_queue(original: Callable[..., None]) -> Callable[..., None]:
    def create(connection: Connection, keys: KeyStore, new: NewJob) -> None:
        original(connection, keys, new)
        grants = sum(line.granted for line in consents.history(connection, new.account_id))
        connection.execute(update(jobs.jobs).where(jobs.jobs.c.id == new.id).values(priority=grants))

    return create


@mutant("P99", enforcement="cluster.records.principals:permits")
def rights_need_an_operator(original: Callable[..., bool]) -> Callable[..., bool]:
    return lambda scopes, needed: needed is not Scope.PRIVACY and original(scopes, needed)


@mutant("P117", enforcement="serve.ingress.accounts:NewAccount")
def an_email_is_demanded(original: type[NewAccount]) -> type[NewAccount]:
    class Demanding(original):  # type: ignore[misc,valid-type]  # the original is known at run time only
        email: str = Field(min_length=3)

    return Demanding


@mutant("P118", enforcement="cluster.records.accounts:create")
def whoever_gives_less_gets_less(original: Callable[..., Account]) -> Callable[..., Account]:
    def create(connection: Connection, keys: KeyStore, given: Details | None = None, **named: Any) -> Account:
        account = original(connection, keys, given, **named)
        if given is None or not all((given.name, given.email, given.company)):
            connection.execute(update(accounts).where(accounts.c.id == account.id).values(kind="guest"))
        return account

    return create
