"""One step of one submission: send it, ask how it stands, take its result, look for it, or have its copy deleted.

Whatever happens is written down by one compare-and-set; whoever dies in between leaves a state from which another goes
on.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from cluster import clock, telemetry
from cluster.privacy.obstacles import ObstacleCode
from cluster.records import breakers, disclosures, submissions
from cluster.records.submissions import Submission
from serve.egress.backoff import pause_after
from serve.egress.cuts import Cuts, Sendable
from serve.egress.errors import MayNotLeave, NotYet
from serve.egress.gate import Gate
from serve.egress.parcels import Parcel, pack
from serve.egress.pinning import Rules
from serve.egress.recipient import Recipient
from serve.egress.results import keep_result
from serve.egress.wire import RecipientLine, SubmissionWire
from serve.media.outgoing import Unsendable
from serve.recipients.adapter import Deletion, Finding, Pending, Search
from serve.recipients.failures import RETRIED, ProviderFailed, ProviderFailure
from serve.recipients.wire import LostOnTheWay, NotSent, TooLarge
from serve.resources import WebResources

__all__ = ["Steps"]

_MINUTE: Final = timedelta(minutes=1)
_GRACE: Final = timedelta(seconds=10)
"""After a lost answer: what was sent may still arrive, and be listed, before this."""
_SEARCHED_FOR: Final = timedelta(minutes=10)
_DELETED_WITHIN: Final = timedelta(days=30)
_LONGEST_PAUSE: Final = timedelta(hours=6)
"""Between two attempts at a deletion; each waits as long as all before it together."""
_LONGEST_WAIT_FOR_ROOM: Final = timedelta(minutes=10)
"""So that all the attempts lie within the time that a task may take."""
_PAUSE_OF_A_FULL_MINUTE: Final = timedelta(seconds=5)
_OURS: Final = frozenset({ProviderFailure.AUTH, ProviderFailure.QUOTA_EXHAUSTED})
"""What an installation's own account meets, whoever's photo it is."""
_POLLED_AT_ONCE: Final = 8
"""An answer to a poll may bring the whole video: so many lie in memory at most."""


class Steps:
    """Takes submissions a step further, each by what its recipient's adapter can do."""

    def __init__(
        self,
        resources: WebResources,
        rules: Rules,
        cuts: Cuts,
        recipients: Mapping[str, Recipient],
        notices: Mapping[str, str],
    ) -> None:
        """``notices`` maps each purpose to the version of its current notice."""
        self._resources, self._rules, self._cuts = resources, rules, cuts
        self._recipients, self._notices = recipients, notices
        self._bounds = resources.settings.outbound
        self._room = asyncio.Semaphore(_POLLED_AT_ONCE)

    async def step(self, submission: Submission) -> None:
        """Take it a step further."""
        recipient = self._recipients.get(submission.recipient)
        if recipient is None:
            await self._step_without(submission)
        elif submission.ended:
            await self._delete_copy(recipient, submission)
        elif submission.state in ("written", "submit_unknown"):
            await self._search(recipient, submission)
        elif submission.state == "submitted":
            async with self._room:
                await (self._stop if submission.abandoned_at else self._poll)(recipient, submission)
        elif submission.abandoned_at:
            await self._fail(recipient, submission, "cancelled_by_user")
        elif self._is_late(submission):
            await self._fail(recipient, submission, ProviderFailure.CAPACITY)
        else:
            await self._submit(recipient, submission)

    async def _step_without(self, submission: Submission) -> None:
        """Nobody here can reach the recipient (any more): what has not left fails at once, what has is waited for."""
        if submission.state == "waiting":
            await self._end(submission, None, ProviderFailure.AUTH, submissions.ending(None, None))
        elif not submission.ended and (submission.abandoned_at or self._is_late(submission)):
            await self._end(submission, None, ProviderFailure.TIMEOUT, submissions.ending("unknown", None))
        else:
            await self._later(submission, _MINUTE)

    async def _submit(self, recipient: Recipient, submission: Submission) -> None:
        if pause := await self._run(_pause_before, recipient):
            await self._later(submission, pause)
            return
        model = recipient.models.get(submission.model)
        obstacle = model.obstacle(clock.now().date()) if model else None
        if model is None or (obstacle and obstacle.code is ObstacleCode.MODEL_RETIRED):
            await self._fail(recipient, submission, ProviderFailure.MODEL_RETIRED)
            return
        if obstacle:
            await self._fail(recipient, submission, "recipient_unavailable")
            return
        try:
            parcel = await pack(self._resources, submission, model.bounds, model.translate)
        except Unsendable:
            await self._fail(recipient, submission, ProviderFailure.INVALID_INPUT)
            return
        if parcel is None:
            await self._fail(recipient, submission, "cancelled_by_user")
            return
        await self._send(recipient, submission, parcel)

    async def _send(self, recipient: Recipient, submission: Submission, parcel: Parcel) -> None:
        if until := await self._run(breakers.admit, recipient.name):
            await self._later(submission, until - clock.now())
            return
        keys, subject = self._resources.keys, parcel.subject
        gate = Gate(self._resources.database, keys, submission, subject, recipient.receiver, self._notices)
        sending = Sendable(subject.account_id, subject.epoch, submission.id)
        wire = SubmissionWire(recipient.client, self._rules, self._bounds.max_result_bytes, gate, self._cuts, sending)
        try:
            task = await recipient.adapter.submit(wire, parcel.payload)
        except MayNotLeave as refusal:
            await self._held_back(recipient, gate.submission, refusal)
        except NotSent:
            await self._count(recipient, failed=True)
            await self._try_again(gate.submission, ProviderFailure.CAPACITY)
        except ProviderFailed as failure:
            await self._count(recipient, failed=failure.code in _OURS, everybody=True)
            await self._refused(recipient, gate.submission, failure)
        except Exception as error:
            self._noted(error, submission)
            await self._count(recipient, failed=True)
            if gate.submission.state == "waiting":
                await self._try_again(gate.submission, ProviderFailure.CAPACITY)
            else:
                await self._lost(gate.submission)
        else:
            await self._count(recipient, failed=False)
            due = self._in(recipient.poll_seconds)
            await self._run(submissions.release, gate.submission, due, state="submitted", task=task, copy="held")

    async def _held_back(self, recipient: Recipient, submission: Submission, refusal: MayNotLeave) -> None:
        """The gate said no: for now, or for good."""
        if isinstance(refusal, NotYet):
            await self._later(submission, _PAUSE_OF_A_FULL_MINUTE)
        else:
            await self._fail(recipient, submission, refusal.code)

    async def _count(self, recipient: Recipient, *, failed: bool, everybody: bool = False) -> None:
        """Tell the breaker how an attempt went."""
        if not failed:
            await self._run(breakers.worked, recipient.name)
        elif await self._run(breakers.failed, recipient.name, everybody=everybody):
            telemetry.log("recipient_left_alone", recipient=recipient.name)

    async def _refused(self, recipient: Recipient, submission: Submission, failure: ProviderFailed) -> None:
        """The recipient said no, and has begun nothing."""
        if failure.code in RETRIED and submission.attempts < self._bounds.submission_attempts:
            await self._try_again(submission, failure.code, failure.retry_after)
        else:
            await self._fail(recipient, submission, failure.code)

    async def _try_again(self, submission: Submission, failure: ProviderFailure, after: float | None = None) -> None:
        pause = timedelta(seconds=after) if after is not None else pause_after(max(1, submission.attempts))
        due = clock.now() + min(pause, _LONGEST_WAIT_FOR_ROOM)
        await self._run(submissions.release, submission, due, state="waiting", failure=failure.value)

    async def _lost(self, submission: Submission) -> None:
        """An answer was lost: it may have been accepted, and paid. It is looked for, and never blindly sent again."""
        await self._run(submissions.release, submission, clock.now() + _GRACE, state="submit_unknown")

    async def _search(self, recipient: Recipient, submission: Submission) -> None:
        """Find out whether what was sent has become a task there."""
        sent_at = submission.sent_at or submission.created_at
        if submission.state == "written":
            await self._lost(submission)
            return
        known = await self._run(submissions.known_tasks, recipient.name, sent_at - _MINUTE)
        search = Search(submission.id, submission.model, sent_at - _GRACE, sent_at + _MINUTE, frozenset(known))
        try:
            finding = await recipient.adapter.find(self._line(recipient), search)
        except Exception as error:
            self._noted(error, submission)
            finding = None
        if finding is not None and finding.task is not None:
            await self._run(
                submissions.release, submission, clock.now(), state="submitted", task=finding.task, copy="held"
            )
        elif finding is not None and self._may_be_sent_again(recipient, submission, finding):
            await self._try_again(submission, ProviderFailure.INTERNAL)
        elif clock.now() - sent_at > _SEARCHED_FOR or (finding is not None and not finding.certain):
            await self._fail(recipient, submission, ProviderFailure.INTERNAL, lost=True)
        else:
            await self._later(submission, _GRACE)

    def _may_be_sent_again(self, recipient: Recipient, submission: Submission, finding: Finding) -> bool:
        """Whether it is paid once whatever happened: nothing has begun there, or the same id is the same task."""
        model = recipient.models.get(submission.model)
        idempotent = model is not None and model.idempotent
        return finding.certain or (idempotent and submission.attempts < self._bounds.submission_attempts)

    async def _poll(self, recipient: Recipient, submission: Submission) -> None:
        task = submission.task or ""
        line = self._line(recipient)
        try:
            answer = await recipient.adapter.poll(line, task)
            if isinstance(answer, Pending):
                await self._wait(recipient, submission, answer)
                return
            video = await recipient.adapter.result(line, task, answer)
            if len(video) > self._bounds.max_result_bytes:
                raise TooLarge
        except ProviderFailed as failure:
            await self._not_polled(recipient, submission, failure)
        except TooLarge:
            await self._fail(recipient, submission, "bad_result")
        except Exception as error:
            self._noted(error, submission)
            await self._not_polled(recipient, submission, None)
        else:
            await keep_result(self._resources, recipient, submission, video)

    async def _not_polled(self, recipient: Recipient, submission: Submission, failure: ProviderFailed | None) -> None:
        """The task has failed; or nothing is known of it, and it is asked again until it takes too long."""
        if failure is not None and failure.code not in RETRIED:
            await self._fail(recipient, submission, failure.code)
        elif self._is_late(submission):
            await self._fail(recipient, submission, ProviderFailure.TIMEOUT)
        else:
            after = failure.retry_after if failure and failure.retry_after else recipient.poll_seconds
            await self._later(submission, timedelta(seconds=after))

    async def _wait(self, recipient: Recipient, submission: Submission, answer: Pending) -> None:
        if self._is_late(submission):
            await self._stop(recipient, submission, ProviderFailure.TIMEOUT)
            return
        percent = max(submission.percent, answer.percent or (5 if answer.running else 0))
        await self._run(submissions.release, submission, self._in(recipient.poll_seconds), percent=percent)

    async def _stop(self, recipient: Recipient, submission: Submission, code: str = "cancelled_by_user") -> None:
        """Cancel the task where that can be done; whatever comes of it is not wanted, and is deleted if that can be."""
        try:
            await recipient.adapter.cancel(self._line(recipient), submission.task or "")
        except Exception as error:
            self._noted(error, submission)
        await self._fail(recipient, submission, code)

    async def _delete_copy(self, recipient: Recipient, submission: Submission) -> None:
        """Have the recipient delete what it holds; if it cannot, say until when it does."""
        try:
            outcome = await recipient.adapter.delete(self._line(recipient), submission.task or "")
        except Exception as error:
            self._noted(error, submission)
            since = clock.now() - (submission.ended_at or clock.now())
            if since < _DELETED_WITHIN:
                await self._later(submission, min(max(since, _GRACE), _LONGEST_PAUSE))
                return
            outcome = Deletion.IMPOSSIBLE
        if outcome is Deletion.IMPOSSIBLE:
            _, ending = replace(recipient, can_delete=False).after_the_end(submission.task)
        else:
            ending = submissions.ending("deleted", None)
        await self._run(submissions.release, submission, None, **(ending | {"ended_at": submission.ended_at}))

    async def _fail(self, recipient: Recipient, submission: Submission, code: str, *, lost: bool = False) -> None:
        due, ending = recipient.after_the_end(submission.task, lost=lost)
        await self._end(submission, due, code, ending)

    async def _end(self, submission: Submission, due: datetime | None, code: str, ending: Mapping[str, Any]) -> None:
        await self._run(submissions.release, submission, due, state="failed", failure=str(code), **ending)

    @staticmethod
    def _noted(error: Exception, submission: Submission) -> None:
        """Log what no adapter should let out: an answer that nobody thought of must not hold a job for ever."""
        if not isinstance(error, ProviderFailed | NotSent | LostOnTheWay):
            telemetry.log_failure("adapter_failed", error, job_id=submission.job_id)

    async def _later(self, submission: Submission, pause: timedelta) -> None:
        await self._run(submissions.release, submission, clock.now() + pause)

    def _line(self, recipient: Recipient) -> RecipientLine:
        return RecipientLine(recipient.client, self._rules, self._bounds.max_result_bytes)

    def _is_late(self, submission: Submission) -> bool:
        return clock.now() - submission.created_at > timedelta(minutes=self._bounds.task_minutes)

    @staticmethod
    def _in(seconds: float) -> datetime:
        return clock.now() + timedelta(seconds=seconds)

    async def _run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return await self._resources.database.run(function, *args, **kwargs)


def _pause_before(connection: Connection, recipient: Recipient) -> timedelta | None:
    """How long nothing can be sent to the recipient anyway. The gate counts again, and then for certain."""
    if until := breakers.open_until(connection, recipient.name):
        return until - clock.now()
    receiver = recipient.receiver
    is_full = disclosures.count_of_a_minute(connection, receiver.name) >= receiver.per_minute
    return _PAUSE_OF_A_FULL_MINUTE if is_full else None
