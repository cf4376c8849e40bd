"""Whatever becomes of a recipient, of a permission, or of an answer, a submission ends, and says how."""

from datetime import timedelta
from typing import Any

import pytest

from cluster import clock
from cluster.records import accounts, suspensions
from serve.egress.recipients import RecipientChannel
from serve.recipients.adapter import Pending, Ready
from serve.recipients.openai_videos import OpenAIVideos
from serve.recipients.wire import Line
from tests.emulators.openai_videos import OpenAIVideos as Emulator
from tests.emulators.script import Endpoint, Fault
from tests.handing_over import HandingOver, used
from tests.recipients import register


@pytest.fixture
def account(upstream: HandingOver) -> str:
    """Somebody who has agreed."""
    return upstream.somebody()


def test_a_recipient_that_nobody_can_reach_any_more_holds_no_job(
    upstream: HandingOver, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = upstream.job(account)

    async def use(channel: RecipientChannel) -> None:
        monkeypatch.setattr(channel._steps, "_recipients", {})
        await upstream.go_on(channel, lambda: upstream.submission(job).ended)

    upstream.work(use)
    assert upstream.submission(job).failure == "auth"
    assert upstream.read(job).error_code == "auth"
    assert upstream.server.record.all_bytes() == b""


def test_what_was_submitted_to_such_a_recipient_ends_once_it_is_late(
    upstream: HandingOver, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = upstream.job(account)

    async def use(channel: RecipientChannel) -> None:
        await upstream.go_on(channel, lambda: upstream.submission(job).state == "submitted", steps=1)
        monkeypatch.setattr(channel._steps, "_recipients", {})
        upstream.let_pass(timedelta(hours=2))
        await upstream.go_on(channel, lambda: upstream.submission(job).ended)

    upstream.work(use)
    found = upstream.submission(job)
    assert (found.failure, found.copy) == ("timeout", "unknown")


@pytest.mark.parametrize(
    ("forbid", "code"),
    [
        (lambda connection, account: accounts.set_known_minor(connection, account, True), "not_for_minors"),
        (lambda connection, _: suspensions.suspend(connection, "openai_videos"), "recipient_unavailable"),
    ],
    ids=["minor", "suspended"],
)
def test_what_else_forbids_it_is_said_as_what_it_is(
    upstream: HandingOver, account: str, forbid: Any, code: str
) -> None:
    job = upstream.job(account)
    upstream.hand_over()
    upstream.world.run(forbid, account)
    (found,) = upstream.to_the_end(job)
    assert (found.failure, upstream.read(job).error_code) == (code, code)
    assert (upstream.lines(), upstream.server.record.all_bytes()) == ([], b"")


class Broken(OpenAIVideos):
    """An adapter that cannot read what it gets."""

    async def poll(self, line: Line, task: str) -> Pending | Ready:
        """Fail as nobody thought of."""
        raise TypeError("an answer of another shape")


def test_an_answer_that_nobody_thought_of_holds_no_job(
    upstream: HandingOver, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.handing_over.create", lambda _, access: Broken(access))
    job = upstream.job(account)

    async def use(channel: RecipientChannel) -> None:
        await upstream.go_on(channel, lambda: upstream.submission(job).state == "submitted", steps=1)
        upstream.let_pass(timedelta(hours=2))
        await upstream.go_on(channel, lambda: upstream.submission(job).ended)

    upstream.work(use)
    assert upstream.submission(job).failure == "timeout"


def test_a_deletion_that_fails_is_tried_again_soon(upstream: HandingOver, account: str) -> None:
    upstream.emulator.script.add(Endpoint.DELETE, Fault.SERVER_ERROR, times=3)
    began = clock.now()
    (found,) = upstream.to_the_end(upstream.job(account))
    assert found.copy == "deleted"
    assert upstream.emulator.script.waiting() == 0
    assert clock.now() - began < timedelta(minutes=5)


def test_a_result_that_is_too_large_is_not_taken(upstream: HandingOver, account: str) -> None:
    upstream.emulator.oversized_bytes = 400 << 20
    upstream.emulator.script.add(Endpoint.CREATE, Fault.OVERSIZED_VIDEO)
    (found,) = upstream.to_the_end(upstream.job(account))
    assert (found.failure, found.copy) == ("bad_result", "deleted")


@pytest.mark.parametrize("keeps_to_it", [True, False])
def test_where_an_id_is_one_task_a_lost_answer_is_asked_for_again(
    upstream: HandingOver, account: str, keeps_to_it: bool
) -> None:
    setting = used("openai_videos", upstream.server.url, options={"idempotent": str(keeps_to_it).lower()})
    upstream.register = register(setting)
    assert isinstance(upstream.emulator, Emulator)
    upstream.emulator.idempotent = keeps_to_it
    upstream.emulator.script.add(Endpoint.CREATE, Fault.DROP_AFTER_ACCEPT, times=2)
    (found,) = upstream.to_the_end(upstream.job(account))
    assert found.state == ("done" if keeps_to_it else "failed")
    assert [line.outcome for line in upstream.left()] == (["lost", "lost", "answered"] if keeps_to_it else ["lost"])
    assert len({line.submission_id for line in upstream.lines()}) == 1
    assert upstream.emulator.tasks.paid == 1
