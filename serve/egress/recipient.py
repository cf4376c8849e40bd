"""What the way out knows of one recipient: its adapter, what it takes, and what becomes of what it was given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from cluster import clock
from cluster.privacy.obstacles import Obstacle
from cluster.records import submissions
from serve.egress.client import Client
from serve.egress.gate import Receiver
from serve.egress.parcels import Translate
from serve.media.outgoing import PictureBounds
from serve.recipients.adapter import Adapter

__all__ = ["Model", "Recipient"]


def _nothing(_: date) -> None:
    """Nothing is in the way."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a recipient: what pictures it takes, and how a job's parameters are said in its words.

    ``obstacle``: what keeps it from being used on a day, whatever anybody has agreed to. ``idempotent``: what is sent
    twice under one id becomes one task, so that it may be sent again where an answer was lost.
    """

    bounds: PictureBounds
    translate: Translate
    obstacle: Callable[[date], Obstacle | None] = _nothing
    idempotent: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """One third party. ``copy_days``: how long it keeps what it cannot delete."""

    receiver: Receiver
    adapter: Adapter
    client: Client
    models: dict[str, Model]
    can_delete: bool
    copy_days: float
    poll_seconds: float = 10.0

    @property
    def name(self) -> str:
        """Its id in the register."""
        return self.receiver.name

    @property
    def categories(self) -> Sequence[str]:
        """The categories of data that it receives."""
        return self.receiver.categories

    def after_the_end(self, task: str | None, *, lost: bool = False) -> tuple[datetime | None, dict[str, Any]]:
        """What is written of the recipient's copy once a submission has ended, and when it is to be deleted."""
        until = clock.now() + timedelta(days=self.copy_days)
        if task is None:
            return None, submissions.ending("unknown", until) if lost else submissions.ending(None, None)
        if self.can_delete:
            return clock.now(), submissions.ending("held", None)
        return None, submissions.ending("expires", until)
