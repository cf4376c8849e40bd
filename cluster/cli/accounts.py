"""`i2v account`: making accounts, and saying what they are to this installation.

Roles are given here alone, by whoever may read the data folder: no route gives one.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy import Connection

from cluster import runtime
from cluster.cli.client import ApiClient
from cluster.cli.console import EXIT_STATUSES, AsJson, Exit, Problem, answer, settings_of_this_process
from cluster.errors import ServiceError
from cluster.ids import is_id
from cluster.records import accounts, lifecycle, support
from cluster.records.principals import Role
from cluster.records.support import Asked
from cluster.storage.database import Database
from cluster.storage.privileges import DatabaseRole

__all__ = ["account"]

T = TypeVar("T")

account = typer.Typer(name="account", help="Accounts of this installation.", no_args_is_help=True, epilog=EXIT_STATUSES)


@account.command(epilog=EXIT_STATUSES)
def create(as_json: AsJson = False) -> None:
    """Make an account and its first API key, which is shown this once."""
    made = ApiClient(settings_of_this_process()).json("POST", "/v1/accounts", json={})
    shown = {"account_id": made["account_id"], "api_key": made["api_key"]}
    answer(shown, as_json, lambda out: out.print("\n".join(f"{name}: {value}" for name, value in shown.items())))


@account.command(epilog=EXIT_STATUSES)
def role(
    account_id: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, `acct_…`.")],
    role: Annotated[Role, typer.Argument(help="What it shall be.")],
    as_json: AsJson = False,
) -> None:
    """Say what an account is to this installation; its next request is answered accordingly."""
    known = _changed(account_id, accounts.set_role, role)
    answer(known | {"role": role.value}, as_json, lambda out: out.print(f"{account_id}: {role}"))


@account.command(epilog=EXIT_STATUSES)
def minor(
    account_id: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, `acct_…`.")],
    known: Annotated[bool, typer.Option("--known/--not-known", help="Whether staff know that it is a minor's.")] = True,
    as_json: AsJson = False,
) -> None:
    """Say on actual knowledge that an account is a minor's: nothing of it goes to a third party from then on."""
    shown = _changed(account_id, lifecycle.set_known_minor, known) | {"known_minor": known}
    answer(shown, as_json, lambda out: out.print(f"{account_id}: {'known' if known else 'not known'} to be a minor's"))


@account.command(epilog=EXIT_STATUSES)
def withdraw(
    account_id: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, `acct_…`.")],
    purpose: Annotated[str, typer.Argument(metavar="PURPOSE", help="What was agreed to, such as `share:kling`.")],
    asked: Annotated[Asked, typer.Option(help="How its owner has asked for it; this is put on record.")],
    as_json: AsJson = False,
) -> None:
    """Withdraw a consent on its owner's word, as its owner could: work that rests on it stops within two seconds."""
    stopped = _in_database(account_id, lambda connection: support.withdraw(connection, account_id, purpose, asked))
    if stopped is None:
        raise Problem("There is no such account, or it has not agreed to that.")
    shown = {"account_id": account_id, "purpose": purpose, "stopped_jobs": stopped}
    answer(shown, as_json, lambda out: out.print(f"{account_id}: {purpose} withdrawn, {len(stopped)} jobs stopped"))


def _changed(account_id: str, change: Callable[[Connection, str, T], bool], value: T) -> dict[str, Any]:
    if not _in_database(account_id, lambda connection: change(connection, account_id, value)):
        raise Problem("There is no such account, or it is closed.")
    return {"account_id": account_id}


def _in_database(account_id: str, use: Callable[[Connection], T]) -> T:
    if not is_id("acct", account_id):
        raise Problem("This is not the id of an account: it begins with acct_.", Exit.USAGE)
    try:
        database = Database(runtime.database_url(settings_of_this_process(), DatabaseRole.APP), 1, "i2v-account")
        try:
            return database.run(use)
        finally:
            database.close()
    except ServiceError as error:
        raise Problem(error.message, Exit.NOT_RUNNING) from None
