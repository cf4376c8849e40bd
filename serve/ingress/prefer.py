"""`Prefer: wait=N`, as RFC 7240 has it: what is not understood is ignored, and of several the first one counts."""

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["MAX_WAIT_SECONDS", "wait_seconds"]

MAX_WAIT_SECONDS: Final = 60
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SECONDS: Final = re.compile(r"[0-9]{1,9}")


def wait_seconds(headers: Sequence[str]) -> int:
    """How long the caller likes to wait for the end, within our bound; 0 if nothing sensible is said of it."""
    for preference in ",".join(_QUOTED.sub(_unquoted, header) for header in headers).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            return min(int(value), MAX_WAIT_SECONDS) if _SECONDS.fullmatch(value := value.strip()) else 0
    return 0


def _unquoted(match: re.Match[str]) -> str:
    """A quoted number is that number; any other quoted text could look like a preference, and is dropped."""
    return match[1] if _SECONDS.fullmatch(match[1]) else ""
