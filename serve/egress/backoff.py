"""When an event that could not be delivered is sent again."""

import math
import random
from datetime import timedelta
from typing import Final

__all__ = ["pause_after"]

_FIRST: Final = timedelta(seconds=15)
_FACTOR: Final = 4
_LONGEST: Final = timedelta(hours=18)
_JITTER: Final = 0.1
_chance = random.SystemRandom()


def pause_after(attempt: int) -> timedelta:
    """The pause after a failed attempt (1 is the first): 15 seconds, a minute, four, … eight attempts span a day.

    Up to a tenth more by chance, so that what failed together is not sent together again.
    """
    pause = min(_FIRST * math.pow(_FACTOR, attempt - 1), _LONGEST)
    return pause * (1 + _JITTER * _chance.random())
