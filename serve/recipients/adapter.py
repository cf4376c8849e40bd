"""What every adapter does: turn a payload into one paid task, and follow that task to its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from serve.recipients.payload import Payload
from serve.recipients.wire import Line, Wire

__all__ = ["Access", "Adapter", "Deletion", "Finding", "Pending", "Ready", "Search"]


@dataclass(frozen=True, slots=True)
class Access:
    """How this installation reaches a recipient. ``options`` are not secret: a region, a project, a bucket."""

    base_url: str
    secrets: Mapping[str, str] = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pending:
    """The task is waiting or running; ``percent`` where the provider says how far it is."""

    running: bool
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The task has a result: a URL, or whatever else its adapter needs to fetch it. ``inline``: the video itself."""

    reference: Mapping[str, Any] = field(default_factory=dict)
    inline: bytes | None = field(default=None, repr=False)


class Deletion(StrEnum):
    """What became of the provider's copy."""

    DELETED = "deleted"
    ABSENT = "absent"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Search:
    """A submission whose answer was lost: its payload's id, and between which instants it was sent."""

    submission_id: str
    model: str
    since: datetime
    until: datetime
    known: frozenset[str] = frozenset()
    """Tasks in that time that are other submissions' for certain."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a provider knows of such a submission. Not ``certain``: it cannot be said, and is not sent again."""

    task: str | None
    certain: bool


class Adapter(Protocol):
    """One third party. Every method raises `ProviderFailed` for what the provider says, and lets what the wire raises
    pass."""

    def __init__(self, access: Access) -> None:
        """Know the address and the credentials; connect to nothing."""

    async def submit(self, wire: Wire, payload: Payload) -> str:
        """Send the payload by exactly one `Wire.send`; the provider's name of the task."""

    async def poll(self, line: Line, task: str) -> Pending | Ready:
        """Where the task stands."""

    async def result(self, line: Line, task: str, ready: Ready) -> bytes:
        """The video's bytes, not yet looked at."""

    async def find(self, line: Line, search: Search) -> Finding:
        """Whether a submission whose answer was lost exists there."""

    async def cancel(self, line: Line, task: str) -> bool:
        """Stop the task; False if that cannot be done (any more)."""

    async def delete(self, line: Line, task: str) -> Deletion:
        """Delete all that the provider holds of the task."""

    async def check(self, line: Line) -> None:
        """Ask something that needs the key and carries no content."""
