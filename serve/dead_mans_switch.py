"""The end of a process in which no Python runs any more: a call into C has kept the interpreter's lock.

Then no thread of Python can notice anything. `faulthandler` has a watchdog in C that needs no lock.
"""

import faulthandler
from typing import Final

__all__ = ["hold", "let_go"]

_STANDARD_ERROR: Final = 2


def hold(seconds: float) -> None:
    """End this process at once in so many seconds, unless `hold` or `let_go` is called before.

    The functions that were being called, by name and line and without any value, are then written to standard error.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=_STANDARD_ERROR)


def let_go() -> None:
    """Let the process live on."""
    faulthandler.cancel_dump_traceback_later()
