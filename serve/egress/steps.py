"""One step of one submission: hand it over, follow its task, look for it, or have its copy deleted."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from cluster.records import submissions
from cluster.records.submissions import Submission
from serve.egress.cuts import Cuts
from serve.egress.following import Following
from serve.egress.pinning import Rules
from serve.egress.recipient import Recipient
from serve.egress.standing import Standing
from serve.egress.submitting import Submitting
from serve.recipients.failures import ProviderFailure
from serve.resources import WebResources

__all__ = ["Steps"]

_MINUTE: Final = timedelta(minutes=1)


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
        self._recipients = recipients
        self._standing = Standing(resources, rules)
        self._submitting = Submitting(self._standing, cuts, notices)
        self._following = Following(self._standing)

    async def step(self, submission: Submission) -> None:
        """Take it a step further."""
        recipient = self._recipient_of(submission)
        if recipient is None:
            await self._step_without(submission)
        elif submission.ended:
            await self._following.delete_copy(recipient, submission)
        elif submission.state in ("written", "submit_unknown"):
            await self._submitting.search(recipient, submission)
        elif submission.state == "submitted":
            await self._following.follow(recipient, submission)
        elif submission.abandoned_at:
            await self._standing.fail(recipient, submission, "cancelled_by_user")
        elif self._standing.is_late(submission):
            await self._standing.fail(recipient, submission, ProviderFailure.CAPACITY)
        else:
            await self._submitting.submit(recipient, submission)

    def _recipient_of(self, submission: Submission) -> Recipient | None:
        """The one that its owner has agreed to, or nobody: no other takes its place."""
        return self._recipients.get(submission.recipient)

    async def _step_without(self, submission: Submission) -> None:
        """Nobody here can reach the recipient (any more): what has not left fails at once, what has is waited for."""
        standing = self._standing
        if submission.state == "waiting":
            await standing.end(submission, None, ProviderFailure.AUTH, submissions.ending(None, None))
        elif not submission.ended and (submission.abandoned_at or standing.is_late(submission)):
            await standing.end(submission, None, ProviderFailure.TIMEOUT, submissions.ending("unknown", None))
        else:
            await standing.later(submission, _MINUTE)
