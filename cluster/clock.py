"""The only source of time, for Python and for SQL parameters alike."""

import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

__all__ = ["age_seconds", "midnight", "monotonic", "now", "shift", "unix"]

_offset = timedelta(0)


def now() -> datetime:
    """The present instant, in UTC, with microseconds."""
    return datetime.now(UTC) + _offset


def unix(instant: datetime) -> int:
    """Whole seconds since 1970, as the public API writes instants."""
    return int(instant.timestamp())


def midnight(day: date) -> datetime:
    """The instant at which a day begins, in UTC."""
    return datetime.combine(day, time_of_day(), UTC)


def age_seconds(instant: datetime) -> float:
    """Seconds that have passed since ``instant`` (negative if it lies ahead)."""
    return (now() - instant).total_seconds()


def monotonic() -> float:
    """Seconds on a clock that never steps, for durations inside one process."""
    return time.monotonic()


def shift(by: timedelta) -> None:
    """Move this process's calendar: tests of retention live years in a moment with it."""
    global _offset  # noqa: PLW0603 - one process has one clock
    _offset += by
