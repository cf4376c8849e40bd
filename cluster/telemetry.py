"""Logs that can hold nothing personal: an event name and allow-listed fields, one JSON object a line.

There is no free text. A field that is not on the list is refused when the line is written, so that a mistake
fails in a test and not in a log file. Exceptions are logged by type and place, never by message.
"""

import json
import logging
import sys
import traceback
from typing import Final

from cluster import clock

__all__ = ["ALLOWED_FIELDS", "FieldNotAllowed", "log", "log_failure", "silence_libraries"]

ALLOWED_FIELDS: Final = frozenset({
    "attempt", "bytes", "code", "count", "deployment", "error", "fence", "fps", "frames", "height", "job_id",
    "kind", "media_id", "model", "outcome", "pid", "place", "port", "recipient", "replica", "seconds", "service",
    "stage", "state", "status", "width",
})  # fmt: skip

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:#/-")
_LONGEST = 160


class FieldNotAllowed(ValueError):
    """A log line was given a field that is not on the list, or a value that could hold free text."""


def log(event: str, **fields: str | int | float | None) -> None:
    """Write one line to standard error.

    Raises:
        FieldNotAllowed: a field's name is not allowed, or its text is more than a plain identifier.
    """
    for name, value in fields.items():
        if name not in ALLOWED_FIELDS:
            raise FieldNotAllowed(f"the field {name!r} is not allowed in a log")
        if isinstance(value, str) and not (len(value) <= _LONGEST and _SAFE.issuperset(value)):
            raise FieldNotAllowed(f"the value of {name!r} is no plain identifier")
    line = {"at": clock.now().isoformat(timespec="milliseconds"), "event": event} | fields
    sys.stderr.write(json.dumps(line) + "\n")


def log_failure(event: str, error: BaseException, **fields: str | int | float | None) -> None:
    """Log an exception by its type and the innermost place in the code, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "unknown"
    log(event, error=_plain(type(error).__name__), place=_plain(place), **fields)


def _plain(text: str) -> str:
    return "".join(character if character in _SAFE else "_" for character in text[-_LONGEST:])


def silence_libraries() -> None:
    """Keep libraries that log requests, statements or file names from doing so."""
    for name in ("uvicorn.access", "sqlalchemy.engine", "httpx", "httpcore", "PIL", "s3fs", "botocore", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
