"""Mutants: each is a way to break one enforcement, and nothing else, in the running program."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tests.promises.harness.substitution import resolve, substituted

__all__ = ["PACKAGE", "Mutant", "load", "mutant", "named"]

PACKAGE = "tests.promises.mutants"

Breaking = Callable[[Any], Any]
"""From what the enforcement names to what does not enforce it any more, with the same signature."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken enforcement, and the promises that it breaks."""

    name: str
    promises: tuple[str, ...]
    enforcement: str
    breaking: Breaking

    def applied(self) -> AbstractContextManager[None]:
        """The program with this enforcement broken, for the length of a block.

        Exactly the object that ``enforcement`` names is replaced: a mutant has no way to touch another.
        """
        target = resolve(self.enforcement)
        return substituted(target, self.breaking(target.original))


def mutant(*promises: str, enforcement: str) -> Callable[[Breaking], Mutant]:
    """Make a mutant of a function that takes the original object and returns its replacement."""

    def make(breaking: Breaking) -> Mutant:
        return Mutant(breaking.__name__, promises, enforcement, breaking)

    return make


def load(package: str = PACKAGE) -> list[Mutant]:
    """Every mutant of the modules of ``package``.

    Raises:
        ValueError: two have the same name.
    """
    found: dict[str, Mutant] = {}
    for module in _modules(package):
        for value in vars(module).values():
            if isinstance(value, Mutant) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"Two mutants are called {value.name}.")
    return list(found.values())


def named(name: str) -> Mutant:
    """The mutant of that name; a `LookupError` if there is none."""
    return {mutant.name: mutant for mutant in load()}[name]


def _modules(package: str) -> Iterator[ModuleType]:
    parent = importlib.import_module(package)
    for info in pkgutil.iter_modules(parent.__path__, f"{package}."):
        yield importlib.import_module(info.name)
