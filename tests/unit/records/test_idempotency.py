"""Idempotency keys: the same key is the same job, for as long as it is remembered."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import Connection

from cluster.errors import IdempotencyKeyReused
from cluster.records import idempotency
from cluster.records.idempotency import Ticket
from tests.fixtures_cluster import ShiftClock
from tests.world import World

LIFE = timedelta(hours=24)


def ticket_of(account: str, key: bytes = b"key", body: bytes = b"body") -> Ticket:
    return Ticket(account, key, body)


def use(connection: Connection, ticket: Ticket, job_id: str) -> str:
    """What the ingress does: take the key for a job, or learn whose it is."""
    if idempotency.claim(connection, ticket, LIFE):
        idempotency.fulfil(connection, ticket, job_id)
        return job_id
    return idempotency.find(connection, ticket) or "nobody's"


def test_the_same_key_is_the_same_job(world: World) -> None:
    ticket = ticket_of(world.account())
    assert world.run(idempotency.find, ticket) is None
    assert [world.run(use, ticket, name) for name in ("first", "second")] == ["first", "first"]
    assert world.run(idempotency.find, ticket) == "first"


def test_another_body_is_refused(world: World) -> None:
    account = world.account()
    world.run(use, ticket_of(account), "first")
    with pytest.raises(IdempotencyKeyReused):
        world.run(use, ticket_of(account, body=b"other"), "second")


def test_another_key_and_another_account_are_other_jobs(world: World) -> None:
    account = world.account()
    tickets = [ticket_of(account), ticket_of(account, key=b"other"), ticket_of(world.account())]
    assert [world.run(use, ticket, str(number)) for number, ticket in enumerate(tickets)] == ["0", "1", "2"]


def test_a_twin_waits_for_the_first_and_gets_its_job(world: World) -> None:
    ticket = ticket_of(world.account())
    with ThreadPoolExecutor(1) as threads:
        with world.database.transaction() as first:
            assert use(first, ticket, "first") == "first"
            twin = threads.submit(world.run, use, ticket, "twin")
            assert not Event().wait(0.2)
            assert not twin.done()
        assert twin.result(5) == "first"


def test_a_twin_takes_over_when_the_first_gives_up(world: World) -> None:
    ticket = ticket_of(world.account())
    with ThreadPoolExecutor(1) as threads:
        try:
            with world.database.transaction() as first:
                use(first, ticket, "first")
                twin = threads.submit(world.run, use, ticket, "twin")
                Event().wait(0.1)
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            assert twin.result(5) == "twin"


def test_an_expired_key_is_free_again(world: World, shift_clock: ShiftClock) -> None:
    ticket = ticket_of(world.account())
    world.run(use, ticket, "first")
    shift_clock(hours=23)
    assert world.run(idempotency.remove_expired) == 0
    assert world.run(use, ticket, "second") == "first"
    shift_clock(hours=2)
    assert world.run(use, ticket_of(ticket.account_id, body=b"other"), "second") == "second"
    shift_clock(hours=25)
    assert world.run(idempotency.remove_expired) == 1
    assert world.sql("SELECT 1 FROM idempotency_keys") == []
