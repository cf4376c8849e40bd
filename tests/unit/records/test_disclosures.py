"""Nothing is written down as leaving without a live grant for that very recipient, and no line is ever changed."""

from datetime import timedelta
from typing import Any

import pytest

from cluster.errors import ConsentRequired, ConsentWithdrawn
from cluster.records import disclosures, lifecycle
from cluster.records.disclosures import Sending
from tests.world import AI, SHARE, World, notice_for, subject_of

SENDING = Sending("elsewhere", "Atlantis", ["photos", "prompts"], b"seven mb")
NOTICE = notice_for(SHARE)
CURRENT = {SHARE: NOTICE.version}


@pytest.fixture
def account(world: World) -> str:
    world.publish(NOTICE, notice_for(AI), notice_for("share:others"))
    return world.account()


def answer(world: World, account: str, granted: bool, purpose: str = SHARE) -> None:
    version = notice_for(purpose).version
    world.run(lifecycle.answer, account, purpose=purpose, notice_version=version, granted=granted)


def send(world: World, job_id: str, current: dict[str, str] | None = None) -> Any:
    return world.run(disclosures.record, world.keys, subject_of(world.read(job_id)), SENDING, current or CURRENT)


def lines(world: World) -> list[Any]:
    return world.sql("SELECT * FROM disclosures")


def test_a_line_says_what_went_to_whom_under_which_grant(world: World, account: str) -> None:
    answer(world, account, True)
    job = world.job(account)
    sent = send(world, job)
    assert (sent.job_id, sent.recipient, sent.country, sent.size) == (job, "elsewhere", "Atlantis", 8)
    assert (list(sent.categories), sent.notice_version) == (["photos", "prompts"], NOTICE.version)
    assert sent.send_by - sent.recorded_at == timedelta(seconds=1)
    (line,) = lines(world)
    assert SENDING.content not in bytes(line.content_lookup)


def test_without_a_grant_there_is_none(world: World, account: str) -> None:
    answer(world, account, True, "share:others")
    with pytest.raises(ConsentRequired):
        send(world, world.job(account))
    assert lines(world) == []


def test_a_grant_for_other_words_is_none(world: World, account: str) -> None:
    answer(world, account, True)
    changed = notice_for(SHARE, "And more besides.")
    world.publish(changed)
    with pytest.raises(ConsentRequired):
        send(world, world.job(account), {SHARE: changed.version})
    assert lines(world) == []


def test_after_a_withdrawal_there_is_none_even_if_it_was_granted_again(world: World, account: str) -> None:
    answer(world, account, True)
    job = world.job(account, purposes=(AI, SHARE))
    answer(world, account, False)
    with pytest.raises(ConsentWithdrawn):
        send(world, job)
    answer(world, account, True)
    with pytest.raises(ConsentWithdrawn):
        send(world, job)
    assert lines(world) == []
    assert send(world, world.job(account))


def test_a_closed_account_discloses_nothing(world: World, account: str) -> None:
    answer(world, account, True)
    job = world.read(world.job(account))
    world.run(lifecycle.close, account)
    with pytest.raises(ConsentWithdrawn):
        world.run(disclosures.record, world.keys, subject_of(job), SENDING, CURRENT)
    assert lines(world) == []


def test_they_are_listed_in_pages_each_account_its_own(world: World, account: str) -> None:
    answer(world, account, True)
    sent = [send(world, world.job(account)).sequence for _ in range(3)]
    other = world.account()
    answer(world, other, True)
    send(world, world.job(other))
    page, more = world.run(disclosures.listing, account, after=None, limit=2)
    assert ([one.sequence for one in page], more) == ([sent[2], sent[1]], True)
    page, more = world.run(disclosures.listing, account, after=sent[1], limit=2)
    assert ([one.sequence for one in page], more) == ([sent[0]], False)
