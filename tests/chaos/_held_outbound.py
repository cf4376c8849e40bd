"""The way out, held at named points of a submission. The whole replica works on meanwhile, its watchers too.

submission.waiting      about to look at the grant, and nothing is written
submission.written      the record is committed, and no byte has left
submission.answered     the third party has accepted and been paid, and nobody here knows
submission.submitted    its task is done, and the result was not asked for
submission.received     the result is here, and nothing of it is sealed
submission.kept         it is sealed and written down
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster import settings
from serve.egress import following
from serve.egress.gate import Gate
from serve.outbound import Outbound
from serve.recipients.kling import Kling
from tests.chaos._holding import FOLDER, halt

__all__ = ["POINTS", "HeldOutbound"]

POINTS = ("waiting", "written", "answered", "submitted", "received", "kept")


class HeldOutbound(Outbound):
    """`Outbound` with points."""

    async def __init__(self) -> None:  # type: ignore[misc]  # Serve awaits it
        """Put the points in, then begin."""
        _hold(settings.load().data.folder / FOLDER)
        await super().__init__()


def _hold(folder: Path) -> None:
    async def at(point: str) -> None:
        await asyncio.to_thread(halt, folder, f"submission.{point}")

    def around(of: Any, name: str, before: str | None, after: str | None) -> None:
        original: Callable[..., Any] = getattr(of, name)

        async def held(*arguments: Any, **named: Any) -> Any:
            if before:
                await at(before)
            found = await original(*arguments, **named)
            if after:
                await at(after)
            return found

        setattr(of, name, held)

    around(Gate, "passed", "waiting", None)
    around(Gate, "write_down", None, "written")
    around(Kling, "submit", None, "answered")
    around(Kling, "result", "submitted", "received")
    around(following, "keep_result", None, "kept")
