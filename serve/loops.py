"""Work that is done again and again for as long as a replica lives."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from cluster import clock, telemetry

__all__ = ["for_ever"]


async def for_ever(
    event: str, work: Callable[[], Coroutine[Any, Any, None]], seconds: float, wake: asyncio.Event | None = None
) -> None:
    """Do ``work`` every so many seconds, or when woken; a failure is logged as ``event`` and does not end the loop."""
    wake = wake or asyncio.Event()
    while True:
        started = clock.monotonic()
        wake.clear()
        try:
            await work()
        except Exception as error:
            telemetry.log_failure(event, error)
        with suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), max(0.01, seconds - (clock.monotonic() - started)))
