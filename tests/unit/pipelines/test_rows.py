"""Rows that end by time do so, by a rule for each category of the data map that says so."""

from datetime import timedelta
from typing import Any

from cluster import clock
from cluster.privacy import data_map
from cluster.privacy.in_words import life
from cluster.records import (
    allowances,
    fetches,
    idempotency,
    open_streams,
    submissions,
    throttles,
    video_batch_items,
    video_batches,
    webhook_deliveries,
    webhook_endpoints,
)
from cluster.records.allowances import RequestKind
from cluster.records.idempotency import Ticket
from cluster.records.video_batch_items import NewItem
from cluster.settings import Settings
from pipelines.sweep.rows import RULES
from tests.fixtures_cluster import ShiftClock
from tests.unit.pipelines.planting import HOUR, Garden


def test_every_category_whose_rows_end_by_time_has_a_rule(settings: Settings) -> None:
    """Media end by `overdue`; the rows of a task end by their own ``expires_at``."""
    timed = {
        name
        for name, category in data_map.load().categories.items()
        if category.retention == "task" or life(category, settings) is not None
        if not category.places.objects
    }
    assert set(RULES) == timed


def plant(garden: Garden, kept: timedelta) -> None:
    """A row of each category, as old as now."""
    world, account = garden.world, garden.world.account()
    world.run(throttles.hit, b"key", kept)
    world.run(fetches.announce, world.keys, account, "https://host.example/a.jpg", kept)
    world.run(idempotency.claim, Ticket(account, b"key", b"body"), kept)
    endpoint_id, _ = world.run(
        webhook_endpoints.create, world.keys, account, url="https://host.example/", name="", events=[]
    )
    world.run(webhook_deliveries.enqueue_sample, endpoint_id, account, 0, "video.failed")
    world.run(allowances.take, {(account, RequestKind.READ): 1}, {RequestKind.READ: 1})
    world.run(open_streams.open_each, [account], 1)
    to: dict[str, Any] = {
        "job_id": world.job(account),
        "account_id": account,
        "recipient": "nobody",
        "model": "none",
    }
    world.run(submissions.create, fence=1, **to)
    ended = "UPDATE submissions SET state = 'failed', due_at = NULL, expires_at = :until"
    world.sql(ended, until=clock.now() + kept)
    batch_id, wanted = video_batches.new_batch_id(), [NewItem("{}", None, None)]
    world.run(video_batches.create, batch_id, account, "key")
    world.run(video_batch_items.add, video_batch_items.seal(world.keys, account, batch_id, wanted))
    world.run(video_batch_items.fail_waiting, batch_id, "code", "A sentence.")


def test_rows_go_when_their_time_has_passed(garden: Garden, shift_clock: ShiftClock) -> None:
    plant(garden, 40 * 24 * HOUR)
    assert set(garden.sweep().rows.values()) == {0}
    shift_clock(days=29)
    assert garden.sweep().rows == dict.fromkeys(RULES, 0) | {"request_rates": 2}
    shift_clock(days=2)
    assert garden.sweep().rows == dict.fromkeys(RULES, 0) | {"deliveries": 1, "batches": 1}
    shift_clock(days=10)
    rest = dict.fromkeys(RULES, 1) | {"deliveries": 0, "batches": 0, "request_rates": 0}
    assert garden.sweep(dry_run=True).rows == rest
    assert garden.sweep().rows == rest
    assert garden.sweep().rows == dict.fromkeys(RULES, 0)
