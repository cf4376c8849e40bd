"""Which emulators there are: module ``x`` of this package holds the class whose `name` is ``x``."""

from importlib import import_module

from tests.emulators.emulator import Emulator

__all__ = ["find"]


def find(name: str) -> type[Emulator]:
    """The emulator of that name.

    Raises:
        LookupError: there is none.
    """
    try:
        module = import_module(f"tests.emulators.{name}")
    except ModuleNotFoundError as error:
        raise LookupError(f"no emulator is called {name}") from error
    for found in vars(module).values():
        if isinstance(found, type) and issubclass(found, Emulator) and getattr(found, "name", None) == name:
            return found
    raise LookupError(f"no emulator is called {name}")
