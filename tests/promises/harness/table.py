"""The verdicts as a table in the terminal."""

from collections.abc import Sequence
from typing import Protocol

from rich.console import Console
from rich.table import Table

from tests.promises.harness.verdicts import Verdict

__all__ = ["print_table"]

_NARROWEST = 140


class Output(Protocol):
    """Where lines go."""

    def write_line(self, line: str) -> None:
        """Write one."""


def print_table(output: Output, judged: Sequence[Verdict], others: Sequence[str]) -> None:
    """One row for each claim, and below it everything that is wrong."""
    console = Console(width=max(_NARROWEST, Console().width), color_system=None)
    with console.capture() as captured:
        console.print(_table(judged))
    output.write_line(captured.get())
    problems = [f"{verdict.promise}: {problem}" for verdict in judged for problem in verdict.problems]
    for line in [*problems, *others]:
        output.write_line(f"NOT KEPT  {line}")
    kept = sum(not verdict.problems for verdict in judged)
    output.write_line(
        f"{kept} of {len(judged)} claimed promises are kept: each test fails where its enforcement is gone."
    )


def _table(judged: Sequence[Verdict]) -> Table:
    table = Table(title="Promises", show_lines=True)
    for heading in ("promise", "enforcement", "test", "mutant", "kept"):
        table.add_column(heading, overflow="fold")
    for verdict in judged:
        tests = [test.rpartition("::")[2] for test in verdict.tests]
        columns = (verdict.enforcement, tests, verdict.mutants)
        table.add_row(verdict.promise, *map("\n".join, columns), "no" if verdict.problems else "yes")
    return table
