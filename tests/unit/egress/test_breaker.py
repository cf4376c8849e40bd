"""Nobody's photo is tried on a recipient that fails, and none gets more within a minute than it shall."""

import asyncio
from datetime import timedelta

from cluster.records import breakers
from serve.egress.recipients import RecipientChannel
from tests.emulators.script import Endpoint, Fault
from tests.handing_over import HandingOver


def sent(upstream: HandingOver) -> int:
    return len(upstream.left())


def test_where_the_key_is_refused_no_second_photo_is_sent(upstream: HandingOver) -> None:
    account = upstream.somebody()
    upstream.emulator.script.add(Endpoint.CREATE, Fault.AUTH)
    (refused,) = upstream.to_the_end(upstream.job(account))
    assert (refused.failure, sent(upstream)) == ("auth", 1)
    job = upstream.job(account)

    async def use(channel: RecipientChannel) -> None:
        for _ in range(3):
            upstream.hand_over()
            await channel.step_due()
            await channel.drain()
        assert (upstream.submission(job).state, sent(upstream)) == ("waiting", 1)
        upstream.let_pass(timedelta(minutes=2))
        await upstream.go_on(channel, lambda: upstream.submission(job).ended)

    upstream.work(use)
    assert (upstream.submission(job).state, sent(upstream)) == ("done", 2)
    assert upstream.world.run(breakers.open_until, upstream.recipient) is None


def test_a_recipient_whose_answers_are_lost_is_left_alone(upstream: HandingOver) -> None:
    upstream.emulator.script.add(Endpoint.CREATE, Fault.DROP_BEFORE, times=5)
    lost = [upstream.job(upstream.somebody()) for _ in range(5)]

    async def use(channel: RecipientChannel) -> None:
        for _ in range(3):
            upstream.hand_over()
            await channel.step_due()
            await channel.drain()

    upstream.work(use)
    spared = upstream.job(upstream.somebody())
    upstream.work(use)
    assert {upstream.submission(job).state for job in lost} == {"submit_unknown"}
    assert (upstream.submission(spared).state, upstream.submission(spared).attempts) == ("waiting", 0)
    assert sent(upstream) == 5
    assert upstream.world.run(breakers.open_until, upstream.recipient) is not None


def test_replicas_together_send_no_more_within_a_minute_than_they_shall(upstream: HandingOver) -> None:
    upstream.per_minute = 3
    jobs = [upstream.job(upstream.somebody()) for _ in range(8)]

    async def use(channel: RecipientChannel) -> None:
        other = upstream.channel()
        upstream.hand_over()
        await asyncio.gather(channel.step_due(), other.step_due())
        await asyncio.gather(channel.drain(), other.drain())

    upstream.work(use)
    assert sent(upstream) == 3
    waiting = [upstream.submission(job) for job in jobs if upstream.submission(job).state == "waiting"]
    assert [one.attempts for one in waiting] == [0] * 5
    upstream.let_pass(timedelta(minutes=1))
    upstream.work(use)
    assert sent(upstream) == 6
