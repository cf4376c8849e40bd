"""`i2v recipients`: credentials for third parties, a check of them without any content, and parting from one."""

import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from cluster import clock, runtime
from cluster.cli.console import EXIT_STATUSES, AsJson, Exit, Problem, answer, settings_of_this_process
from cluster.errors import ServiceError
from cluster.privacy import recipients as register
from cluster.privacy.recipients import Recipient
from cluster.records import offboarding, suspensions
from cluster.records.offboarding import Held
from cluster.settings import Settings
from cluster.storage import recipient_secrets
from cluster.storage.database import Database
from cluster.storage.privileges import DatabaseRole

__all__ = ["recipients"]

T = TypeVar("T")

recipients = typer.Typer(
    name="recipients", help="Third parties that make videos.", no_args_is_help=True, epilog=EXIT_STATUSES
)
Named = Annotated[str, typer.Argument(metavar="RECIPIENT", help="Its id in configs/recipients.yaml.")]


@recipients.command(name="set-credential", epilog=EXIT_STATUSES)
def set_credential(
    recipient: Named,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which of its credentials; it is read from the input.")],
    as_json: AsJson = False,
) -> None:
    """Store a credential, read from standard input: on no command line, in no environment and in no setting."""
    settings = settings_of_this_process()
    entry = _entry(settings, recipient)
    if name not in entry.credentials:
        raise Problem(f"{recipient} has these credentials: {', '.join(entry.credentials)}.", Exit.USAGE)
    secret = sys.stdin.read().strip()
    if not secret:
        raise Problem("Nothing came on standard input.", Exit.USAGE)
    recipient_secrets.write(runtime.paths(settings).credentials, recipient, {name: secret})
    shown = {"recipient": recipient, "stored": name}
    answer(shown, as_json, lambda out: out.print(f"{recipient}: {name} is stored. Start the cluster again to use it."))


@recipients.command(epilog=EXIT_STATUSES)
def check(as_json: AsJson = False) -> None:
    """Ask every recipient in use whether it takes our key, over TLS, and whether its papers hold. Sends no content."""
    from serve.outbound import check_recipients

    rows = check_recipients(settings_of_this_process())

    def show(out: Console) -> None:
        table = Table("recipient", "model", "state")
        for row in rows:
            table.add_row(row["recipient"], row["model"], row["state"])
        out.print(table if rows else "No recipient is in use: recipients.in_use is empty.")

    answer({"recipients": rows}, as_json, show)
    if any(row["state"] != "ready" for row in rows):
        raise typer.Exit(Exit.FAILED)


@recipients.command(epilog=EXIT_STATUSES)
def offboard(
    recipient: Named,
    wait: Annotated[float, typer.Option(help="Seconds to wait until all that can be deleted is.")] = 300.0,
    as_json: AsJson = False,
) -> None:
    """Part from a recipient: nothing goes there any more, what it holds is deleted or named. Ends with a report."""
    settings = settings_of_this_process()
    _entry(settings, recipient)

    def part(database: Database) -> tuple[int, Held]:
        return database.run(offboarding.begin, recipient), _settled(database, recipient, wait)

    stopped, held = _in_database(settings, part)
    report = _report(recipient, stopped, held)
    if not held.unfinished:
        report["credentials_removed"] = recipient_secrets.forget(runtime.paths(settings).credentials, recipient)
    answer(report, as_json, lambda out: out.print("\n".join(f"{name}: {value}" for name, value in report.items())))
    if held.unfinished:
        raise typer.Exit(Exit.FAILED)


@recipients.command(epilog=EXIT_STATUSES)
def resume(recipient: Named, as_json: AsJson = False) -> None:
    """Use a recipient again after `offboard`; its credentials must be stored anew."""
    settings = settings_of_this_process()
    _entry(settings, recipient)
    was = _in_database(settings, lambda database: database.run(suspensions.lift, recipient))
    answer({"recipient": recipient, "was_suspended": was}, as_json, lambda out: out.print(f"{recipient}: resumed"))


def _entry(settings: Settings, recipient: str) -> Recipient:
    known = {one.id: one for one in register.load(settings).providers()}
    if recipient not in known:
        raise Problem(f"There is no such recipient. There are {', '.join(sorted(known))}.", Exit.USAGE)
    return known[recipient]


def _in_database(settings: Settings, use: Callable[[Database], T]) -> T:
    try:
        with closing(Database(runtime.database_url(settings, DatabaseRole.APP), 1, "i2v-recipients")) as database:
            return use(database)
    except ServiceError as error:
        raise Problem(error.message, Exit.NOT_RUNNING) from None


def _settled(database: Database, recipient: str, seconds: float) -> Held:
    """What is held once nothing is unfinished, or after so long."""
    give_up = clock.monotonic() + seconds
    while (held := database.run(offboarding.held, recipient)).unfinished and clock.monotonic() < give_up:
        time.sleep(1)
    return held


def _report(recipient: str, stopped: int, held: Held) -> dict[str, Any]:
    return {
        "recipient": recipient,
        "jobs_stopped": stopped,
        "tasks_unfinished": held.open,
        "copies_still_to_delete": held.copies.get("held", 0),
        "copies_deleted": held.copies.get("deleted", 0),
        "copies_that_expire": held.copies.get("expires", 0),
        "copies_perhaps_there": held.copies.get("unknown", 0),
        "last_copy_gone": held.until.isoformat() if held.until else None,
    }
