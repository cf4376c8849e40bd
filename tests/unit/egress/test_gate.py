"""No byte leaves without a live grant: whatever is withdrawn, whenever, and whoever was asleep meanwhile."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, text

from cluster import clock
from cluster.records import disclosure_outcomes, lifecycle
from cluster.records.job_states import Actor, Stage
from serve.egress.gate import Gate
from serve.egress.recipients import RecipientChannel
from tests.handing_over import HandingOver

LONGEST = 2.0
NOISE = np.random.default_rng(5).integers(0, 256, (1500, 2400, 3), dtype=np.uint8)
"""A photo of several megabytes, whatever codes it."""


@pytest.fixture
def account(upstream: HandingOver) -> str:
    """Somebody who has agreed."""
    return upstream.somebody()


def ended(upstream: HandingOver, job: str) -> Callable[[], bool]:
    return lambda: upstream.submission(job).ended


def test_a_submission_goes_there_and_back_and_its_copy_is_deleted(upstream: HandingOver, account: str) -> None:
    job = upstream.job(account)

    async def use(channel: RecipientChannel) -> None:
        await upstream.go_on(channel, lambda: upstream.read(job).stage is Stage.RECEPTION)
        await upstream.go_on(channel, lambda: upstream.submission(job).copy == "deleted")

    upstream.work(use)
    (line,) = upstream.left()
    assert (line.outcome, line.recipient, line.submission_id) == (
        "answered",
        "openai_videos",
        upstream.submission(job).id,
    )
    assert line.sent_bytes == line.size == len(upstream.server.record.bodies[0])
    assert line.consent is not None
    assert upstream.emulator.tasks.paid == 1
    assert upstream.received(job)[4:8] == b"ftyp"


def test_without_a_grant_not_even_a_connection_sends_anything(upstream: HandingOver) -> None:
    account = upstream.world.account()
    job = upstream.job(account)
    upstream.work(lambda channel: upstream.go_on(channel, ended(upstream, job)))
    assert upstream.submission(job).failure == "consent_withdrawn"
    assert (upstream.lines(), upstream.server.record.all_bytes()) == ([], b"")


@pytest.mark.parametrize("again", [False, True])
def test_what_was_withdrawn_before_the_commit_leaves_nothing(upstream: HandingOver, account: str, again: bool) -> None:
    job = upstream.job(account)
    upstream.hand_over()
    upstream.answer(account, False)
    if again:
        upstream.answer(account, True)
    upstream.work(lambda channel: upstream.go_on(channel, ended(upstream, job)))
    assert (upstream.lines(), upstream.server.record.all_bytes()) == ([], b"")
    assert upstream.read(job).error_code == "consent_withdrawn"


@pytest.mark.parametrize("withdrawn", [False, True])
def test_who_slept_after_the_commit_looks_again(
    upstream: HandingOver, account: str, monkeypatch: pytest.MonkeyPatch, withdrawn: bool
) -> None:
    """As if the process had been stopped between the commit and the first byte, and continued later."""
    record, slept = Gate._record, threading.Event()

    def sleepy(self: Gate, *args: Any) -> Any:
        line = record(self, *args)
        if not slept.is_set():
            slept.set()
            upstream.let_pass(timedelta(seconds=1.5))
        return line

    monkeypatch.setattr(Gate, "_record", sleepy)
    upstream.per_minute = 1
    job = upstream.job(account)
    closing = Gate._close

    async def withdrawing(self: Gate, *args: Any) -> None:
        if withdrawn and slept.is_set() and not upstream.world.sql("SELECT 1 FROM consents WHERE NOT granted"):
            await asyncio.to_thread(upstream.answer, account, False)
        await closing(self, *args)

    monkeypatch.setattr(Gate, "_close", withdrawing)
    upstream.work(lambda channel: upstream.go_on(channel, lambda: upstream.submission(job).state != "waiting"))
    outcomes = [line.outcome for line in upstream.lines()]
    if withdrawn:
        assert outcomes == ["not_sent"]
        assert upstream.server.record.all_bytes() == b""
    else:
        assert outcomes == ["not_sent", "answered"]
        assert (upstream.emulator.tasks.paid, upstream.submission(job).attempts) == (1, 1)


def test_who_is_cut_while_writing_down_that_nothing_was_sent_still_writes_it(
    upstream: HandingOver, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, record, writing = Gate._record, disclosure_outcomes.record, asyncio.Event()

    def sleepy(self: Gate, *args: Any) -> Any:
        line = recording(self, *args)
        upstream.let_pass(timedelta(seconds=1.5))
        return line

    def slow(connection: Connection, *args: Any) -> None:
        writing.set()
        connection.execute(text("SELECT pg_sleep(1)"))
        record(connection, *args)

    monkeypatch.setattr(Gate, "_record", sleepy)
    monkeypatch.setattr(disclosure_outcomes, "record", slow)
    job = upstream.job(account)
    upstream.hand_over()

    async def use(channel: RecipientChannel) -> None:
        await channel.step_due()
        await writing.wait()
        await asyncio.to_thread(upstream.answer, account, False)
        await channel.drain()

    upstream.work(use)
    assert [(line.outcome, line.sent_bytes) for line in upstream.lines()] == [("not_sent", 0)]
    assert upstream.submission(job).failure == "consent_withdrawn"
    assert upstream.server.record.all_bytes() == b""


@pytest.mark.parametrize("how", ["withdrawn", "cancelled", "database"])
def test_a_sending_is_cut_within_two_seconds(upstream: HandingOver, account: str, how: str) -> None:
    job = upstream.job(account, NOISE)
    upstream.hand_over()
    upstream.server.throttle(100_000)
    said: list[float] = []

    def stop() -> None:
        if how == "withdrawn":
            upstream.answer(account, False)
        elif how == "cancelled":
            upstream.world.run(lifecycle.cancel, job, Actor.OWNER, "cancelled_by_user")
        else:
            upstream.world.sql("REVOKE SELECT (epoch) ON accounts FROM i2v_outbound")
        said.append(clock.monotonic())

    async def use(channel: RecipientChannel) -> None:
        await channel.step_due()
        await asyncio.to_thread(_until, lambda: len(upstream.server.record.all_bytes()) >= 150_000)
        await asyncio.to_thread(stop)
        await channel.drain()
        await asyncio.sleep(LONGEST + 0.5)

    upstream.work(use)
    if how == "database":
        upstream.world.sql("GRANT SELECT (epoch) ON accounts TO i2v_outbound")
    received = upstream.server.record.all_bytes()
    assert 150_000 <= len(received) < 2_000_000
    last = upstream.server.record.last_at()
    assert last is not None
    assert last - said[0] <= LONGEST
    (line,) = upstream.left()
    assert (line.outcome, line.sent_bytes < line.size) == ("cut", True)
    assert upstream.emulator.tasks.paid == 0
    assert upstream.submission(job).state == ("submit_unknown" if how == "database" else "failed")


def test_what_nobody_could_look_after_is_sent_later(upstream: HandingOver, account: str) -> None:
    """The gate waits for the account while the database answers nobody who looks: that is no refusal."""
    job = upstream.job(account)
    upstream.hand_over()

    async def use(channel: RecipientChannel) -> None:
        with upstream.world.database.transaction() as held:
            held.execute(text("SELECT 1 FROM accounts WHERE id = :account FOR NO KEY UPDATE"), {"account": account})
            await channel.step_due()
            await asyncio.sleep(1)
            held.execute(text("LOCK TABLE submissions IN ACCESS EXCLUSIVE MODE"))
            await asyncio.sleep(LONGEST + 1)
        await channel.drain()
        assert upstream.submission(job).state in ("waiting", "written")
        upstream.let_pass(timedelta(minutes=1))
        await upstream.go_on(channel, lambda: upstream.submission(job).ended)

    upstream.work(use)
    assert upstream.submission(job).state == "done"
    assert upstream.emulator.tasks.paid == 1
    assert {line.outcome for line in upstream.lines()} <= {"not_sent", "answered"}


def _until(so: Callable[[], bool]) -> None:
    give_up = clock.monotonic() + 30
    while not so():
        assert clock.monotonic() < give_up
        time.sleep(0.05)


def test_what_should_not_be_seen_is_sent_with_the_prompt_and_nowhere_kept_in_clear(upstream: HandingOver) -> None:
    account = upstream.somebody()
    job = upstream.job(account)
    sealed = upstream.world.keys.seal_text(account, "heron-3141", f"jobs.negative_prompt|{job}")
    upstream.world.sql("UPDATE jobs SET negative_prompt_sealed = :s WHERE id = :j RETURNING id", s=sealed, j=job)
    upstream.to_the_end(job)
    assert b"heron-3141" in upstream.server.record.all_bytes()
