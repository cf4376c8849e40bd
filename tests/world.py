"""A database with accounts and jobs in it, for tests of the records."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, text

from cluster.ids import new_id
from cluster.privacy.notices import Notice, parse
from cluster.privacy.purposes import Purpose
from cluster.records import access_log, accounts, credits, disclosure_outcomes, disclosures, jobs, lifecycle, notices
from cluster.records.disclosure_outcomes import Outcome
from cluster.records.disclosures import Sending, Subject
from cluster.records.job_states import Priority, Stage
from cluster.records.jobs import Job, NewJob
from cluster.records.leases import Lease
from cluster.storage.database import Database
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening

P = ParamSpec("P")
T = TypeVar("T")

PRICE = 10
SHARE = "share:elsewhere"
AI = Purpose.AI_PROCESSING.value
PLENTY = dict.fromkeys(Stage, 100)


def notice_for(purpose: str, words: str = "") -> Notice:
    """A notice as somebody would write it; other words make another version."""
    return parse(
        f"---\npurpose: {purpose}\ntitle: A notice\ndata: [a photo]\nrecipient: nobody\ncountry: here\n"
        f"how: Read once and forgotten.\n---\nThis is what happens with your photo, in enough words. {words}"
    )


def subject_of(job: Job) -> Subject:
    """Whose data a disclosure of this job would be."""
    return Subject(job.account_id, job.id, job.epoch)


@dataclass(frozen=True)
class World:
    """One database, its keys, and short ways to fill it."""

    database: Database
    keys: KeyStore

    def run(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a record's function in a transaction of its own."""
        return self.database.run(function, *args, **kwargs)

    def sql(self, statement: str, **values: object) -> list[Any]:
        """Run SQL; the rows that it returns."""

        def execute(connection: Connection) -> list[Any]:
            result = connection.execute(text(statement), values)
            return list(result) if result.returns_rows else []

        return self.database.run(execute)

    def account(self, available: int = 1000) -> str:
        """A new account with credits."""

        def open_account(connection: Connection) -> str:
            account_id = accounts.create(connection, self.keys, terms_version="terms").id
            credits.grant(connection, account_id, available)
            return account_id

        return self.database.run(open_account)

    def job(
        self,
        account_id: str,
        *,
        purposes: Sequence[str] = (AI,),
        price: int = PRICE,
        prompt: str = "a calm morning",
        api_key_id: str | None = None,
        subject_lookup: bytes | None = None,
        priority: Priority = Priority.NORMAL,
    ) -> str:
        """A queued job whose price is reserved."""

        def queue(connection: Connection) -> str:
            account = accounts.lock(connection, account_id)
            assert account
            new = NewJob(
                id=new_id("video"),
                account_id=account_id,
                epoch=account.epoch,
                model="default",
                purposes=purposes,
                consent_snapshot={},
                parameters={"seconds": 4.0},
                facts={},
                prompt=prompt,
                price=price,
                api_key_id=api_key_id,
                subject_lookup=subject_lookup,
                priority=priority,
            )
            lifecycle.accept(connection, self.keys, new)
            return new.id

        return self.database.run(queue)

    def claim(self, **slots: int) -> list[Lease]:
        """Claim as a director: everything due, or as much as the named stages have room for."""
        chosen = {Stage(name): number for name, number in slots.items()} or PLENTY
        return self.database.run(lifecycle.claim, chosen, "director")

    def advance(self, lease: Lease, upto: Stage = Stage.PUBLISH) -> Lease:
        """Do nothing in stage after stage until the job is leased for ``upto``."""
        while lease.stage != upto:
            assert self.database.run(lifecycle.end_stage, lease, {})
            (lease,) = [claimed for claimed in self.claim() if claimed.job_id == lease.job_id]
        return lease

    def read(self, job_id: str) -> Job:
        """The job as it stands."""
        job = self.database.run(jobs.get, job_id)
        assert job
        return job

    def transfers(self, job_id: str) -> list[str]:
        """The kinds of the job's credit transfers, in order."""
        rows = self.sql("SELECT kind FROM credit_transfers WHERE job_id = :job ORDER BY sequence", job=job_id)
        return [row.kind for row in rows]

    def opening(self, account_id: str) -> Opening:
        """Leave to open what is the account's, on record."""
        return self.database.run(access_log.by_service, account_id, service="tests", purpose="a test")

    def publish(self, *published: Notice) -> None:
        """Put notices on record."""
        self.database.run(notices.publish, published)


def fill_ledgers(world: World, account_id: str, notice: Notice, sender: World | None = None) -> None:
    """A line in every ledger: a grant to share with the notice's recipient, and a job that did, by ``sender``."""
    world.publish(notice)
    world.run(lifecycle.answer, account_id, purpose=notice.purpose, notice_version=notice.version, granted=True)
    sending = Sending(notice.purpose.removeprefix("share:"), "Atlantis", ["photos"], b"a photo")
    job = world.read(world.job(account_id))
    sender = sender or world
    line = sender.run(disclosures.record, world.keys, subject_of(job), sending, {notice.purpose: notice.version})
    sender.run(disclosure_outcomes.record, account_id, line.sequence, Outcome.ANSWERED, line.size)
