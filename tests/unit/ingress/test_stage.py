"""A stage: done under a lease, stopped when the lease ends, and without a trace when it was for nothing."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Connection

from cluster.privacy.media_kinds import MediaKind
from cluster.records import leases, lifecycle
from cluster.records.job_states import Actor, JobState, Stage
from cluster.records.leases import Lease
from cluster.storage.errors import CommitUnknown
from serve.engines.protocol import Stopped
from serve.stage import StageRun, perform
from tests.api import CONSUMED, WORK, Api, Person
from tests.world import AI

CANARY = "heron quuxwater"


def generation(api: Api, person: Person) -> Lease:
    """A new job, leased for its generation."""
    job_id = person.created()
    api.drive(job_id, until=lambda stage: stage is Stage.GENERATION)
    (row,) = api.world.sql("SELECT job_id, fence, stage FROM leases")
    return Lease(row.job_id, row.fence, row.stage)


def stored(api: Api, lease: Lease) -> list[str]:
    """The kinds of objects that lie in the store for the job."""
    return sorted(key.split("/")[0] for key in api.snapshot().objects if lease.job_id in key)


def endless(run: StageRun) -> Mapping[str, Any]:
    WORK[Stage.GENERATION](run)
    for _ in range(1000):
        if run.should_stop():
            raise Stopped
        time.sleep(0.01)
    pytest.fail("nobody stopped it")


def cancel(api: Api, person: Person, lease: Lease) -> None:
    assert api.world.run(lifecycle.cancel, lease.job_id, Actor.OWNER, "cancelled_by_user")


def withdraw(api: Api, person: Person, lease: Lease) -> None:
    version = api.services.notice_versions[AI]
    api.world.run(lifecycle.answer, person.account_id, purpose=AI, notice_version=version, granted=False)


def delete(api: Api, person: Person, lease: Lease) -> None:
    assert api.world.run(lifecycle.delete, person.account_id, lease.job_id)


@pytest.mark.parametrize("ending", [cancel, withdraw, delete])
def test_a_running_stage_stops_within_two_seconds_and_leaves_nothing(
    api: Api, person: Person, ending: Callable[[Api, Person, Lease], None]
) -> None:
    lease = generation(api, person)
    thread = threading.Thread(target=perform, args=(api.stages, lease, endless))
    thread.start()
    while len(stored(api, lease)) < 4:
        time.sleep(0.01)
    ending(api, person, lease)
    began = time.monotonic()
    thread.join(10)
    assert time.monotonic() - began < 2
    assert stored(api, lease) == ["input"]
    api.clean()
    assert stored(api, lease) == []
    assert api.world.transfers(lease.job_id) == ["reserve", "release"]


def test_what_a_lost_lease_wrote_is_erased_and_the_next_one_s_is_kept(api: Api, person: Person) -> None:
    stale = generation(api, person)

    def overtaken(run: StageRun) -> Mapping[str, Any]:
        facts = WORK[Stage.GENERATION](run)
        api.world.run(lifecycle.lose, stale, 3)
        (fresh,) = api.world.claim()
        perform(api.stages, fresh, WORK[Stage.GENERATION])
        return facts

    perform(api.stages, stale, overtaken)
    assert stored(api, stale) == ["input", "spritesheet", "thumbnail", "video"]
    api.drive(stale.job_id)
    job = api.world.read(stale.job_id)
    assert (job.state, job.attempts) == (JobState.COMPLETED, 2)
    assert api.world.transfers(stale.job_id) == ["reserve", "settle"]


def test_whoever_has_lost_the_lease_can_write_nothing_more(api: Api, person: Person) -> None:
    stale = generation(api, person)

    def overtaken(run: StageRun) -> Mapping[str, Any]:
        api.world.run(lifecycle.lose, stale, 3)
        return WORK[Stage.GENERATION](run)

    perform(api.stages, stale, overtaken)
    assert stored(api, stale) == ["input"]
    assert api.world.sql("SELECT kind FROM media WHERE state = 'writing'") == []


def test_a_fault_is_tried_again_and_then_fails_the_job(
    api: Api, person: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    def faulty(run: StageRun) -> Mapping[str, Any]:
        WORK[Stage.GENERATION](run)
        raise RuntimeError(CANARY)

    job_id = person.created()
    api.drive(job_id, WORK | {Stage.GENERATION: faulty})
    job = api.world.read(job_id)
    most = api.services.resources.settings.jobs.max_attempts
    assert (job.state, job.error_code, job.attempts) == (JobState.FAILED, "internal", most)
    assert api.world.transfers(job_id) == ["reserve", "release"]
    logged = "".join(capfd.readouterr())
    assert logged.count("stage_failed") == most
    assert CANARY not in logged
    api.clean()
    assert api.snapshot().objects == frozenset()


def test_a_fault_that_passes_costs_an_attempt_and_nothing_else(api: Api, person: Person) -> None:
    faults = iter([True, False])

    def flaky(run: StageRun) -> Mapping[str, Any]:
        facts = WORK[Stage.GENERATION](run)
        if next(faults):
            raise RuntimeError(CANARY)
        return facts

    job_id = person.created()
    api.drive(job_id, WORK | {Stage.GENERATION: flaky})
    assert (api.world.read(job_id).state, api.world.read(job_id).attempts) == (JobState.COMPLETED, 2)
    assert api.world.transfers(job_id) == ["reserve", "settle"]


def test_a_stage_waits_for_a_store_that_refuses(api: Api, person: Person) -> None:
    """An outage uses up no attempt."""
    objects = api.services.resources.settings.data.folder / "objects"
    away = objects.with_name("away")

    def during_an_outage(run: StageRun) -> Mapping[str, Any]:
        objects.rename(away)
        threading.Timer(0.3, away.rename, [objects]).start()
        return WORK[Stage.GENERATION](run)

    job_id = person.created()
    api.drive(job_id, WORK | {Stage.GENERATION: during_an_outage})
    assert (api.world.read(job_id).state, api.world.read(job_id).attempts) == (JobState.COMPLETED, 1)


def test_a_stage_that_waits_for_the_store_can_be_cancelled(api: Api, person: Person) -> None:
    objects = api.services.resources.settings.data.folder / "objects"
    away = objects.with_name("away")

    def during_an_outage(run: StageRun) -> Mapping[str, Any]:
        objects.rename(away)
        cancel(api, person, run.lease)
        return WORK[Stage.GENERATION](run)

    job_id = person.created()
    api.drive(job_id, WORK | {Stage.GENERATION: during_an_outage})
    away.rename(objects)
    assert api.world.read(job_id).state is JobState.CANCELLED


def test_a_lease_that_has_ended_is_not_even_begun(api: Api, person: Person) -> None:
    lease = generation(api, person)
    begun: list[StageRun] = []
    for stale in (Lease(lease.job_id, lease.fence - 1, lease.stage), Lease("video_0", 1, lease.stage)):
        perform(api.stages, stale, WORK[Stage.GENERATION], on_begin=begun.append)
    assert begun == []


def test_results_whose_acceptance_got_no_answer_are_kept(
    api: Api, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server commits, and the connection breaks before it can say so."""
    lease = generation(api, person)
    run, lost = api.stages.database.run, iter([True])

    def unsure(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        result = run(function, *arguments, **options)
        if getattr(function, "__name__", "") == "_accept" and next(lost, False):
            raise CommitUnknown
        return result

    monkeypatch.setattr(api.stages.database, "run", unsure)
    perform(api.stages, lease, WORK[Stage.GENERATION])
    assert stored(api, lease) == ["input", "spritesheet", "thumbnail", "video"]
    api.drive(lease.job_id)
    assert api.world.read(lease.job_id).state is JobState.COMPLETED


def test_a_stage_goes_on_beating_while_it_works(api: Api, person: Person) -> None:
    lease = generation(api, person)

    def beats(connection: Connection) -> Any:
        return connection.execute(leases.leases.select()).one()

    def slow(run: StageRun) -> Mapping[str, Any]:
        before = api.world.run(beats)
        run.on_step(3, 9)
        time.sleep(1.4)
        after = api.world.run(beats)
        assert after.heartbeat_at > before.heartbeat_at
        assert (after.step, after.steps) == (3, 9)
        return WORK[Stage.GENERATION](run)

    perform(api.stages, lease, slow, consumed=CONSUMED.get(Stage.GENERATION, ()))
    assert api.world.read(lease.job_id).stage is Stage.OUTPUT_SCREENING


def test_what_is_written_names_its_origin(api: Api, person: Person) -> None:
    job_id = person.created()
    api.drive(job_id)
    rows = api.world.sql("SELECT m.kind, o.kind AS origin FROM media m LEFT JOIN media o ON o.id = m.derived_from")
    origins = {row.kind: row.origin for row in rows if row.kind != MediaKind.UPLOAD}
    assert origins == {"input": "upload", "video": "input", "thumbnail": "video", "spritesheet": "video"}
