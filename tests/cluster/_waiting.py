"""Waiting for what comes true by itself."""

import time
from collections.abc import Callable

__all__ = ["until"]


def until(condition: Callable[[], bool], seconds: float, every: float = 0.05) -> None:
    """Wait for a condition, and look ``every`` so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(every)
