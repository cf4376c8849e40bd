"""How long a step of a stage usually takes on this replica, and how long it may take.

Ingestion, screening and generation each go in steps. What is usual is learnt from the steps that this replica has made,
kind by kind; nothing is written down.
"""

import threading
from collections import defaultdict, deque
from enum import StrEnum
from statistics import median
from typing import Final

from cluster.settings import Jobs

__all__ = ["StepKind", "StepTimes"]

SLOW: Final = 30
"""How many times the usual time a step may take before it is called slow: load alone makes five, a fault a hundred."""

_REMEMBERED, _ENOUGH = 64, 8
_NEVER_SLOW_SECONDS: Final = 1.0


class StepKind(StrEnum):
    """Kinds of steps that compare with each other."""

    PREPARATION = "preparation"
    """A step of an engine before its first frame."""
    FRAME = "frame"
    SCORE = "score"
    OTHER = "other"
    """Reading, writing, coding: as long as the bytes are many, so nothing is usual."""


class StepTimes:
    """The steps of one replica. Safe for threads."""

    def __init__(self, bounds: Jobs) -> None:
        """Nothing is usual yet; until it is, every step may take ``bounds.step_seconds``."""
        self._bounds = bounds
        self._taken: defaultdict[StepKind, deque[float]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))
        self._lock = threading.Lock()

    def took(self, kind: StepKind, seconds: float) -> bool:
        """Remember a finished step; whether it was slow."""
        usual = self._usual(kind)
        with self._lock:
            self._taken[kind].append(seconds)
        return usual is not None and seconds > max(_NEVER_SLOW_SECONDS, SLOW * usual)

    def patience(self, kind: StepKind) -> float:
        """How long a step of that kind may go on until its stage stands still."""
        usual = self._usual(kind)
        if usual is None:
            return self._bounds.step_seconds
        return min(self._bounds.step_seconds, max(self._bounds.slow_step_seconds, SLOW * usual))

    def _usual(self, kind: StepKind) -> float | None:
        with self._lock:
            taken = list(self._taken[kind])
        return median(taken) if kind is not StepKind.OTHER and len(taken) >= _ENOUGH else None
