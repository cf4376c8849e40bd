"""The command line as a whole."""

import sys

import typer
from typer.core import TyperGroup

from cluster.cli import accounts, data_map, demo, lifecycle, recipients, uses
from cluster.cli.console import EXIT_STATUSES, Exit, Problem, console

__all__ = ["main"]


class _InOrder(TyperGroup):
    """Lists commands in the order in which somebody meets them."""


app = typer.Typer(
    name="i2v",
    cls=_InOrder,
    help="ImageToVideos: turn photos into videos on your own machine.",
    epilog=EXIT_STATUSES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for function in (
    lifecycle.up,
    demo.demo,
    lifecycle.status,
    lifecycle.down,
    lifecycle.join,
    accounts.account,
    uses.models,
    recipients.recipients,
    data_map.data_map,
    uses.version,
):
    if isinstance(function, typer.Typer):
        app.add_typer(function)
    else:
        app.command(epilog=EXIT_STATUSES)(function)


def main() -> None:
    """Run one command."""
    try:
        app()
    except Problem as problem:
        console.print(f"[red]{problem}[/red]")
        sys.exit(problem.status)
    except KeyboardInterrupt:
        sys.exit(Exit.FAILED)
