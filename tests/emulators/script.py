"""What an emulator does wrong, and when: a queue of faults for each endpoint, one taken by each call to it."""

import threading
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["FATES", "REFUSALS", "Endpoint", "Fault", "Script", "Step"]


class Endpoint(StrEnum):
    """What a provider can be asked for."""

    CREATE = "create"
    POLL = "poll"
    LIST = "list"
    CANCEL = "cancel"
    DELETE = "delete"
    RESULT = "result"


class Fault(StrEnum):
    """One way in which a provider fails."""

    SLOW = "slow"
    """Answers well, after `amount` seconds."""
    SERVER_ERROR = "server_error"
    """500 in the vendor's own shape; nothing is accepted."""
    BAD_GATEWAY = "bad_gateway"
    """502 with a page of HTML; nothing is accepted."""
    RUBBISH = "rubbish"
    """200 with a body that is no JSON; nothing is accepted."""
    DROP_BEFORE = "drop_before"
    """The connection is closed and nothing was accepted."""
    DROP_AFTER_ACCEPT = "drop_after_accept"
    """The call has its effect, a task exists and is paid for, and the connection is closed without an answer."""

    RATE_LIMITED = "rate_limited"
    PARALLEL_LIMIT = "parallel_limit"
    """Too many tasks at a time."""
    QUOTA_EXHAUSTED = "quota_exhausted"
    """The account is in arrears, or its pack used up."""
    AUTH = "auth"
    MODEL_GONE = "model_gone"
    INVALID_INPUT = "invalid_input"
    MODERATED_INPUT = "moderated_input"
    """Refused for its content, in the way and at the time at which the vendor does so."""

    MODERATED_OUTPUT = "moderated_output"
    """The result is withheld; it looks like success where the vendor does it so."""
    EXPIRED_RESULT = "expired_result"
    CORRUPT_VIDEO = "corrupt_video"
    OVERSIZED_VIDEO = "oversized_video"
    NOT_A_VIDEO = "not_a_video"
    DUPLICATE = "duplicate"
    """The task is listed, or its videos are answered, twice."""
    LOST_TASK = "lost_task"
    """The task was accepted, and the provider does not know it any more."""
    SLOW_PROGRESS = "slow_progress"
    """The task stays pending for `amount` polls more."""


REFUSALS: Final = frozenset(
    {
        Fault.RATE_LIMITED,
        Fault.PARALLEL_LIMIT,
        Fault.QUOTA_EXHAUSTED,
        Fault.AUTH,
        Fault.MODEL_GONE,
        Fault.INVALID_INPUT,
        Fault.MODERATED_INPUT,
        Fault.SERVER_ERROR,
    }
)
"""Answered in the vendor's own shape (`Emulator.refusal`); nothing is accepted."""

FATES: Final = frozenset(
    {
        Fault.MODERATED_OUTPUT,
        Fault.EXPIRED_RESULT,
        Fault.CORRUPT_VIDEO,
        Fault.OVERSIZED_VIDEO,
        Fault.NOT_A_VIDEO,
        Fault.DUPLICATE,
        Fault.LOST_TASK,
        Fault.SLOW_PROGRESS,
    }
)
"""Whatever call takes one of these, it sticks to the task that the call is about (`Task.fate`)."""


@dataclass(frozen=True, slots=True)
class Step:
    """A fault for one call."""

    fault: Fault
    amount: float = 0.0
    """Seconds of SLOW, polls of SLOW_PROGRESS."""


class Script:
    """Faults to come. Tests add to it from their thread while the server takes from it in its own."""

    def __init__(self) -> None:
        """Nothing goes wrong."""
        self._lock = threading.Lock()
        self._steps: dict[Endpoint, deque[Step]] = {endpoint: deque() for endpoint in Endpoint}

    def add(self, endpoint: Endpoint, fault: Fault, amount: float = 0.0, times: int = 1) -> None:
        """The next `times` calls to the endpoint that have no fault yet meet this one."""
        with self._lock:
            self._steps[endpoint].extend([Step(fault, amount)] * times)

    def take(self, endpoint: Endpoint) -> Step | None:
        """The fault of the call that has just come; None: it goes well."""
        with self._lock:
            steps = self._steps[endpoint]
            return steps.popleft() if steps else None

    def waiting(self) -> int:
        """How many faults no call has met yet: a test that scripts some ends with none."""
        with self._lock:
            return sum(map(len, self._steps.values()))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            for steps in self._steps.values():
                steps.clear()
