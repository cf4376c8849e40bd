"""The rate-limit headers, in the spelling and the format of the OpenAI API."""

import math
from typing import Any, Final

from cluster.records.allowances import Allowance

__all__ = ["describe", "headers"]

_LIMIT: Final = "x-ratelimit-limit-requests"
_REMAINING: Final = "x-ratelimit-remaining-requests"
_RESET: Final = "x-ratelimit-reset-requests"
_MEANINGS: Final = {
    _LIMIT: "Requests of this kind (with a body, long answers, others) that the account may make in a minute.",
    _REMAINING: "How many of them are left now.",
    _RESET: "When all of them will be back, such as `120ms`, `1s` or `6m0s`.",
}


def headers(allowance: Allowance) -> dict[str, str]:
    """What is said of an allowance."""
    return {
        _LIMIT: str(allowance.limit),
        _REMAINING: str(allowance.remaining),
        _RESET: _duration(allowance.reset),
    }


def describe(schema: dict[str, Any]) -> None:
    """Write the headers into the documentation of every operation that asks who is calling."""
    described = {name: {"description": text, "schema": {"type": "string"}} for name, text in _MEANINGS.items()}
    for methods in schema["paths"].values():
        for operation in methods.values():
            if "security" in operation:
                for answer in operation["responses"].values():
                    answer.setdefault("headers", {}).update(described)


def _duration(seconds: float) -> str:
    """As Go writes it, rounded up: milliseconds below a second, whole seconds above."""
    if seconds <= 0:
        return "0s"
    if seconds < 1:
        return f"{math.ceil(1000 * seconds)}ms"
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
