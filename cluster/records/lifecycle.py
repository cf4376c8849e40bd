"""What happens to a job, each as one transaction over all the records that it touches.

Every function takes a connection in a transaction and leaves the records consistent: job, lease, credits and media
move together or not at all. The table of `job_states` says who may do what.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, select

from cluster import clock
from cluster.privacy.media_kinds import KINDS, Lifetime, MediaKind
from cluster.privacy.purposes import recipient_of
from cluster.records import (
    accounts,
    api_keys,
    consents,
    credits,
    jobs,
    leases,
    media,
    sessions,
    sign_ups,
    spending,
    submissions,
    turns,
    video_batches,
    webhook_deliveries,
    webhook_endpoints,
)
from cluster.records.consents import Line
from cluster.records.job_states import FORK, STAGES, Actor, JobState, Stage, following
from cluster.records.jobs import NewJob
from cluster.records.leases import Lease
from cluster.storage.keys import KeyStore

__all__ = [
    "EXPIRED",
    "accept",
    "answer",
    "cancel",
    "cancel_outdated",
    "claim",
    "close",
    "close_expired_guests",
    "complete",
    "delete",
    "end_stage",
    "fail",
    "hand_back",
    "lose",
    "lose_expired",
    "set_known_minor",
]

EXPIRED: Final = "video_expired"
_TRANSIENT = [kind for kind, rule in KINDS.items() if rule.lifetime is Lifetime.TASK]
_CLAIMING = 0x6932_7601
_UNSTORED = timedelta(hours=1)


def accept(connection: Connection, keys: KeyStore, new: NewJob) -> None:
    """Queue a job, hold its price, and count it against the key that asked for it.

    Raises:
        InsufficientCredits: the account has less than the price.
        SpendingCapReached: the key may not spend as much.
    """
    turn = turns.upcoming(connection, new.account_id, new.priority)
    jobs.create(connection, keys, replace(new, turn=turn))
    credits.reserve(connection, new.account_id, new.id, new.price)
    if new.api_key_id is not None:
        spending.charge(connection, new.api_key_id, new.price)


def claim(connection: Connection, slots: Mapping[Stage, int], holder: str) -> list[Lease]:
    """Lease as much due work as the stages have room for, later stages first, so that begun work ends."""
    connection.execute(select(func.pg_advisory_xact_lock(_CLAIMING)))
    busy = leases.count(connection)
    taken: list[Lease] = []
    for stage in reversed(STAGES):
        room = slots.get(stage, 0) - busy.get(stage, 0)
        if room > 0 and (due := jobs.due(connection, stage, room)):
            fences = jobs.begin_stage(connection, due)
            taken += [Lease(job_id, fences[job_id], stage) for job_id in due]
    leases.take(connection, taken, holder)
    return taken


def end_stage(
    connection: Connection, lease: Lease, facts: Mapping[str, Any], consumed: Collection[MediaKind] = ()
) -> bool:
    """Accept a stage's result and free the job for the next; ``consumed`` media are not needed any more.

    Returns:
        False if the lease had ended: the result must be thrown away.
    """
    stage = Stage(lease.stage)
    upcoming = following(stage, shared=_is_shared(connection, lease))
    if upcoming is None or not jobs.end_stage(connection, lease.job_id, lease.fence, stage, upcoming, facts):
        return False
    leases.drop(connection, lease.job_id)
    if consumed:
        media.doom(connection, lease.job_id, consumed)
    return True


def complete(connection: Connection, lease: Lease, unstored: timedelta = _UNSTORED) -> bool:
    """Deliver: charge the price and show the video, for ``unstored`` if it is not to be stored.

    Returns:
        False if the lease had ended; or the job's time to live has, and then it is stopped.
    """
    job = jobs.get(connection, lease.job_id)
    account = accounts.lock(connection, job.account_id) if job else None
    if job is None or account is None or account.epoch != job.epoch or job.stage is not Stage.PUBLISH:
        return False
    if job.expired:
        _give_up(connection, job.id, JobState.CANCELLED, Actor.DIRECTOR, EXPIRED, fence=lease.fence)
        return False
    if jobs.move(connection, job.id, JobState.COMPLETED, Actor.DIRECTOR, fence=lease.fence) is None:
        return False
    leases.drop(connection, job.id)
    credits.settle(connection, job.account_id, job.id)
    media.doom(connection, job.id, _TRANSIENT)
    if not job.store:
        media.doom(connection, job.id, [MediaKind.INPUT])
        media.expire_at(connection, job.id, jobs.unstore(connection, job, unstored))
    _tell(connection, job, JobState.COMPLETED)
    return True


def fail(connection: Connection, lease: Lease, error_code: str) -> bool:
    """End a job that cannot be done: nothing is charged and nothing of it is kept."""
    return _give_up(connection, lease.job_id, JobState.FAILED, Actor.DIRECTOR, error_code, fence=lease.fence)


def cancel(connection: Connection, job_id: str, actor: Actor, error_code: str) -> bool:
    """Stop a job that is waiting or running; whoever works on it learns so at the next heartbeat."""
    return _give_up(connection, job_id, JobState.CANCELLED, actor, error_code)


def lose(connection: Connection, lease: Lease, max_attempts: int, error_code: str = "worker_lost") -> bool:
    """Take a job from a worker that is gone: it is begun again, or failed once its attempts are used up.

    Returns:
        False if the lease had ended.
    """
    if not jobs.try_again(connection, lease.job_id, lease.fence, max_attempts):
        return fail(connection, lease, error_code)
    turns.send_back(connection, lease.job_id)
    _free(connection, lease)
    return True


def hand_back(connection: Connection, lease: Lease) -> None:
    """Take a job from a worker that ends through the fault of another job: this one loses no attempt by it."""
    if jobs.begin_again(connection, lease.job_id, lease.fence):
        _free(connection, lease)


def lose_expired(connection: Connection, lease_seconds: float, max_attempts: int) -> list[Lease]:
    """The same for every lease whose holder has fallen silent; returns them."""
    silent = leases.expired(connection, clock.now() - timedelta(seconds=lease_seconds))
    for lease in silent:
        lose(connection, lease, max_attempts)
    return silent


def cancel_outdated(connection: Connection) -> None:
    """Stop what belongs to an epoch that is over."""
    for job_id in jobs.outdated(connection):
        cancel(connection, job_id, Actor.DIRECTOR, "account_changed")


def answer(
    connection: Connection, account_id: str, *, purpose: str, notice_version: str, granted: bool
) -> tuple[Line, list[str]]:
    """Record a consent answer. A withdrawal raises the epoch and stops the work of that purpose, and no other.

    Returns:
        The new line of the ledger, and the jobs that were stopped.
    """
    account = accounts.lock(connection, account_id)
    epoch = account.epoch if account else 0
    line = consents.append(
        connection, account_id, purpose=purpose, notice_version=notice_version, granted=granted, epoch=epoch
    )
    if granted:
        return line, []
    return line, _stop(connection, account_id, lambda served: purpose in served, "consent_withdrawn")


def set_known_minor(connection: Connection, account_id: str, known: bool) -> bool:
    """Say that an account is known to be a minor's, or that it is not; from then on nothing of a minor's is shared.

    Returns:
        False if there is no such account.
    """
    if not accounts.set_known_minor(connection, account_id, known):
        return False
    if known:
        _stop(connection, account_id, lambda served: any(map(recipient_of, served)), "not_for_minors")
    return True


def delete(connection: Connection, account_id: str, job_id: str) -> bool:
    """Stop a job if it still runs, doom all its media and remove its content; False if there is no such job."""
    job = jobs.get(connection, job_id, account_id)
    if job is None:
        return False
    cancel(connection, job_id, Actor.OWNER, "cancelled_by_user")
    media.doom(connection, job_id, list(MediaKind))
    jobs.erase_content(connection, job_id)
    return True


def close(connection: Connection, account_id: str) -> None:
    """End an account for good: nothing of it runs, lets anybody in or is kept but what the law wants kept."""
    account = accounts.lock(connection, account_id)
    if account is None:
        return
    accounts.raise_epoch(connection, account_id)
    for job_id in jobs.all_of_account(connection, account_id):
        cancel(connection, job_id, Actor.OWNER, "account_closed")
        jobs.erase_content(connection, job_id)
    media.doom_account(connection, account_id)
    api_keys.revoke_others(connection, account_id, None)
    sessions.revoke_others(connection, account_id, None)
    webhook_endpoints.remove_all(connection, account_id)
    video_batches.remove_all(connection, account_id)
    sign_ups.detach(connection, account_id)
    accounts.close(connection, account_id)


def close_expired_guests(connection: Connection) -> int:
    """`close` for guests whose time has passed; returns how many there were."""
    expired = accounts.expired_guests(connection)
    for account_id in expired:
        close(connection, account_id)
    return len(expired)


def _is_shared(connection: Connection, lease: Lease) -> bool:
    """Whether a third party makes the job's video. Only where the routes part, and beyond, is it looked up."""
    if lease.stage in (Stage.DELEGATION, Stage.RECEPTION):
        return True
    job = jobs.get(connection, lease.job_id) if lease.stage == FORK else None
    return job is not None and any(recipient_of(purpose) for purpose in job.purposes)


def _stop(connection: Connection, account_id: str, ends: Callable[[Sequence[str]], bool], code: str) -> list[str]:
    """Raise the epoch, and stop the jobs whose purposes make it so; the others go on under the new one."""
    affected = [job_id for job_id, served in jobs.active_of_account(connection, account_id) if ends(served)]
    stopped = [job_id for job_id in affected if cancel(connection, job_id, Actor.CONSENT, code)]
    jobs.renew_epoch(connection, account_id, accounts.raise_epoch(connection, account_id))
    return stopped


def _free(connection: Connection, lease: Lease) -> None:
    """Let somebody else do the stage, from its input."""
    leases.drop(connection, lease.job_id)
    media.doom_unfinished(connection, lease.job_id)


def _give_up(
    connection: Connection, job_id: str, state: JobState, actor: Actor, error_code: str, *, fence: int | None = None
) -> bool:
    job = jobs.move(connection, job_id, state, actor, fence=fence, error_code=error_code)
    if job is None:
        return False
    leases.drop(connection, job.id)
    credits.release(connection, job.account_id, job.id)
    if job.api_key_id is not None:
        spending.give_back(connection, job.api_key_id, job.price)
    media.doom(connection, job.id, list(MediaKind))
    submissions.abandon(connection, job.id)
    if not job.store:
        jobs.erase(connection, [job.id])
    _tell(connection, job, state)
    return True


def _tell(connection: Connection, job: jobs.Job, state: JobState) -> None:
    """Enqueue the event of a job's end, under the epoch that the job was of."""
    webhook_deliveries.enqueue(connection, job.account_id, job.epoch, f"video.{state.value}", job.id)
