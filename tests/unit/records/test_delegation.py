"""From a job to a submission and back: budgets hold, turns fence, and whatever happens the job ends."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from cluster.privacy.media_kinds import MediaKind
from cluster.records import delegation, lifecycle, media, submissions
from cluster.records.delegation import Budget, Delegate
from cluster.records.job_states import Actor, JobState, Stage
from cluster.records.submissions import Submission
from tests.fixtures_cluster import ShiftClock
from tests.world import AI, SHARE, World

HOLD = timedelta(seconds=30)
TO = {"default": Delegate("elsewhere", "their-model", Budget(concurrent=3, per_account=2))}


def due(world: World, account: str) -> str:
    """A job whose photo has passed."""
    job = world.job(account, purposes=(AI, SHARE))
    for stage in ("ingestion", "input_screening"):
        (lease,) = world.claim(**{stage: 9})
        assert world.run(lifecycle.end_stage, lease, {})
    return job


def release(world: World, submission: Submission, **values: Any) -> bool:
    """Write down how it stands, for good."""
    return world.database.run(lambda connection: submissions.release(connection, submission, None, **values))


def handed_over(world: World, account: str) -> tuple[str, Submission]:
    job = due(world, account)
    assert world.run(delegation.hand_over, TO) == 1
    (taken,) = world.run(submissions.take, "one", room=9, hold=HOLD)
    return job, taken


def test_budgets_hold_for_everybody_and_for_one_account(world: World) -> None:
    first, second = world.account(), world.account()
    mine = [due(world, first) for _ in range(4)]
    theirs = [due(world, second) for _ in range(2)]
    assert world.run(delegation.hand_over, TO) == 3
    assert world.run(delegation.hand_over, TO) == 0
    handed = {row.job_id: row for row in world.sql("SELECT * FROM submissions")}
    assert [job in handed for job in mine] == [True, True, False, False]
    assert [job in handed for job in theirs] == [True, False]
    assert {(row.recipient, row.model) for row in handed.values()} == {("elsewhere", "their-model")}
    assert len({row.id for row in handed.values()} | set(handed)) == 6


def test_a_job_whose_model_nobody_makes_any_more_fails_and_costs_nothing(world: World) -> None:
    account = world.account()
    job = due(world, account)
    assert world.run(delegation.hand_over, {}) == 0
    found = world.read(job)
    assert (found.state, found.error_code) == (JobState.FAILED, "recipient_unavailable")
    (balance,) = world.sql("SELECT available, reserved FROM credit_balances WHERE account_id = :id", id=account)
    assert tuple(balance) == (1000, 0)


def test_whoever_was_overtaken_changes_nothing(world: World, shift_clock: ShiftClock) -> None:
    job, first = handed_over(world, world.account())
    assert world.run(submissions.take, "two", room=9, hold=HOLD) == []
    shift_clock(seconds=31)
    (second,) = world.run(submissions.take, "two", room=9, hold=HOLD)
    assert second.turn > first.turn
    assert not release(world, first, state="failed", failure="internal")
    assert release(world, second, state="submitted", task="theirs", copy="held")
    found = world.run(submissions.of_job, job)
    assert found
    assert (found.state, found.task) == ("submitted", "theirs")


def test_what_is_held_for_longer_is_given_to_nobody_else(world: World, shift_clock: ShiftClock) -> None:
    _, held = handed_over(world, world.account())
    shift_clock(seconds=25)
    world.run(submissions.renew, [(held.id, held.turn)], HOLD)
    shift_clock(seconds=25)
    assert world.run(submissions.take, "two", room=9, hold=HOLD) == []


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_received_video_goes_on_unless_nobody_wants_it(world: World, cancelled: bool) -> None:
    account = world.account()
    job, held = handed_over(world, account)
    if cancelled:
        assert world.run(lifecycle.cancel, job, Actor.OWNER, "cancelled_by_user")
        (row,) = world.sql("SELECT abandoned_at FROM submissions")
        assert row.abandoned_at is not None
    medium = world.run(
        media.begin, account, MediaKind.RECEIVED, "application/octet-stream", job_id=job, fence=held.fence
    )
    world.run(media.finish, medium.id, 7)
    done: dict[str, Any] = {"state": "done", "media_id": medium.id} | submissions.ending("deleted", None)
    assert release(world, held, **done)
    assert world.run(delegation.settle) == 1
    assert world.run(delegation.settle) == 0
    if cancelled:
        assert [one.id for one in world.run(media.doomed)] == [medium.id]
    else:
        assert world.read(job).stage is Stage.RECEPTION


def test_one_task_is_never_two_submissions(world: World) -> None:
    account = world.account()
    (_, first), (_, second) = handed_over(world, account), handed_over(world, account)
    assert release(world, first, state="submitted", task="the same")
    with pytest.raises(IntegrityError):
        release(world, second, state="submitted", task="the same")
