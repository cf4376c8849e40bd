"""The outcomes of erasing. There is no 'skipped', and 'could not erase' is never 'erased'."""

from dataclasses import dataclass

__all__ = ["Absent", "Erased", "Erasure", "Failed"]


@dataclass(frozen=True)
class Erased:
    """It was there and is gone, looked up again afterwards. ``count``: copies removed (versions of an object)."""

    count: int = 1


@dataclass(frozen=True)
class Absent:
    """A store that answered says that it had nothing of the kind."""


@dataclass(frozen=True)
class Failed:
    """It is still there, or nobody knows. ``reason`` is a short code without content."""

    reason: str


Erasure = Erased | Absent | Failed
