"""`i2v up`, `i2v status`, `i2v down`, `i2v join`."""

import os
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from cluster import clock
from cluster.cli.console import AsJson, Exit, Problem, answer, console, settings_of_this_process
from cluster.runtime import control, layout, ray_head, ray_node, submission
from cluster.runtime.application import api_url, tls_url
from cluster.runtime.edge import certificate
from cluster.runtime.environment import whole_environment
from cluster.runtime.operators_port import metrics_url
from cluster.settings import Settings, SettingsError

__all__ = ["bring_up", "down", "join", "status", "up"]

_POLL_SECONDS: Final = 0.1
_TOO_MANY_FAILURES: Final = 3
_COLOURS: Final = {"ready": "green", "failed": "red", "unsteady": "yellow"}


def up(
    as_json: AsJson = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait until everything is ready.")] = 900,
) -> None:
    """Start everything and wait until it is ready. Harmless when it runs already."""
    settings = settings_of_this_process()
    bring_up(settings, timeout)
    facts = _facts(settings)

    def show(out: Console) -> None:
        out.print(f"[green]Ready.[/green] Data: {facts['data']}\n", soft_wrap=True)
        labels = {"api": "API", "tls": "API over TLS", "docs": "API documentation", "dashboard": "Ray dashboard"}
        for key, label in labels.items():
            out.print(f"{label:>18}  {facts['urls'][key] or 'off'}", soft_wrap=True)
        out.print(f"{'its token is in':>18}  {facts['ray_token_file']}", soft_wrap=True)
        out.print("\nSubmit a job to Ray:", style="dim")
        out.print(facts["job_submit"], soft_wrap=True, markup=False)
        out.print("\nErase what has outlived its retention rule (--dry-run only says what that is):", style="dim")
        out.print(facts["sweep"], soft_wrap=True, markup=False)

    answer(facts, as_json, show)


def down(as_json: AsJson = False) -> None:
    """End every process of the cluster. Data stay."""
    ended = control.shut_down(settings_of_this_process())
    answer({"ended": ended}, as_json, lambda out: out.print(f"{ended} processes ended." if ended else "Nothing ran."))


def join(
    head: Annotated[str, typer.Argument(metavar="HOST:PORT", help="Where the head's control store is.")],
    outbound: Annotated[bool, typer.Option("--outbound", help="This host may reach the outside.")] = False,
) -> None:
    """Make this host a node of a cluster whose head runs elsewhere, until it is ended. 'i2v up' is for the head."""
    settings = settings_of_this_process()
    where = layout.paths(settings)
    if not where.ray_token.exists():
        raise Problem(f"Copy the head's credential to {where.ray_token} first; 'i2v up' names it there.")
    try:
        layout.make(where)
    except layout.FolderNotPrivate as error:
        raise Problem(str(error)) from None
    command = ray_node.join_command(settings, head, outbound)
    os.execve(command[0], command, whole_environment(settings))  # noqa: S606 - our own words


def status(as_json: AsJson = False) -> None:
    """Show how each part is. Exit status 0 only when everything is ready, 3 when nothing runs."""
    settings = settings_of_this_process()
    state = control.state(layout.paths(settings))
    answer(state, as_json, lambda out: out.print(_table(state)))
    if state["supervisor"] is None:
        raise typer.Exit(Exit.NOT_RUNNING)
    if not state["ready"]:
        raise typer.Exit(Exit.FAILED)


def bring_up(settings: Settings, timeout: float = 900) -> bool:
    """Start the cluster unless it runs, and wait until it is ready; whether it was started.

    Raises:
        Problem: it cannot be started; what was started is ended again.
    """
    try:
        launched = control.launch(settings)
    except (control.PortTaken, control.OtherSettings, layout.FolderNotPrivate) as error:
        raise Problem(str(error)) from None
    try:
        _check_deployments(settings)
        _wait(layout.paths(settings), timeout)
    except Problem:
        if launched:
            control.shut_down(settings)
        raise
    return launched


def _check_deployments(settings: Settings) -> None:
    """Ray's schema takes a second to import, while the cluster starts already."""
    from cluster.privacy import infrastructure
    from serve import deployments

    try:
        deployments.check(settings)
        infrastructure.check(settings)
    except SettingsError as error:
        raise Problem(str(error), Exit.USAGE) from None


def _wait(where: layout.Paths, timeout: float) -> None:
    deadline = clock.monotonic() + timeout
    columns = (SpinnerColumn(finished_text=" "), TextColumn("{task.description:<9}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks: dict[str, TaskID] = {}
        while not (state := control.state(where))["ready"]:
            _draw(progress, tasks, state["services"])
            _check(state, where.logs / "supervisor.log")
            if clock.monotonic() > deadline:
                late = ", ".join(name for name, each in state["services"].items() if each["state"] != "ready")
                raise Problem(f"Not ready after {timeout:g} s: {late or 'all'}. {where.logs} may say why.")
            time.sleep(_POLL_SECONDS)


def _draw(progress: Progress, tasks: dict[str, TaskID], services: dict[str, Any]) -> None:
    for name, standing in services.items():
        if name not in tasks:
            tasks[name] = progress.add_task(name, total=None)
        ready = standing["state"] == "ready"
        progress.update(
            tasks[name],
            total=1 if ready else standing["total"] or None,
            completed=1 if ready else standing["done"],
        )


def _check(state: dict[str, Any], log: Path) -> None:
    if state["supervisor"] is None:
        raise Problem(f"The supervisor has ended; {log} says why.")
    for name, standing in state["services"].items():
        if standing["failures"] >= _TOO_MANY_FAILURES:
            raise Problem(f"{name}: {standing['problem']}")


def _facts(settings: Settings) -> dict[str, Any]:
    where, api = layout.paths(settings), api_url(settings)
    return {
        "data": str(where.data),
        "urls": {
            "api": api,
            "tls": tls_url(settings),
            "docs": f"{api}/docs",
            "dashboard": submission.dashboard_url(settings),
            "metrics": metrics_url(settings),
        },
        "certificate": str(certificate(settings)),
        "ray_token_file": str(where.ray_token),
        "join": f"i2v join {ray_head.address(settings)}",
        "job_submit": submission.line(settings, "-c", "import ray; ray.init()"),
        "sweep": submission.line(settings, *submission.SWEEP),
    }


def _table(state: dict[str, Any]) -> Table:
    supervisor = state["supervisor"]
    title = f"supervisor: process {supervisor}" if supervisor else "no supervisor: 'i2v up' starts one"
    table = Table("part", "state", "process", "for", "restarts", "problem", title=title, title_justify="left")
    for name, standing in state["services"].items():
        colour = _COLOURS.get(standing["state"], "default")
        seconds = clock.unix(clock.now()) - standing["since"]
        table.add_row(
            name,
            f"[{colour}]{standing['state']}[/]",
            str(standing["pid"] or ""),
            f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}",
            str(standing["restarts"]),
            standing["problem"] or "",
        )
    return table
