"""What adapters read out of answers, none of which is trusted."""

import re
from collections.abc import Mapping
from typing import Any, Final

from serve.recipients.wire import LostOnTheWay, Reply

__all__ = ["json_of", "retry_after", "task_id"]

_TASK: Final = re.compile(r"[\w.:/-]{1,512}", re.ASCII)
_LONGEST_PAUSE: Final = 3600


def json_of(reply: Reply) -> Mapping[str, Any]:
    """The object in the body; empty if it is none."""
    body = reply.json()
    return body if isinstance(body, dict) else {}


def task_id(value: object) -> str:
    """A provider's name of a task.

    Raises:
        LostOnTheWay: it is none; there may be a task all the same.
    """
    if not isinstance(value, str) or not _TASK.fullmatch(value):
        raise LostOnTheWay
    return value


def retry_after(reply: Reply) -> float | None:
    """After how many seconds it may be tried again, at most an hour; None if it is not said in seconds."""
    text = reply.headers.get("retry-after", "")
    return float(min(int(text), _LONGEST_PAUSE)) if re.fullmatch(r"[0-9]{1,9}", text) else None
