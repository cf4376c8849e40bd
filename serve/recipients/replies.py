"""What every adapter does with answers: read them without trusting them, and tell refusals from what is open."""

import json
import re
from collections.abc import Mapping
from typing import Any

from serve.recipients.failures import ProviderFailed, ProviderFailure
from serve.recipients.wire import LostOnTheWay, Reply

__all__ = ["at", "dumped", "fetched", "json_of", "refuse", "retry_after", "task_id", "text_at"]

_TASK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@=+-]{0,511}")


def json_of(reply: Reply) -> Mapping[str, Any]:
    """The JSON object of an answer; empty if it is none."""
    content = reply.json()
    return content if isinstance(content, dict) else {}


def dumped(body: Mapping[str, Any]) -> bytes:
    """A body as JSON."""
    return json.dumps(body, separators=(",", ":")).encode()


def at(content: Any, *path: str | int) -> Any:
    """What lies at a path of keys and places; None where there is nothing."""
    for step in path:
        if isinstance(step, str) and isinstance(content, dict):
            content = content.get(step)
        elif isinstance(step, int) and isinstance(content, list) and -len(content) <= step < len(content):
            content = content[step]
        else:
            return None
    return content


def text_at(content: Any, *path: str | int) -> str:
    """The text at a path, or an empty one."""
    found = at(content, *path)
    return found if isinstance(found, str) else ""


def task_id(found: Any) -> str:
    """The provider's name of a task.

    Raises:
        LostOnTheWay: it is none; whether a task exists is open.
    """
    if isinstance(found, str) and _TASK.fullmatch(found):
        return found
    raise LostOnTheWay


def retry_after(reply: Reply) -> float | None:
    """Seconds that the provider asks to wait, an hour at most."""
    value = reply.headers.get("retry-after", "")
    return min(float(value), 3600.0) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", value) else None


def refuse(reply: Reply, code: ProviderFailure | None, *, sent: bool) -> ProviderFailed | LostOnTheWay:
    """What is raised for an answer that is no success. ``code`` is what the provider's own words mean, if anything.

    ``sent``: content was sent. What has no known meaning may then have been accepted, and is looked for.
    """
    if code is not None:
        return ProviderFailed(code, retry_after(reply))
    return LostOnTheWay() if sent else ProviderFailed(ProviderFailure.CAPACITY, retry_after(reply))


def fetched(reply: Reply) -> bytes:
    """The bytes of a result.

    Raises:
        ProviderFailed: it is not there any more, or cannot be had at present.
    """
    if reply.status == 200:
        return reply.body
    gone = reply.status in (403, 404, 410)
    raise ProviderFailed(ProviderFailure.EXPIRED if gone else ProviderFailure.CAPACITY)
