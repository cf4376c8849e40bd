"""The only way out: no other deployment opens a connection to an outside host.

Three typed channels. `fetch` reads photos by link, `webhook` tells endpoints how jobs ended, `recipient` has third
parties make videos. Only ids of rows come in.
"""

import asyncio
from datetime import timedelta
from typing import Final

from cluster import clock, runtime, telemetry
from cluster import settings as cluster_settings
from cluster.privacy import recipients
from cluster.privacy.recipients import Recipient, Register
from cluster.privacy.share_notices import share_notices
from cluster.records import fetches, webhook_deliveries, webhook_endpoints
from cluster.settings import Settings
from cluster.storage import recipient_secrets
from cluster.storage.privileges import DatabaseRole
from serve import resources
from serve.egress.checking import check
from serve.egress.client import Client, Timeouts
from serve.egress.cuts import Cuts
from serve.egress.fetching import FetchChannel
from serve.egress.pinning import Rules
from serve.egress.recipients import RecipientChannel
from serve.egress.registered import access_of, recipient_of
from serve.egress.steps import Steps
from serve.egress.webhooks import WebhookChannel
from serve.egress.wire import RecipientLine
from serve.loops import for_ever
from serve.recipients.adapter import Adapter
from serve.recipients.registry import create
from serve.resources import WebResources

__all__ = ["Outbound", "channels", "check_recipients", "recipient_channel"]

_CLEAN_SECONDS: Final = 60.0


def channels(opened: WebResources, rules: Rules | None = None) -> tuple[FetchChannel, WebhookChannel]:
    """Both channels with the bounds of this installation; ``rules`` replaces its rules on addresses."""
    rules = rules or Rules(opened.settings.outbound.networks)
    bounds = opened.settings.outbound
    photos = Client(Timeouts(bounds.connect_seconds, bounds.read_seconds, bounds.fetch_seconds))
    events = Client(Timeouts(bounds.connect_seconds, bounds.read_seconds, bounds.webhook_seconds))
    return FetchChannel(opened, photos, rules), WebhookChannel(opened, events, rules)


def recipient_channel(
    opened: WebResources, register: Register, rules: Rules | None = None, client: Client | None = None
) -> RecipientChannel:
    """The third channel, to those that this installation uses and has credentials for."""
    settings = opened.settings
    rules = rules or Rules(settings.outbound.networks)
    client = client or _recipient_client(settings)
    known = {
        entry.id: recipient_of(entry, adapter, client, settings.profile)
        for entry in register.providers()
        if (adapter := _adapter(settings, entry)) is not None
    }
    notices = {purpose: notice.version for purpose, notice in share_notices(register).items()}
    cuts = Cuts(opened.database)
    return RecipientChannel(opened, Steps(opened, rules, cuts, known, notices), cuts)


def _recipient_client(settings: Settings) -> Client:
    bounds = settings.outbound
    return Client(Timeouts(bounds.connect_seconds, bounds.recipient_seconds, bounds.recipient_seconds))


def _adapter(settings: Settings, entry: Recipient) -> Adapter | None:
    """The adapter of a recipient; None if it is not used here, or its credentials are not known."""
    if entry.use is None or entry.adapter is None:
        return None
    secrets = recipient_secrets.read(runtime.paths(settings).credentials, entry.id)
    return create(entry.adapter, access_of(entry, secrets)) if secrets else None


def check_recipients(settings: Settings) -> list[dict[str, str]]:
    """How every model of every recipient in use stands: recipient, model, state. For operators; sends no content."""
    line = RecipientLine(
        _recipient_client(settings), Rules(settings.outbound.networks), settings.outbound.max_result_bytes
    )
    today, profile = clock.now().date(), settings.profile

    async def ask() -> list[dict[str, str]]:
        rows = []
        for entry in recipients.load(settings).providers():
            if entry.use is not None:
                states = await check(entry, _adapter(settings, entry), line, today, profile)
                rows += [{"recipient": entry.id, "model": name, "state": state} for name, state in states.items()]
        return rows

    return asyncio.run(ask())


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
        self._recipients = recipient_channel(self._resources, recipients.load(settings))
        poll_seconds = settings.outbound.poll_seconds
        self._loops = [
            asyncio.create_task(for_ever("outbound_failed", self._events.send_due, poll_seconds)),
            asyncio.create_task(for_ever("outbound_failed", self._clean, _CLEAN_SECONDS)),
            asyncio.create_task(for_ever("outbound_failed", self._recipients.step_due, poll_seconds)),
            asyncio.create_task(self._recipients.renew()),
            asyncio.create_task(self._recipients.look_after()),
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
