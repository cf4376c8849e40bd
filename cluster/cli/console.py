"""What every command has in common: two ways to answer (for people, as JSON), and exit statuses that say why."""

import json
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from cluster.settings import Settings, SettingsError, load

__all__ = ["EXIT_STATUSES", "AsJson", "Exit", "Problem", "answer", "console", "settings_of_this_process"]


class Exit(IntEnum):
    """Exit statuses of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_RUNNING = 3


EXIT_STATUSES = "Exit status: 0 done · 1 failed · 2 wrong usage or settings · 3 the cluster does not run."

AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]

console = Console(stderr=True, highlight=False)
"""For progress and remarks; answers go to standard output."""


class Problem(Exception):
    """A foreseeable failure. The message is a whole sentence; no traceback is shown."""

    def __init__(self, message: str, status: Exit = Exit.FAILED) -> None:
        """``status`` becomes the exit status."""
        super().__init__(message)
        self.status = status


def answer(content: dict[str, Any], as_json: bool, show: Callable[[Console], None]) -> None:
    """Write the answer of a command to standard output: ``content`` as JSON, or what ``show`` prints for people."""
    if as_json:
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
    else:
        show(Console(highlight=False))


def settings_of_this_process() -> Settings:
    """The settings.

    Raises:
        Problem: they are not valid.
    """
    try:
        return load()
    except SettingsError as error:
        raise Problem(str(error), Exit.USAGE) from None
