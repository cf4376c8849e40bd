"""What an adapter may do to the outside: send content once, make calls without content, fetch a result.

The adapter says what goes where; whether it may, and the record of it, are the wire's. A request that carries content
is another type than one that does not, and only the first passes the gate, so no adapter can send content unseen.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

__all__ = ["ContentRequest", "ControlRequest", "Line", "LostOnTheWay", "NotSent", "Reply", "TooLarge", "Wire"]


@dataclass(frozen=True, slots=True)
class ContentRequest:
    """A request whose body holds the picture and the prompt. Its URL and its headers hold neither."""

    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    method: Literal["POST"] = "POST"


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """A request of ids alone: poll, list, cancel, delete, log in. It needs no grant, for it carries no content.

    ``body`` is JSON as a mapping, or a form, already encoded; ``most`` bounds the reply in bytes.
    """

    method: Literal["GET", "POST", "DELETE"]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    most: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class NotSent(Exception):
    """Nothing has left: no connection stood. It may be tried again."""


class LostOnTheWay(Exception):
    """Something may have arrived, and no answer came back. Whoever sends again may pay twice."""


class TooLarge(LostOnTheWay):
    """The answer is larger than may be taken, and would be so again."""


class Line(Protocol):
    """The way to one recipient, for whatever carries no content."""

    async def call(self, request: ControlRequest) -> Reply:
        """Make a call without content.

        Raises:
            NotSent: no connection stood.
            LostOnTheWay: there was no answer; `TooLarge`: it is larger than ``request.most``.
        """

    async def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Read a result, from whichever public host it lies on; redirects are followed and checked, and never carry
        ``headers`` to another host.

        Raises:
            NotSent: no connection stood, or the URL is not allowed.
            LostOnTheWay: it broke off; `TooLarge`: it is larger than a result may be.
        """


class Wire(Line, Protocol):
    """The same for one submission, whose content it lets out once."""

    async def send(self, request: ContentRequest) -> Reply:
        """Pass the gate, write the record, send.

        Raises:
            NotSent: no connection stood.
            LostOnTheWay: the request was sent, at least in part, and not answered.
        """
