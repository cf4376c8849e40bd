"""Work that stands still, takes too long or takes all memory is noticed; the replica gives the job up and ends."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from cluster.records.job_states import JobState, Stage
from cluster.records.leases import Lease
from serve import memory
from serve.engines.protocol import Stopped
from serve.resources import StageResources
from serve.stage import StageRun, Work, perform
from serve.step_times import StepKind, StepTimes
from serve.watchdog import Watchdog
from tests.api import WORK, Api, Person

SOON, NEVER, PATIENCE = 0.4, 600.0, 60.0


class Replica:
    """Stages done in threads under a watchdog that says when it would end the process."""

    def __init__(self, resources: StageResources, memory_bytes: int | None = None, **bounds: float) -> None:
        patient = {"step_seconds": NEVER, "slow_step_seconds": NEVER, "stage_seconds": NEVER}
        jobs = resources.settings.jobs.model_copy(update=patient | bounds)
        settings = resources.settings.model_copy(update={"jobs": jobs})
        self.resources = replace(resources, settings=settings, step_times=StepTimes(jobs))
        self.ended = threading.Event()
        self.watchdog = Watchdog(jobs, memory_bytes, self.ended.set)
        self._threads: list[threading.Thread] = []

    def begin(self, lease: Lease, work: Work) -> None:
        """Do a stage in a thread, and come back when it has begun."""
        begun = threading.Event()

        def watched(run: StageRun) -> None:
            self.watchdog.add(run)
            begun.set()

        def do() -> None:
            perform(self.resources, lease, work, on_begin=watched)
            for run in self.watchdog.runs:
                if run.lease == lease:
                    self.watchdog.remove(run)

        self._threads.append(threading.Thread(target=do))
        self._threads[-1].start()
        assert begun.wait(PATIENCE)

    def join(self) -> None:
        """Wait until all stages have come back."""
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


@contextmanager
def blocking() -> Iterator[Work]:
    """Work that writes a video and then waits for ever, until the block ends; then it goes on as if nothing were."""
    wake = threading.Event()

    def work(run: StageRun) -> Mapping[str, Any]:
        facts = WORK[Stage.GENERATION](run)
        assert wake.wait(PATIENCE)
        return facts

    try:
        yield work
    finally:
        wake.set()


def due(api: Api, job_id: str) -> Lease:
    """The job, leased for its generation."""
    api.drive(job_id, until=lambda stage: stage is Stage.GENERATION)
    (row,) = api.world.sql("SELECT job_id, fence, stage FROM leases WHERE job_id = :job", job=job_id)
    return Lease(row.job_id, row.fence, row.stage)


def generations(api: Api) -> Iterator[Lease]:
    """Whatever is due, until nothing is."""
    while leases := api.world.claim():
        yield from leases


def failed(api: Api, job_id: str) -> str | None:
    """The code of a job that failed after all its attempts, and cost and left nothing."""
    job = api.world.read(job_id)
    assert (job.state, job.attempts) == (JobState.FAILED, api.services.resources.settings.jobs.max_attempts)
    assert api.world.transfers(job_id) == ["reserve", "release"]
    api.clean()
    assert api.snapshot().objects == frozenset()
    return job.error_code


def test_blocked_work_loses_the_job_at_once_and_publishes_nothing_when_it_wakes(api: Api, person: Person) -> None:
    lease = due(api, person.created())
    replica = Replica(api.stages, step_seconds=SOON)
    with blocking() as work:
        replica.begin(lease, work)
        assert replica.ended.wait(PATIENCE)
        (fresh,) = api.world.claim()
        assert fresh.fence > lease.fence
    replica.join()
    assert api.world.read(lease.job_id).attempts == 2
    api.clean()
    assert [key.split("/")[0] for key in api.snapshot().objects] == ["input"]
    perform(api.stages, fresh, WORK[Stage.GENERATION])
    api.drive(lease.job_id)
    assert api.world.read(lease.job_id).state is JobState.COMPLETED


def test_a_job_that_always_blocks_fails_with_its_code_and_the_next_one_is_made(api: Api, person: Person) -> None:
    poison = person.created()
    lease = due(api, poison)
    with blocking() as work:
        while api.world.read(poison).state is JobState.IN_PROGRESS:
            replica = Replica(api.stages, step_seconds=SOON)
            replica.begin(lease, work)
            assert replica.ended.wait(PATIENCE)
            lease = next(generations(api), lease)
        assert failed(api, poison) == "timed_out"
    replica.join()
    answer = person.get(f"/v1/videos/{poison}").json()
    assert (answer["status"], answer["error"]["code"]) == ("failed", "timed_out")
    assert "Nothing was charged" in answer["error"]["message"]
    following = person.created()
    api.drive(following)
    assert api.world.read(following).state is JobState.COMPLETED


def test_work_that_stands_still_does_not_beat(api: Api, person: Person) -> None:
    """If the watchdog fails as well, the lease ends by silence."""
    lease = due(api, person.created())
    replica = Replica(api.stages, step_seconds=SOON, heartbeat_seconds=0.05)
    beats = []

    def work(run: StageRun) -> Mapping[str, Any]:
        while not run.stands_still():
            threading.Event().wait(0.01)
        for _ in range(2):
            threading.Event().wait(0.5)
            beats.append(api.world.sql("SELECT heartbeat_at FROM leases"))
        raise Stopped

    perform(replica.resources, lease, work)
    before, after = beats
    assert before == after


def test_a_step_of_a_hundred_times_its_usual_length_is_noticed_long_before_the_bound(api: Api, person: Person) -> None:
    lease = due(api, person.created())
    replica = Replica(api.stages, slow_step_seconds=SOON)

    def work(run: StageRun) -> Mapping[str, Any]:
        run.doing(StepKind.FRAME)
        for step in range(20):
            run.on_step(step, 20)
        assert run.stopped.wait(PATIENCE)
        raise Stopped

    replica.begin(lease, work)
    assert replica.ended.wait(PATIENCE)
    replica.join()
    assert api.world.read(lease.job_id).attempts == 2


def test_an_attempt_that_makes_step_after_step_without_end_is_stopped_and_the_replica_stays(
    api: Api, person: Person
) -> None:
    lease = due(api, person.created())
    replica = Replica(api.stages, stage_seconds=SOON)

    def work(run: StageRun) -> Mapping[str, Any]:
        while not run.should_stop():
            run.on_step(1, 2)
            threading.Event().wait(0.01)
        raise Stopped

    replica.begin(lease, work)
    replica.join()
    assert not replica.ended.is_set()
    assert api.world.read(lease.job_id).attempts == 2


def test_steps_after_the_end_of_the_lease_do_not_keep_the_replica(api: Api, person: Person) -> None:
    lease = due(api, person.created())
    replica = Replica(api.stages, step_seconds=SOON)

    def deaf(run: StageRun) -> Mapping[str, Any]:
        run.stopped.set()
        while not replica.ended.is_set():
            run.on_step(1, 2)
            threading.Event().wait(0.01)
        raise Stopped

    replica.begin(lease, deaf)
    assert replica.ended.wait(PATIENCE)
    replica.join()


def test_what_ran_beside_the_fault_loses_no_attempt(api: Api, person: Person) -> None:
    faulty, innocent = due(api, person.created()), due(api, person.created())
    replica = Replica(api.stages, step_seconds=5 * SOON)

    def lively(run: StageRun) -> Mapping[str, Any]:
        while not run.should_stop():
            run.on_step(1, 2)
            threading.Event().wait(0.01)
        raise Stopped

    with blocking() as work:
        replica.begin(innocent, lively)
        replica.begin(faulty, work)
        assert replica.ended.wait(PATIENCE)
        assert {lease.job_id for lease in api.world.claim()} == {faulty.job_id, innocent.job_id}
        assert [api.world.read(lease.job_id).attempts for lease in (faulty, innocent)] == [2, 1]
    replica.join()


def test_memory_without_end_is_noticed_and_the_job_fails_with_its_code(api: Api, person: Person) -> None:
    poison = person.created()
    lease = due(api, poison)

    def greedy(run: StageRun) -> Mapping[str, Any]:
        taken = []
        while not run.should_stop():
            taken.append(np.ones(2**21))
            run.on_step(1, 2)
            threading.Event().wait(0.01)
        raise Stopped

    while api.world.read(poison).state is JobState.IN_PROGRESS:
        replica = Replica(api.stages, memory_bytes=memory.resident_bytes() + 2**26)
        replica.begin(lease, greedy)
        assert replica.ended.wait(PATIENCE)
        replica.join()
        lease = next(generations(api), lease)
    assert failed(api, poison) == "out_of_memory"


def test_memory_within_its_bound_is_left_alone(api: Api, person: Person) -> None:
    lease = due(api, person.created())
    replica = Replica(api.stages, memory_bytes=memory.resident_bytes() + 2**30)

    def modest(run: StageRun) -> Mapping[str, Any]:
        threading.Event().wait(1)
        return WORK[Stage.GENERATION](run)

    replica.begin(lease, modest)
    replica.join()
    assert not replica.ended.is_set()
    assert api.world.read(lease.job_id).stage is Stage.OUTPUT_SCREENING


def test_the_switch_ends_a_process_whose_interpreter_is_held() -> None:
    held = "import ctypes; from serve import dead_mans_switch as s; s.hold(1); ctypes.PyDLL(None).sleep(600)"
    done = subprocess.run([sys.executable, "-c", held], capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 1
    assert "<string>" in done.stderr


def test_the_switch_can_be_let_go() -> None:
    free = "import time; from serve import dead_mans_switch as s; s.hold(1); s.let_go(); time.sleep(2)"
    assert subprocess.run([sys.executable, "-c", free], check=False, timeout=PATIENCE).returncode == 0
