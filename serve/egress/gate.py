"""The moment of sending: look at the grant, write the record, commit; and only then, within a second, the first byte.

A record that has become older than that before the first byte could go says ``not_sent``, and the look is taken anew.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from cluster import clock
from cluster.errors import ConsentRequired, Forbidden
from cluster.records import disclosure_outcomes, disclosures, submissions
from cluster.records.disclosure_outcomes import Outcome
from cluster.records.disclosures import Disclosure, Sending, Subject
from cluster.records.submissions import Submission
from cluster.storage.database import AsyncDatabase
from cluster.storage.keys import KeyStore
from serve.egress.errors import MayNotLeave, NotYet

__all__ = ["Gate", "Receiver"]


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who receives, where, which categories of data, and how often within a minute at most."""

    name: str
    country: str
    categories: Sequence[str]
    per_minute: int


class Gate:
    """Lets the content of one submission out, and writes down that it did. It is made for one attempt."""

    def __init__(
        self,
        database: AsyncDatabase,
        keys: KeyStore,
        submission: Submission,
        subject: Subject,
        receiver: Receiver,
        notices: Mapping[str, str],
    ) -> None:
        """``notices`` maps each purpose to the version of its current notice."""
        self.submission = submission
        self.line: Disclosure | None = None
        self._writing: asyncio.Future[None] | None = None
        self._attempts = submission.attempts + 1
        self._database, self._keys, self._subject = database, keys, subject
        self._receiver, self._notices = receiver, notices

    async def passed(self, content: bytes) -> None:
        """Look, and write; the first byte must follow at once.

        Raises:
            MayNotLeave: there is no live grant, something else forbids it, or the submission is somebody else's by now.
            NotYet: the recipient's budget of this minute is used up.
        """
        while (line := self.line) is None or clock.now() > line.send_by:
            self._writing = asyncio.ensure_future(self._write_anew(content))
            await asyncio.shield(self._writing)

    async def write_down(self, content: bytes) -> None:
        """Look, and write, in one transaction; errors as in `passed`."""
        line = await self._database.run(self._record, content)
        self.submission = replace(self.submission, state="written", sent_at=line.recorded_at, attempts=self._attempts)
        self.line = line

    async def ended(self, outcome: Outcome, sent_bytes: int) -> None:
        """Write down what became of what was let out. What a cut has left half written is finished before."""
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._close(outcome, sent_bytes)

    async def _write_anew(self, content: bytes) -> None:
        await self._close(Outcome.NOT_SENT, 0)
        await self.write_down(content)

    async def _close(self, outcome: Outcome, sent_bytes: int) -> None:
        line, self.line = self.line, None
        if line is not None:
            await self._database.run(
                disclosure_outcomes.record, self._subject.account_id, line.sequence, outcome, sent_bytes
            )

    def _record(self, connection: Connection, content: bytes) -> Disclosure:
        sending = Sending(self._receiver.name, self._receiver.country, self._receiver.categories, content)
        try:
            line = disclosures.record(connection, self._keys, self._subject, sending, self._notices)
        except ConsentRequired:
            raise MayNotLeave from None
        except Forbidden as refusal:
            raise MayNotLeave(refusal.code) from None
        disclosures.wait_for_others(connection, self._receiver.name)
        if disclosures.count_of_a_minute(connection, self._receiver.name) > self._receiver.per_minute:
            raise NotYet
        written = {"state": "written", "sent_at": line.recorded_at, "attempts": self._attempts}
        if not submissions.advance(connection, self.submission, **written) or submissions.abandoned(
            connection, [self.submission.id]
        ):
            raise MayNotLeave
        return line
