"""How a submission stands after a step: each by one compare-and-set, which lets go of it.

Whoever dies before that leaves a state from which another goes on.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from cluster import clock, telemetry
from cluster.records import submissions
from cluster.records.submissions import Submission
from serve.egress.backoff import pause_after
from serve.egress.pinning import Rules
from serve.egress.recipient import Recipient
from serve.egress.wire import RecipientLine
from serve.recipients.failures import ProviderFailed, ProviderFailure
from serve.recipients.wire import LostOnTheWay, NotSent
from serve.resources import WebResources

__all__ = ["GRACE", "Standing"]

GRACE: Final = timedelta(seconds=10)
"""After a lost answer: what was sent may still arrive, and be listed, before this."""
_LONGEST_WAIT_FOR_ROOM: Final = timedelta(minutes=10)
"""So that all the attempts lie within the time that a task may take."""


class Standing:
    """Writes down how submissions stand, and knows the bounds of an installation."""

    def __init__(self, resources: WebResources, rules: Rules) -> None:
        """``rules`` say which addresses may be connected to."""
        self.resources, self.rules, self.bounds = resources, rules, resources.settings.outbound

    async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function of the records in a transaction of its own."""
        return await self.resources.database.run(function, *args, **kwargs)

    async def later(self, submission: Submission, pause: timedelta, **values: Any) -> None:
        """It is as it was, but for ``values``, and is looked at again after a pause."""
        await self.run(submissions.release, submission, clock.now() + pause, **values)

    async def submitted(self, submission: Submission, task: str, pause: float) -> None:
        """It has become a task, and is paid for; ``pause`` in seconds until that is asked for."""
        await self.later(submission, timedelta(seconds=pause), state="submitted", task=task, copy="held")

    async def try_again(self, submission: Submission, failure: ProviderFailure, after: float | None = None) -> None:
        """It may be sent (again); ``after`` so many seconds, where the recipient has named a time."""
        pause = timedelta(seconds=after) if after is not None else pause_after(max(1, submission.attempts))
        await self.later(submission, min(pause, _LONGEST_WAIT_FOR_ROOM), state="waiting", failure=failure.value)

    async def lost(self, submission: Submission) -> None:
        """An answer was lost: it may have been accepted, and paid. It is looked for, and never blindly sent again."""
        await self.later(submission, GRACE, state="submit_unknown")

    async def fail(self, recipient: Recipient, submission: Submission, code: str, *, lost: bool = False) -> None:
        """It has failed; what the recipient holds of it is deleted, or lives on until a date."""
        due, ending = recipient.after_the_end(submission.task, lost=lost)
        await self.end(submission, due, code, ending)

    async def end(self, submission: Submission, due: datetime | None, code: str, ending: Mapping[str, Any]) -> None:
        """It has failed, and ``ending`` says what became of the copy."""
        await self.run(submissions.release, submission, due, state="failed", failure=str(code), **ending)

    def is_late(self, submission: Submission) -> bool:
        """Whether it has taken as long as it may."""
        return clock.now() - submission.created_at > timedelta(minutes=self.bounds.task_minutes)

    def line(self, recipient: Recipient) -> RecipientLine:
        """The way to a recipient for what carries no content."""
        return RecipientLine(recipient.client, self.rules, self.bounds.max_result_bytes)

    @staticmethod
    def noted(error: Exception, submission: Submission) -> None:
        """Log what no adapter should let out: an answer that nobody thought of must not hold a job for ever."""
        if not isinstance(error, ProviderFailed | NotSent | LostOnTheWay):
            telemetry.log_failure("adapter_failed", error, job_id=submission.job_id)
