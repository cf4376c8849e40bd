"""Events are enqueued with what they tell of, leased fairly, and dropped once the account's epoch has risen."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from cluster import clock
from cluster.records import accounts, lifecycle
from cluster.records import webhook_deliveries as deliveries
from cluster.records import webhook_endpoints as endpoints
from cluster.records.job_states import Actor
from cluster.records.webhook_deliveries import Delivery, Due
from cluster.storage.errors import KeyMissing
from tests.fixtures_cluster import ShiftClock
from tests.world import AI, World, notice_for

ALL = ("video.completed", "video.failed", "video.cancelled")
URL = "https://host.example/hook"
LIFE = timedelta(seconds=45)


def endpoint(world: World, account_id: str, events: tuple[str, ...] = ALL, *, verified: bool = True) -> str:
    """An endpoint that takes events."""
    endpoint_id, _ = world.run(endpoints.create, world.keys, account_id, url=URL, name="mine", events=events)
    if verified:
        world.run(endpoints.verify, endpoint_id)
    return endpoint_id


def log(world: World, endpoint_id: str) -> list[Delivery]:
    return world.run(deliveries.listing, endpoint_id, after=None, limit=100)[0]


def leased(world: World, room: int = 100, per_account: int = 100) -> list[Due]:
    return world.run(deliveries.lease, room=room, per_account=per_account, life=LIFE)


def cancelled(world: World, account_id: str) -> str:
    """A job that was cancelled."""
    job_id = world.job(account_id)
    assert world.run(lifecycle.cancel, job_id, Actor.OWNER, "cancelled_by_user")
    return job_id


def test_each_end_of_a_job_is_an_event(world: World) -> None:
    account = world.account()
    endpoint_id = endpoint(world, account)
    completed = world.job(account)
    assert world.run(lifecycle.complete, world.advance(world.claim()[0]))
    failed = world.job(account)
    assert world.run(lifecycle.fail, world.claim()[0], "internal")
    stopped = cancelled(world, account)
    assert {(row.type, row.job_id) for row in log(world, endpoint_id)} == {
        ("video.completed", completed),
        ("video.failed", failed),
        ("video.cancelled", stopped),
    }


def test_an_end_that_is_undone_is_no_event(world: World) -> None:
    account = world.account()
    endpoint_id = endpoint(world, account)
    job_id = world.job(account)

    def cancel_and_fail(connection: Connection) -> None:
        assert lifecycle.cancel(connection, job_id, Actor.OWNER, "cancelled_by_user")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.run(cancel_and_fail)
    assert log(world, endpoint_id) == []


def test_only_endpoints_that_want_to_know_are_told(world: World) -> None:
    account, stranger = world.account(), world.account()
    told = endpoint(world, account)
    others = [
        endpoint(world, account, ("video.completed",)),
        endpoint(world, account, verified=False),
        endpoint(world, account),
        endpoint(world, stranger),
    ]
    world.run(endpoints.disable, others[2])
    cancelled(world, account)
    assert len(log(world, told)) == 1
    assert [log(world, other) for other in others] == [[], [], [], []]


def test_an_attempt_is_leased_and_made_again_if_nobody_ends_it(world: World, shift_clock: ShiftClock) -> None:
    account = world.account()
    endpoint_id = endpoint(world, account)
    cancelled(world, account)
    (first,) = leased(world)
    assert first.attempt == 1
    assert leased(world) == []
    shift_clock(seconds=46)
    (second,) = leased(world)
    assert second == Due(first.delivery_id, 2)
    world.run(deliveries.try_later, first.delivery_id, 503, clock.now() + timedelta(hours=1))
    shift_clock(minutes=59)
    assert leased(world) == []
    shift_clock(minutes=2)
    assert len(leased(world)) == 1
    world.run(deliveries.end, first.delivery_id, "delivered", 200)
    shift_clock(hours=2)
    assert leased(world) == []
    world.run(deliveries.end, first.delivery_id, "failed", 500)
    (row,) = log(world, endpoint_id)
    assert (row.state, row.last_status, row.attempts, row.next_attempt_at) == ("delivered", 200, 3, None)


def test_one_account_cannot_take_all_the_room(world: World) -> None:
    busy, quiet = world.account(), world.account()
    for account, number in ((busy, 5), (quiet, 1)):
        endpoint(world, account)
        for _ in range(number):
            cancelled(world, account)
    taken = [world.run(deliveries.get, due.delivery_id) for due in leased(world, per_account=2)]
    assert sorted(row.account_id for row in taken if row) == sorted([busy, busy, quiet])
    assert len(leased(world, room=2, per_account=9)) == 2


@pytest.mark.parametrize("change", ["epoch = epoch + 1", "closed_at = created_at", "frozen_at = created_at"])
def test_nothing_is_sent_once_the_account_has_changed(world: World, change: str) -> None:
    account = world.account()
    endpoint_id = endpoint(world, account)
    cancelled(world, account)
    (due,) = leased(world)
    assert world.run(deliveries.may_send, due.delivery_id)
    world.sql(f"UPDATE accounts SET {change} WHERE id = :id", id=account)
    assert not world.run(deliveries.may_send, due.delivery_id)
    (row,) = log(world, endpoint_id)
    assert (row.state, row.last_status) == ("dropped", None)
    assert row.ended_at


def test_a_withdrawal_drops_what_was_waiting_and_not_what_comes(world: World) -> None:
    account, notice = world.account(), notice_for(AI)
    world.publish(notice)
    endpoint_id = endpoint(world, account)
    cancelled(world, account)
    stopped = world.job(account)
    world.run(lifecycle.answer, account, purpose=AI, notice_version=notice.version, granted=False)
    later = cancelled(world, account)
    sendable = {due.delivery_id for due in leased(world) if world.run(deliveries.may_send, due.delivery_id)}
    rows = {row.job_id: row for row in log(world, endpoint_id)}
    assert {row.job_id for row in rows.values() if row.id in sendable} == {later}
    assert rows[stopped].state == "dropped"


def test_nothing_is_sent_to_an_endpoint_that_is_disabled_or_gone(world: World) -> None:
    account = world.account()
    disabled, removed = endpoint(world, account), endpoint(world, account)
    cancelled(world, account)
    world.run(endpoints.disable, disabled)
    assert not world.run(endpoints.remove, removed, world.account())
    assert world.run(endpoints.remove, removed, account)
    dues = leased(world)
    assert [world.run(deliveries.may_send, due.delivery_id) for due in dues] == [False]
    assert log(world, removed) == []


def test_an_old_secret_signs_for_a_day_and_is_then_gone(world: World, shift_clock: ShiftClock) -> None:
    account = world.account()
    endpoint_id, first = world.run(endpoints.create, world.keys, account, url=URL, name="", events=ALL)

    def secrets() -> list[str]:
        found = world.run(endpoints.get, endpoint_id)
        assert found
        return endpoints.secrets_of(world.keys, world.opening(account), found)

    def rotate(*, keep_old: bool) -> str:
        found = world.run(endpoints.get, endpoint_id)
        assert found
        return world.run(endpoints.rotate_secret, world.keys, found, keep_old=keep_old)

    second = rotate(keep_old=True)
    assert secrets() == [second, first]
    shift_clock(hours=23, minutes=59)
    world.run(endpoints.forget_old, timedelta(days=9))
    assert secrets() == [second, first]
    shift_clock(minutes=2)
    assert secrets() == [second]
    world.run(endpoints.forget_old, timedelta(days=9))
    assert world.sql("SELECT 1 FROM webhook_endpoints WHERE previous_secret_sealed IS NOT NULL") == []
    third = rotate(keep_old=False)
    assert secrets() == [third]


def test_what_is_over_is_forgotten(world: World, shift_clock: ShiftClock) -> None:
    account = world.account()
    kept, unchecked = endpoint(world, account), endpoint(world, account, verified=False)
    cancelled(world, account)
    world.run(endpoints.forget_old, timedelta(minutes=15))
    assert world.run(endpoints.get, unchecked)
    shift_clock(minutes=16)
    world.run(endpoints.forget_old, timedelta(minutes=15))
    assert world.run(endpoints.get, unchecked) is None
    assert world.run(deliveries.remove_old, timedelta(days=30)) == 0
    shift_clock(days=31)
    assert world.run(deliveries.remove_old, timedelta(days=30)) == 1
    assert world.run(endpoints.get, kept)


def test_without_the_account_s_key_nothing_of_an_endpoint_is_readable(world: World) -> None:
    account = world.account()
    found = world.run(endpoints.get, endpoint(world, account))
    assert found
    opening = world.opening(account)
    shown = (endpoints.url_of(world.keys, opening, found), endpoints.name_of(world.keys, opening, found))
    assert shown == (URL, "mine")
    world.keys.destroy(account)
    for opened in (endpoints.url_of, endpoints.name_of, endpoints.secrets_of):
        with pytest.raises(KeyMissing):
            opened(world.keys, opening, found)


def test_a_raised_epoch_is_seen_by_whoever_is_about_to_send(world: World) -> None:
    account = world.account()
    endpoint(world, account)
    cancelled(world, account)
    (due,) = leased(world)
    world.run(accounts.raise_epoch, account)
    assert not world.run(deliveries.may_send, due.delivery_id)
