"""Put another object in the place of a named one, wherever the running program holds it, and back again.

A module that did `from x import f` holds `f` by its own name, and a route holds the classes of its bodies in the
annotations of its function: both are found. What is held elsewhere (in a list, a default, a closure) is not.
"""

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import or_
from types import FunctionType, ModuleType
from typing import Any, get_args

__all__ = ["Target", "Unresolvable", "resolve", "substituted"]

_DESCRIPTORS: dict[type, Callable[[Any], Any]] = {
    staticmethod: lambda held: held.__func__,
    classmethod: lambda held: held.__func__,
    property: lambda held: held.fget,
}


class Unresolvable(LookupError):
    """A name leads to nothing that could be replaced."""


@dataclass(frozen=True, slots=True)
class Target:
    """A function, method, property or class, and what holds it by name."""

    owner: ModuleType | type
    name: str
    held: Any

    @property
    def original(self) -> Any:
        """The function behind a property or static method; anything else as it is."""
        return _DESCRIPTORS.get(type(self.held), lambda held: held)(self.held)


def resolve(dotted: str) -> Target:
    """What ``package.module:object`` or ``package.module:Class.method`` names.

    Raises:
        Unresolvable: there is no such module or object, or it is neither function nor class.
    """
    module, _, path = dotted.partition(":")
    *owners, name = path.split(".")
    try:
        owner: Any = reduce(getattr, owners, importlib.import_module(module))
        target = Target(owner, name, vars(owner)[name])
    except (ImportError, AttributeError, KeyError, TypeError, ValueError):
        raise Unresolvable(f"{dotted} names nothing") from None
    if not callable(target.original):
        raise Unresolvable(f"{dotted} is neither a function nor a class")
    return target


@contextmanager
def substituted(target: Target, replacement: Any) -> Iterator[None]:
    """Use ``replacement`` in the place of the target's original for the length of the block."""
    if isinstance(target.owner, type):
        wrap = type(target.held) if type(target.held) in _DESCRIPTORS else lambda function: function
        setattr(target.owner, target.name, wrap(replacement))
        try:
            yield
        finally:
            setattr(target.owner, target.name, target.held)
        return
    _replace(target.held, replacement)
    try:
        yield
    finally:
        _replace(replacement, target.held)


def _replace(old: Any, new: Any) -> None:
    for module in list(sys.modules.values()):
        for name, value in list(vars(module).items()):
            if value is old:
                setattr(module, name, new)
            elif isinstance(old, type) and issubclass(type(value), FunctionType):
                _reannotate(value, old, new)


def _reannotate(function: FunctionType, old: type, new: type) -> None:
    for name, annotation in function.__annotations__.items():
        if annotation is old:
            function.__annotations__[name] = new
        elif isinstance(annotation, types.UnionType) and old in get_args(annotation):
            function.__annotations__[name] = reduce(
                or_, (new if part is old else part for part in get_args(annotation))
            )
