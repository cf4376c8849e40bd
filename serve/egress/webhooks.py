"""The webhook channel: signed events to the endpoints that accounts have named, and the check of a new endpoint."""

import asyncio
from datetime import timedelta
from typing import Final

import httpx
from sqlalchemy import Connection

from cluster import clock, telemetry
from cluster.records import access_log
from cluster.records import webhook_deliveries as deliveries
from cluster.records import webhook_endpoints as endpoints
from cluster.records.webhook_deliveries import Due, State
from cluster.storage.errors import KeyMissing
from cluster.storage.keys import KeyStore
from serve.egress.backoff import pause_after
from serve.egress.client import Client
from serve.egress.delivery import Event, deliver
from serve.egress.errors import EgressFailed, MayNotLeave
from serve.egress.pinning import Rules
from serve.resources import WebResources
from serve.url_failures import UrlFailure

__all__ = ["WebhookChannel"]

_SERVICE: Final = "outbound"
_ROOM: Final = 64
_PER_ACCOUNT: Final = 4
_GRACE: Final = timedelta(seconds=30)


class WebhookChannel:
    """Sends what is due. Whatever it knows is in the database: it may be killed at any moment."""

    def __init__(self, resources: WebResources, client: Client, rules: Rules) -> None:
        """``client`` and ``rules`` are the way out."""
        self._resources, self._client, self._rules = resources, client, rules
        self._sending: set[asyncio.Task[None]] = set()

    async def check_endpoint(self, endpoint_id: str) -> str | None:
        """Whether events may be sent to the URL of a new endpoint: None, or the code that says why not."""
        url = await self._resources.database.run(_url, self._resources.keys, endpoint_id)
        if url is None:
            return UrlFailure.NOT_ALLOWED
        try:
            async with asyncio.timeout(self._client.timeouts.total):
                await self._rules.pin(url, https_only=True)
        except EgressFailed as failure:
            return failure.code
        except TimeoutError:
            return UrlFailure.TOO_SLOW
        return None

    async def send_sample(self, delivery_id: str) -> str | None:
        """Send one delivery, once: None if there was an answer, which the log has, or the code that says why not."""
        try:
            status = await self._send(delivery_id)
        except EgressFailed as failure:
            await self._resources.database.run(deliveries.end, delivery_id, "failed", None)
            return failure.code
        if status is not None:
            state: State = "delivered" if httpx.codes.is_success(status) else "failed"
            await self._resources.database.run(deliveries.end, delivery_id, state, status)
        return None

    async def send_due(self) -> None:
        """Begin sending what is due and there is room for."""
        room = _ROOM - len(self._sending)
        life = timedelta(seconds=self._client.timeouts.total) + _GRACE
        lease = deliveries.lease
        for due in await self._resources.database.run(lease, room=room, per_account=_PER_ACCOUNT, life=life):
            task = asyncio.create_task(self._attempt(due))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def drain(self) -> None:
        """Wait until what is being sent has been sent."""
        await asyncio.gather(*self._sending)

    async def _attempt(self, due: Due) -> None:
        """Make one attempt. If even its outcome cannot be written down, it is made again when its lease is over."""
        try:
            try:
                status = await self._send(due.delivery_id)
            except EgressFailed:
                await self._resources.database.run(self._record, due, None)
            else:
                if status is not None:
                    await self._resources.database.run(self._record, due, status)
        except Exception as error:
            telemetry.log_failure("webhook_failed", error)

    async def _send(self, delivery_id: str) -> int | None:
        """Send the event; the answer's status, or None if it was dropped.

        The last look at the account is when the connection stands, so that nothing slow, the host least of all, lies
        between that and the first byte.
        """
        database = self._resources.database
        opened = await database.run(_open, self._resources.keys, delivery_id)
        if opened is None:
            return None
        event, url, secrets = opened
        try:
            async with asyncio.timeout(self._client.timeouts.total):
                pinned = await self._rules.pin(url, https_only=True)
        except TimeoutError:
            raise EgressFailed(UrlFailure.TOO_SLOW) from None

        async def last_look() -> None:
            if not await database.run(deliveries.may_send, delivery_id):
                raise MayNotLeave

        try:
            return await deliver(self._client, pinned, event, secrets, last_look)
        except MayNotLeave:
            return None

    def _record(self, connection: Connection, due: Due, status: int | None) -> None:
        """Write down how an attempt ended, and what follows from it."""
        delivery = deliveries.get(connection, due.delivery_id)
        if delivery is None:
            return
        if status is not None and httpx.codes.is_success(status):
            deliveries.end(connection, delivery.id, "delivered", status)
        elif status == httpx.codes.GONE:
            endpoints.disable(connection, delivery.endpoint_id)
            deliveries.end(connection, delivery.id, "failed", status)
        elif due.attempt >= self._resources.settings.outbound.webhook_attempts:
            deliveries.end(connection, delivery.id, "failed", status)
        else:
            deliveries.try_later(connection, delivery.id, status, clock.now() + pause_after(due.attempt))


def _url(connection: Connection, keys: KeyStore, endpoint_id: str) -> str | None:
    endpoint = endpoints.get(connection, endpoint_id)
    if endpoint is None:
        return None
    opening = access_log.by_service(connection, endpoint.account_id, service=_SERVICE, purpose="check of a webhook")
    return endpoints.url_of(keys, opening, endpoint)


def _open(connection: Connection, keys: KeyStore, delivery_id: str) -> tuple[Event, str, list[str]] | None:
    """What is to be sent, where to and signed by what; None if it may not be sent any more."""
    if not deliveries.may_send(connection, delivery_id):
        return None
    delivery = deliveries.get(connection, delivery_id)
    endpoint = endpoints.get(connection, delivery.endpoint_id) if delivery else None
    if delivery is None or endpoint is None:
        return None
    status = delivery.type.rpartition(".")[2]
    event = Event(delivery.id, delivery.type, delivery.created_at, delivery.job_id or endpoint.id, status)
    opening = access_log.by_service(
        connection, delivery.account_id, service=_SERVICE, purpose="webhook", job_id=delivery.job_id
    )
    try:
        return event, endpoints.url_of(keys, opening, endpoint), endpoints.secrets_of(keys, opening, endpoint)
    except KeyMissing:
        deliveries.end(connection, delivery_id, "dropped", None)
        return None
