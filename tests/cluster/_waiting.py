"""Waiting for what comes true by itself."""

import time
from collections.abc import Callable

__all__ = ["until"]


def until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)
