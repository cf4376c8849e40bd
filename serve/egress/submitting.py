"""Hand a submission's content over, through the gate; and look for a task where the answer to that was lost."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from cluster import clock, telemetry
from cluster.privacy.obstacles import ObstacleCode
from cluster.records import breakers, disclosures, submissions
from cluster.records.submissions import Submission
from serve.egress.cuts import Cuts, Sendable
from serve.egress.errors import MayNotLeave, NotYet
from serve.egress.gate import Gate
from serve.egress.parcels import Parcel, pack
from serve.egress.recipient import Recipient
from serve.egress.standing import GRACE, Standing
from serve.egress.wire import SubmissionWire
from serve.media.outgoing import Unsendable
from serve.recipients.adapter import Finding, Search
from serve.recipients.failures import RETRIED, ProviderFailed, ProviderFailure
from serve.recipients.wire import NotSent

__all__ = ["Submitting"]

_MINUTE: Final = timedelta(minutes=1)
_SEARCHED_FOR: Final = timedelta(minutes=10)
_PAUSE_OF_A_FULL_MINUTE: Final = timedelta(seconds=5)
_OURS: Final = frozenset({ProviderFailure.AUTH, ProviderFailure.QUOTA_EXHAUSTED})
"""What an installation's own account meets, whoever's photo it is."""


class Submitting:
    """Submissions that wait, or of which nobody knows whether they arrived."""

    def __init__(self, standing: Standing, cuts: Cuts, notices: Mapping[str, str]) -> None:
        """``notices`` maps each purpose to the version of its current notice."""
        self._standing, self._cuts, self._notices = standing, cuts, notices

    async def submit(self, recipient: Recipient, submission: Submission) -> None:
        """Send it, if nothing is in the way."""
        standing = self._standing
        if pause := await standing.run(_pause_before, recipient):
            await standing.later(submission, pause)
            return
        model = recipient.models.get(submission.model)
        obstacle = model.obstacle(clock.now().date()) if model else None
        if model is None or (obstacle and obstacle.code is ObstacleCode.MODEL_RETIRED):
            await standing.fail(recipient, submission, ProviderFailure.MODEL_RETIRED)
            return
        if obstacle:
            await standing.fail(recipient, submission, "recipient_unavailable")
            return
        try:
            parcel = await pack(standing.resources, submission, model.bounds, model.translate)
        except Unsendable:
            await standing.fail(recipient, submission, ProviderFailure.INVALID_INPUT)
            return
        if parcel is None:
            await standing.fail(recipient, submission, "cancelled_by_user")
            return
        await self._send(recipient, submission, parcel)

    async def search(self, recipient: Recipient, submission: Submission) -> None:
        """Find out whether what was sent has become a task there."""
        sent_at = submission.sent_at or submission.created_at
        if submission.state == "written":
            await self._standing.lost(submission)
            return
        finding = await self._found(recipient, submission)
        if finding is not None and finding.task is not None:
            await self._standing.submitted(submission, finding.task, 0)
        elif finding is not None and self._may_be_sent_again(recipient, submission, finding):
            await self._standing.try_again(submission, ProviderFailure.INTERNAL)
        elif clock.now() - sent_at > _SEARCHED_FOR or (finding is not None and not finding.certain):
            await self._standing.fail(recipient, submission, ProviderFailure.INTERNAL, lost=True)
        else:
            await self._standing.later(submission, GRACE)

    async def _send(self, recipient: Recipient, submission: Submission, parcel: Parcel) -> None:
        standing, subject = self._standing, parcel.subject
        if until := await standing.run(breakers.admit, recipient.name):
            await standing.later(submission, until - clock.now())
            return
        resources, most = standing.resources, standing.bounds.max_result_bytes
        gate = Gate(resources.database, resources.keys, submission, subject, recipient.receiver, self._notices)
        sending = Sendable(subject.account_id, subject.epoch, submission.id)
        wire = SubmissionWire(recipient.client, standing.rules, most, gate, self._cuts, sending)
        try:
            task = await recipient.adapter.submit(wire, parcel.payload)
        except MayNotLeave as refusal:
            await self._held_back(recipient, gate.submission, refusal)
        except NotSent:
            await self._count(recipient, sending, failed=True)
            await standing.try_again(gate.submission, ProviderFailure.CAPACITY)
        except ProviderFailed as failure:
            await self._count(recipient, sending, failed=failure.code in _OURS, everybody=True)
            await self._refused(recipient, gate.submission, failure)
        except Exception as error:
            standing.noted(error, submission)
            await self._count(recipient, sending, failed=True)
            if gate.submission.state == "waiting":
                await standing.try_again(gate.submission, ProviderFailure.CAPACITY)
            else:
                await standing.lost(gate.submission)
        else:
            await self._count(recipient, sending, failed=False)
            await standing.submitted(gate.submission, task, recipient.poll_seconds)

    async def _held_back(self, recipient: Recipient, submission: Submission, refusal: MayNotLeave) -> None:
        """The gate said no: for now, or for good."""
        if isinstance(refusal, NotYet):
            await self._standing.later(submission, _PAUSE_OF_A_FULL_MINUTE)
        else:
            await self._standing.fail(recipient, submission, refusal.code)

    async def _refused(self, recipient: Recipient, submission: Submission, failure: ProviderFailed) -> None:
        """The recipient said no, and has begun nothing."""
        if failure.code in RETRIED and submission.attempts < self._standing.bounds.submission_attempts:
            await self._standing.try_again(submission, failure.code, failure.retry_after)
        else:
            await self._standing.fail(recipient, submission, failure.code)

    async def _count(self, recipient: Recipient, sending: Sendable, *, failed: bool, everybody: bool = False) -> None:
        """Tell the breaker how an attempt went, unless it was cut off for want of our own database."""
        if sending.blind.is_set():
            return
        if not failed:
            await self._standing.run(breakers.worked, recipient.name)
        elif await self._standing.run(breakers.failed, recipient.name, everybody=everybody):
            telemetry.log("recipient_left_alone", recipient=recipient.name)

    async def _found(self, recipient: Recipient, submission: Submission) -> Finding | None:
        """What the recipient knows of it; None if it does not answer."""
        sent_at = submission.sent_at or submission.created_at
        known = await self._standing.run(submissions.known_tasks, recipient.name, sent_at - _MINUTE)
        search = Search(submission.id, submission.model, sent_at - GRACE, sent_at + _MINUTE, frozenset(known))
        try:
            return await recipient.adapter.find(self._standing.line(recipient), search)
        except Exception as error:
            self._standing.noted(error, submission)
            return None

    def _may_be_sent_again(self, recipient: Recipient, submission: Submission, finding: Finding) -> bool:
        """Whether it is paid once whatever happened: nothing has begun there, or the same id is the same task."""
        model = recipient.models.get(submission.model)
        idempotent = model is not None and model.idempotent
        return finding.certain or (idempotent and submission.attempts < self._standing.bounds.submission_attempts)


def _pause_before(connection: Connection, recipient: Recipient) -> timedelta | None:
    """How long nothing can be sent to the recipient anyway. The gate counts again, and then for certain."""
    if until := breakers.open_until(connection, recipient.name):
        return until - clock.now()
    receiver = recipient.receiver
    is_full = disclosures.count_of_a_minute(connection, receiver.name) >= receiver.per_minute
    return _PAUSE_OF_A_FULL_MINUTE if is_full else None
