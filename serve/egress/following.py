"""Follow a task at a recipient to its end, take its result, have the recipient's copy deleted. No content leaves."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final

from cluster import clock
from cluster.records import submissions
from cluster.records.submissions import Submission
from serve.egress.recipient import Recipient
from serve.egress.results import keep_result
from serve.egress.standing import GRACE, Standing
from serve.recipients.adapter import Deletion, Pending
from serve.recipients.failures import RETRIED, ProviderFailed, ProviderFailure
from serve.recipients.wire import TooLarge

__all__ = ["Following"]

_DELETED_WITHIN: Final = timedelta(days=30)
_LONGEST_PAUSE: Final = timedelta(hours=6)
"""Between two attempts at a deletion; each waits as long as all before it together."""
_POLLED_AT_ONCE: Final = 8
"""An answer to a poll may bring the whole video: so many lie in memory at most."""


class Following:
    """Submissions that have become tasks."""

    def __init__(self, standing: Standing) -> None:
        """None is asked for yet."""
        self._standing = standing
        self._room = asyncio.Semaphore(_POLLED_AT_ONCE)

    async def follow(self, recipient: Recipient, submission: Submission) -> None:
        """Ask how it stands, and take what there is; or stop what nobody wants any more."""
        async with self._room:
            if submission.abandoned_at:
                await self._stop(recipient, submission, "cancelled_by_user")
            else:
                await self._poll(recipient, submission)

    async def delete_copy(self, recipient: Recipient, submission: Submission) -> None:
        """Have the recipient delete what it holds; if it cannot, say until when it does."""
        try:
            outcome = await recipient.adapter.delete(self._standing.line(recipient), submission.task or "")
        except Exception as error:
            self._standing.noted(error, submission)
            since = clock.now() - (submission.ended_at or clock.now())
            if since < _DELETED_WITHIN:
                await self._standing.later(submission, min(max(since, GRACE), _LONGEST_PAUSE))
                return
            outcome = Deletion.IMPOSSIBLE
        if outcome is Deletion.IMPOSSIBLE:
            _, ending = replace(recipient, can_delete=False).after_the_end(submission.task)
        else:
            ending = submissions.ending("deleted", None)
        ending |= {"ended_at": submission.ended_at}
        await self._standing.run(submissions.release, submission, None, **ending)

    async def _poll(self, recipient: Recipient, submission: Submission) -> None:
        task, line = submission.task or "", self._standing.line(recipient)
        try:
            answer = await recipient.adapter.poll(line, task)
            if isinstance(answer, Pending):
                await self._wait(recipient, submission, answer)
                return
            video = await recipient.adapter.result(line, task, answer)
            if len(video) > self._standing.bounds.max_result_bytes:
                raise TooLarge
        except ProviderFailed as failure:
            await self._not_polled(recipient, submission, failure)
        except TooLarge:
            await self._standing.fail(recipient, submission, "bad_result")
        except Exception as error:
            self._standing.noted(error, submission)
            await self._not_polled(recipient, submission, None)
        else:
            await keep_result(self._standing.resources, recipient, submission, video)

    async def _not_polled(self, recipient: Recipient, submission: Submission, failure: ProviderFailed | None) -> None:
        """The task has failed; or nothing is known of it, and it is asked again until it takes too long."""
        if failure is not None and failure.code not in RETRIED:
            await self._standing.fail(recipient, submission, failure.code)
        elif self._standing.is_late(submission):
            await self._standing.fail(recipient, submission, ProviderFailure.TIMEOUT)
        else:
            after = failure.retry_after if failure and failure.retry_after else recipient.poll_seconds
            await self._standing.later(submission, timedelta(seconds=after))

    async def _wait(self, recipient: Recipient, submission: Submission, answer: Pending) -> None:
        if self._standing.is_late(submission):
            await self._stop(recipient, submission, ProviderFailure.TIMEOUT)
            return
        percent = max(submission.percent, answer.percent or (5 if answer.running else 0))
        await self._standing.later(submission, timedelta(seconds=recipient.poll_seconds), percent=percent)

    async def _stop(self, recipient: Recipient, submission: Submission, code: str) -> None:
        """Cancel the task where that can be done; whatever comes of it is not wanted, and is deleted if that can be."""
        try:
            await recipient.adapter.cancel(self._standing.line(recipient), submission.task or "")
        except Exception as error:
            self._standing.noted(error, submission)
        await self._standing.fail(recipient, submission, code)
