"""The only way out: no other deployment opens a connection to an outside host.

Two typed channels. `fetch` reads photos by link, `webhook` tells endpoints how jobs ended. Only ids of rows come in.
"""

import asyncio
from datetime import timedelta
from typing import Final

from cluster import settings as cluster_settings
from cluster import telemetry
from cluster.records import fetches, webhook_deliveries, webhook_endpoints
from cluster.settings import Settings
from cluster.storage.privileges import DatabaseRole
from serve import resources
from serve.egress.client import Client, Timeouts
from serve.egress.fetching import FetchChannel
from serve.egress.pinning import Rules
from serve.egress.webhooks import WebhookChannel
from serve.loops import for_ever
from serve.resources import WebResources

__all__ = ["Outbound", "channels"]

_CLEAN_SECONDS: Final = 60.0


def channels(opened: WebResources, rules: Rules | None = None) -> tuple[FetchChannel, WebhookChannel]:
    """Both channels with the bounds of this installation; ``rules`` replaces its rules on addresses."""
    rules = rules or Rules(opened.settings.outbound.networks)
    bounds = opened.settings.outbound
    photos = Client(Timeouts(bounds.connect_seconds, bounds.read_seconds, bounds.fetch_seconds))
    events = Client(Timeouts(bounds.connect_seconds, bounds.read_seconds, bounds.webhook_seconds))
    return FetchChannel(opened, photos, rules), WebhookChannel(opened, events, rules)


async def clean(opened: WebResources) -> None:
    """Forget what is over: fetches that nobody came back for, old secrets, the old part of the delivery log."""
    database, settings = opened.database, opened.settings
    await database.run(fetches.remove_expired)
    unfinished = timedelta(minutes=settings.retention.unfinished_minutes)
    await database.run(webhook_endpoints.forget_old, unfinished)
    await database.run(webhook_deliveries.remove_old, timedelta(days=settings.outbound.delivery_log_days))


class Outbound:
    """Opens connections to outside hosts on behalf of accounts, and knows nothing of them but ids."""

    async def __init__(self) -> None:  # type: ignore[misc]  # Serve awaits it
        """Open the resources and start the loops."""
        settings: Settings = cluster_settings.load()
        self._resources = resources.for_web(settings, "outbound", DatabaseRole.OUTBOUND)
        self._photos, self._events = channels(self._resources)
        poll_seconds = settings.outbound.poll_seconds
        self._loops = [
            asyncio.create_task(for_ever("outbound_failed", self._events.send_due, poll_seconds)),
            asyncio.create_task(for_ever("outbound_failed", self._clean, _CLEAN_SECONDS)),
        ]
        telemetry.log("replica_started", deployment="outbound")

    async def fetch(self, fetch_id: str) -> None:
        """Read the photo of a row of `fetches`; how it went stands in the row."""
        await self._photos.fetch(fetch_id)

    async def check_endpoint(self, endpoint_id: str) -> str | None:
        """Whether a webhook endpoint's URL is allowed: None, or the code that says why not."""
        return await self._events.check_endpoint(endpoint_id)

    async def send_sample(self, delivery_id: str) -> str | None:
        """Send one delivery, once: None if it was answered, or the code that says why not."""
        return await self._events.send_sample(delivery_id)

    async def check_health(self) -> None:
        """Serve calls this from time to time: without its loops no webhook is sent."""
        if any(loop.done() for loop in self._loops):
            raise RuntimeError("a loop of the way out has ended")

    async def _clean(self) -> None:
        await clean(self._resources)
