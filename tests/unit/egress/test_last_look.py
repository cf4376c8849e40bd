"""An event is looked at for the last time when the connection stands: a slow host gets nothing after a change."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.records import lifecycle
from cluster.records import webhook_deliveries as deliveries
from cluster.records import webhook_endpoints as endpoints
from cluster.records.job_states import Actor
from serve.egress.client import Client, Timeouts
from serve.egress.webhooks import WebhookChannel
from serve.resources import WebResources
from tests.outside import PUBLIC, Names, Outside, outside, rules
from tests.unit.egress.certificates import Authority
from tests.world import World

NAME = "hook.example"
EVENTS = ("video.cancelled",)


class Handshake:
    """A host whose handshake is the moment at which something else happens."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.context = self.authority.host(NAME)
        self.done = 0

    def during(self, world: World, statement: str) -> None:
        """Have this done while the connection is being made."""

        def shake(*_: Any) -> None:
            world.sql(statement)
            self.done += 1

        self.context.sni_callback = shake


@pytest.fixture
def handshake(tmp_path: Path) -> Handshake:
    """What is done during the host's handshake."""
    return Handshake(tmp_path)


@pytest.fixture
def slow(handshake: Handshake, names: Names) -> Iterator[Outside]:
    """The host."""
    names.stand_for(NAME, [PUBLIC])
    with outside(tls=handshake.context) as host:
        host.gives("/hook", b"")
        yield host


@pytest.mark.parametrize(
    ("change", "sent", "state"),
    [
        ("SELECT 1", 1, "delivered"),
        ("UPDATE accounts SET epoch = epoch + 1", 0, "dropped"),
        ("UPDATE accounts SET frozen_at = created_at", 0, "dropped"),
        ("DELETE FROM webhook_endpoints", 0, None),
    ],
)
def test_what_changes_during_the_handshake_is_seen_before_the_first_byte(
    world: World,
    outbound_resources: WebResources,
    names: Names,
    handshake: Handshake,
    slow: Outside,
    change: str,
    sent: int,
    state: str | None,
) -> None:
    account = world.account()
    endpoint_id, _ = world.run(
        endpoints.create, world.keys, account, url=slow.url("/hook", NAME), name="", events=EVENTS
    )
    world.run(endpoints.verify, endpoint_id)
    assert world.run(lifecycle.cancel, world.job(account), Actor.OWNER, "cancelled_by_user")
    handshake.during(world, change)
    client = Client(Timeouts(5, 5, 10), handshake.authority.trusted())

    async def send() -> None:
        channel = WebhookChannel(outbound_resources, client, rules(names))
        await channel.send_due()
        await channel.drain()
        await outbound_resources.database.close()

    asyncio.run(send())
    assert handshake.done == 1
    assert len(slow.seen) == sent
    log = world.run(deliveries.listing, endpoint_id, after=None, limit=9)[0]
    assert [delivery.state for delivery in log] == ([state] if state else [])
