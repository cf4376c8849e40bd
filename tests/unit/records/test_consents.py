"""Consent: three states, an append-only ledger, and withdrawal that stops the work of one purpose."""

from cluster.privacy.consent import ConsentState
from cluster.privacy.media_kinds import MediaKind
from cluster.records import accounts, consents, leases, lifecycle, media
from cluster.records.job_states import JobState
from tests.world import AI, SHARE, World, notice_for

NOTICE, SHARING = notice_for(AI), notice_for(SHARE)
OLD = notice_for(SHARE, "These were the words before.")
CURRENT = {AI: NOTICE.version, SHARE: SHARING.version}


def opened(world: World) -> str:
    world.publish(NOTICE, SHARING, OLD)
    return world.account()


def answer(world: World, account: str, purpose: str, granted: bool, version: str | None = None) -> list[str]:
    named = version or CURRENT[purpose]
    return world.run(lifecycle.answer, account, purpose=purpose, notice_version=named, granted=granted)[1]


def states(world: World, account: str) -> dict[str, ConsentState]:
    return world.run(consents.states, account, CURRENT)


def test_the_latest_answer_counts(world: World) -> None:
    account = opened(world)
    assert states(world, account) == {AI: ConsentState.UNSET, SHARE: ConsentState.UNSET}
    for granted, state in ((True, "granted"), (False, "withdrawn"), (True, "granted"), (True, "granted")):
        answer(world, account, SHARE, granted)
        assert states(world, account) == {AI: ConsentState.UNSET, SHARE: state}
    history = world.run(consents.history, account)
    assert [line.granted for line in history] == [True, False, True, True]
    assert sorted(history, key=lambda line: line.recorded_at) == history


def test_a_grant_lapses_when_the_notice_changes_and_a_withdrawal_does_not(world: World) -> None:
    account = opened(world)
    answer(world, account, SHARE, True, OLD.version)
    assert states(world, account)[SHARE] is ConsentState.UNSET
    answer(world, account, SHARE, False, OLD.version)
    assert states(world, account)[SHARE] is ConsentState.WITHDRAWN


def test_one_account_answers_for_itself(world: World) -> None:
    account, other = opened(world), world.account()
    answer(world, account, SHARE, True)
    assert states(world, other)[SHARE] is ConsentState.UNSET
    assert world.run(consents.history, other) == []


def test_withdrawal_stops_the_work_of_that_purpose_and_no_other(world: World) -> None:
    account, other = opened(world), world.account()
    shared, own = world.job(account, purposes=(AI, SHARE)), world.job(account)
    foreign = world.job(other, purposes=(AI, SHARE))
    running = {lease.job_id: lease for lease in world.claim()}
    medium = world.run(media.begin, account, MediaKind.INPUT, "image/png", job_id=shared, fence=1)

    assert answer(world, account, SHARE, False) == [shared]

    stopped = world.read(shared)
    assert (stopped.state, stopped.error_code) == (JobState.CANCELLED, "consent_withdrawn")
    assert world.transfers(shared) == ["reserve", "release"]
    assert not world.run(leases.beat, shared, running[shared].fence, 1, 2)
    assert [row.id for row in world.run(media.doomed)] == [medium.id]
    for job_id in (own, foreign):
        assert world.read(job_id).state is JobState.IN_PROGRESS
        assert world.run(leases.beat, job_id, running[job_id].fence, 1, 2)
        assert world.run(lifecycle.end_stage, running[job_id], {})


def test_withdrawal_raises_the_epoch_and_takes_the_other_work_along(world: World) -> None:
    account = opened(world)
    queued = world.job(account)
    answer(world, account, SHARE, False)
    raised = world.run(accounts.get, account)
    assert raised
    assert raised.epoch == 2
    assert world.read(queued).epoch == 2
    world.run(lifecycle.cancel_outdated)
    assert [lease.job_id for lease in world.claim()] == [queued]


def test_a_grant_changes_no_epoch_and_stops_nothing(world: World) -> None:
    account = opened(world)
    world.job(account, purposes=(AI, SHARE))
    assert answer(world, account, SHARE, True) == []
    kept = world.run(accounts.get, account)
    assert kept
    assert kept.epoch == 1


def test_publishing_again_adds_nothing(world: World) -> None:
    world.publish(NOTICE, SHARING)
    world.publish(NOTICE, SHARING)
    assert {row.version for row in world.sql("SELECT version FROM notices")} == {NOTICE.version, SHARING.version}
