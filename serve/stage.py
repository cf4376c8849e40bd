"""How a replica does one stage of one job: lease, heartbeat, sealed input, sealed output, one commit.

A stage is an ordinary function from a `StageRun` to facts about its result. Everything it writes is announced in
the database first and accepted in one transaction with the end of the stage; if the lease has ended meanwhile,
because of a cancellation, a withdrawal or another worker, the results are erased instead.
"""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from cluster import clock, telemetry
from cluster.errors import Unavailable
from cluster.ids import new_id
from cluster.privacy.media_kinds import MediaKind
from cluster.records import access_log, jobs, leases, lifecycle, media
from cluster.records.job_states import Stage
from cluster.records.jobs import Job
from cluster.records.leases import Lease
from cluster.records.media import Medium
from cluster.storage.openings import Opening
from serve import memory
from serve.engines.protocol import Stopped
from serve.metrics import counted
from serve.metrics.counted import Outcome
from serve.patience import patiently
from serve.resources import StageResources
from serve.step_times import StepKind

__all__ = ["Rejected", "StageRun", "perform"]

T = TypeVar("T")


class Rejected(Exception):
    """The job cannot be done, whoever tries: it fails with this code and is not charged."""

    def __init__(self, code: str) -> None:
        """Fail the job with ``code``, one of `serve.failures`."""
        super().__init__(code)
        self.code = code


class StageRun:
    """One stage of one job while it is being done."""

    def __init__(self, resources: StageResources, lease: Lease, job: Job, opening: Opening) -> None:
        """Begin; the lease has been adopted, and the access that this stage is about to have is on record."""
        self.resources, self.lease, self.job, self.opening = resources, lease, job, opening
        self.stopped = threading.Event()
        self._began_at = self._last_step_at = clock.monotonic()
        self._kind = StepKind.OTHER
        self._progress = (0, 0)
        self._written: list[tuple[Medium, int, int | None, int | None]] = []

    def on_step(self, step: int, steps: int) -> None:
        """Report progress; the next heartbeat carries it."""
        self._progress = (step, steps)
        self.step_done()

    def step_done(self) -> None:
        """Show that the work goes on."""
        if self.resources.step_times.took(self._kind, clock.monotonic() - self._last_step_at):
            counted.slow(Stage(self.lease.stage), self._kind)
        self.doing(self._kind)

    def doing(self, kind: StepKind) -> None:
        """Begin a step of this kind. For work that was told to stop and does not, no step begins: it stands still."""
        self._kind = kind
        if not self.stopped.is_set():
            self._last_step_at = clock.monotonic()

    def should_stop(self) -> bool:
        """Whether the lease has ended."""
        return self.stopped.is_set()

    def stands_still(self) -> bool:
        """Whether the present step takes longer than it may."""
        return clock.monotonic() - self._last_step_at > self.resources.step_times.patience(self._kind)

    def is_late(self) -> bool:
        """Whether the stage as a whole takes longer than it may, and has not been told to stop yet."""
        late = clock.monotonic() - self._began_at > self.resources.settings.jobs.stage_seconds
        return late and not self.stopped.is_set()

    def lose(self, code: str) -> bool:
        """Give the job up: the attempt is counted, and if it was the last one the job fails with ``code``.

        Returns:
            False if the lease had ended.
        """
        telemetry.log("stage_given_up", code=code, job_id=self.job.id, stage=self.lease.stage)
        try:
            most = self.resources.settings.jobs.max_attempts
            return self.resources.database.run(lifecycle.lose, self.lease, most, code)
        finally:
            self.stopped.set()

    def hand_back(self) -> None:
        """Give the job up through no fault of its own: the attempt is not counted."""
        self.resources.database.run(lifecycle.hand_back, self.lease)

    def read(self, kind: MediaKind) -> tuple[Medium, bytes]:
        """Open the job's sealed object of that kind."""
        medium, data = self._patiently(partial(self._opened, kind))
        self.step_done()
        return medium, data

    def write(
        self,
        kind: MediaKind,
        content_type: str,
        chunks: Iterable[bytes],
        *,
        derived_from: str,
        size: tuple[int, int] | None = None,
    ) -> Medium:
        """Seal a result. It counts only once the stage is committed."""
        self.doing(StepKind.OTHER)
        medium = self._patiently(partial(self.resources.database.run, self._announce, kind, content_type, derived_from))
        width, height = size or (None, None)
        self._written.append((medium, 0, width, height))
        put = partial(self.resources.store.put, medium.object_key, medium.account_id, medium.id, list(chunks))
        written = self._patiently(put)
        self._written[-1] = (medium, written, width, height)
        self.step_done()
        return medium

    def beat(self) -> None:
        """Tell the database that this stage is alive; learn whether it still should be."""
        alive = self.resources.database.run(leases.beat, self.job.id, self.lease.fence, *self._progress)
        if not alive:
            self.stopped.set()

    def commit(self, facts: Mapping[str, Any], consumed: Iterable[MediaKind]) -> bool:
        """Accept the results and end the stage; or erase them, and return False, if the lease has ended."""
        self.doing(StepKind.OTHER)
        accepted = self._patiently(partial(self.resources.database.run, self._accept, facts, tuple(consumed)))
        if not accepted:
            self.discard()
        return accepted

    def discard(self) -> None:
        """Erase what this run has written, unless it was accepted: a commit may be kept though its answer was lost."""
        for medium, *_ in self._written:
            if self.resources.database.run(media.get, medium.account_id, medium.id) is None:
                self.resources.store.delete(medium.object_key)

    def _opened(self, kind: MediaKind) -> tuple[Medium, bytes]:
        medium = self.resources.database.run(media.of_job, self.job.id, kind)
        if medium is None:
            raise Stopped
        reader = self.resources.store.open(medium.object_key, self.opening, medium.id)
        return medium, reader.read(0, reader.size)

    def _patiently(self, use: Callable[[], T]) -> T:
        return patiently(use, self.resources.settings, self._stopped_within)

    def _stopped_within(self, seconds: float) -> bool:
        stopped = self.stopped.wait(seconds)
        self.doing(StepKind.OTHER)
        return stopped

    def _announce(self, connection: Connection, kind: MediaKind, content_type: str, derived_from: str) -> Medium:
        if not leases.beat(connection, self.job.id, self.lease.fence, *self._progress):
            raise Stopped
        return media.begin(
            connection,
            self.job.account_id,
            kind,
            content_type,
            job_id=self.job.id,
            fence=self.lease.fence,
            derived_from=derived_from,
            expires_at=self.job.expires_at,
        )

    def _accept(self, connection: Connection, facts: Mapping[str, Any], consumed: tuple[MediaKind, ...]) -> bool:
        if not lifecycle.end_stage(connection, self.lease, facts, consumed):
            return False
        for medium, written, width, height in self._written:
            media.finish(connection, medium.id, written, width, height)
        return True


def _begin(connection: Connection, service: str, lease: Lease) -> tuple[Job, Opening] | None:
    """Take the lease over and write down who is about to open the job's media; None if the lease has ended."""
    if not leases.adopt(connection, lease.job_id, lease.fence, f"{os.getpid()}-{new_id('run')}"):
        return None
    job = jobs.get(connection, lease.job_id)
    if job is None:
        return None
    opening = access_log.by_service(connection, job.account_id, service=service, purpose=lease.stage, job_id=job.id)
    return job, opening


Work = Callable[[StageRun], Mapping[str, Any]]


class Heartbeat:
    """Beats once a second in a thread of its own for as long as the block runs and its work does not stand still."""

    def __init__(self, run: StageRun, seconds: float) -> None:
        """Beat for ``run`` every ``seconds``."""
        self._run, self._seconds = run, seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="heartbeat", daemon=True)

    def __enter__(self) -> None:
        """Start beating."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Stop beating."""
        self._ended.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._ended.wait(self._seconds) and not self._run.stopped.is_set():
            if not self._run.stands_still():
                with suppress(Unavailable, MemoryError):
                    self._run.beat()


def perform(
    resources: StageResources,
    lease: Lease,
    work: Work,
    *,
    consumed: Iterable[MediaKind] = (),
    on_begin: Callable[[StageRun], None] = lambda _: None,
) -> None:
    """Do ``work`` under ``lease`` and write down how it ended. Never raises for what happened to the job."""
    begin = partial(resources.database.run, _begin, resources.service, lease)
    begun = patiently(begin, resources.settings, threading.Event().wait)
    if begun is None:
        return
    job, opening = begun
    run = StageRun(resources, lease, job, opening)
    on_begin(run)
    stage = Stage(lease.stage)
    counted.attempted(stage)
    started = clock.monotonic()
    outcome = _outcome(run, work, consumed)
    counted.ended(stage, outcome, clock.monotonic() - started)


def _outcome(run: StageRun, work: Work, consumed: Iterable[MediaKind]) -> Outcome:
    """Work and write down how it ended."""
    database, bounds, lease = run.resources.database, run.resources.settings.jobs, run.lease
    try:
        with Heartbeat(run, bounds.heartbeat_seconds):
            facts = work(run)
        return Outcome.DONE if run.commit(facts, consumed) else Outcome.STOPPED
    except Stopped:
        run.discard()
        return Outcome.STOPPED
    except Rejected as rejected:
        counted.rejected(rejected.code)
        database.run(lifecycle.fail, lease, rejected.code)
        run.discard()
        return Outcome.REJECTED
    except Exception as error:
        outcome = Outcome.OUT_OF_MEMORY if memory.is_out_of_memory(error) else Outcome.FAILED
        telemetry.log_failure("stage_failed", error, job_id=run.job.id, stage=lease.stage, attempt=run.job.attempts)
    # Only here is the error gone, and with it what its frames held.
    if outcome is Outcome.OUT_OF_MEMORY:
        memory.release()
    code = "out_of_memory" if outcome is Outcome.OUT_OF_MEMORY else "internal"
    database.run(lifecycle.lose, lease, bounds.max_attempts, code)
    run.discard()
    return outcome
