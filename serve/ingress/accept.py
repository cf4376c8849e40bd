"""From a create request to a durable job.

The photo, whose header was checked, is stored sealed under an announced row while it is looked through; then one
transaction writes the job, the credit reservation and the consent snapshot. Whatever goes wrong on the way leaves
nothing behind.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from cluster import clock
from cluster.errors import QueueFull, RequestInProgress, StateConflict, TooManyQueued, TooManyRequests, Unavailable
from cluster.ids import new_id
from cluster.privacy.media_kinds import MediaKind
from cluster.records import accounts, idempotency, jobs, lifecycle, media, subjects, usage_events, video_batch_items
from cluster.records.accounts import Account
from cluster.records.idempotency import Ticket
from cluster.records.jobs import NewJob
from cluster.records.media import Medium
from cluster.records.principals import Credential, Principal
from cluster.records.usage_events import UsageKind
from cluster.storage.errors import DatabaseBusy
from cluster.storage.keys import KeyStore
from serve.erasure import take_back
from serve.ingress import gate, sharing, third_parties
from serve.ingress.door import Visitor
from serve.ingress.kept import Kept, Photo, find, gone, read_kept
from serve.ingress.order import Order, checked, looked_through
from serve.ingress.references import fetched
from serve.ingress.services import Services
from serve.ingress.tickets import ticket_of, twin_of
from serve.media.probe import ImageFacts

__all__ = ["accept"]

_PATIENCE: Final = 10.0
_PAUSE: Final = 0.25
"""Seconds that a create by link with a key waits for room, and between two looks."""
_FULL_SECONDS: Final = 10
"""When to come back to a queue that is full."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A photo that was taken in: where it lies sealed, how large it is, what it shows itself to be."""

    upload: Medium
    size: int
    facts: ImageFacts
    photo: Photo


async def accept(services: Services, caller: Visitor, order: Order) -> str:
    """Make the job durable; returns its id, or its twin's if the Idempotency-Key was used for the same before.

    Raises:
        ConsentRequired: a purpose that the model needs is not agreed to.
        InsufficientCredits: the price is more than the account has.
        SpendingCapReached: the price is more than the API key may still spend.
        IdempotencyKeyReused: the key was used for another request.
        TooManyQueued: the account has too many jobs waiting.
        QueueFull: everybody together has.
        RequestInProgress: a twin holds the key and does not come to an end.
        InvalidRequest: the photo does not lie where the URL says, or is not acceptable.
        NotFound: there is no such kept photo; what else `find` raises.
        StateConflict: it is an item of a batch that does not wait any more.
    """
    ticket = _ticket(services.resources.keys, caller.account_id, order)
    match order.reference:
        case bytes():
            photo = Photo(order.reference)
        case str():
            twin, photo = await _brought(services, caller, order, ticket, order.reference)
            if twin:
                return twin
        case Kept():
            twin, photo = await _reopened(services, caller, order, ticket, order.reference)
            if twin:
                return twin
    return await _taken_in(services, caller, order, ticket, photo)


async def _taken_in(services: Services, caller: Visitor, order: Order, ticket: Ticket | None, photo: Photo) -> str:
    """Store the photo and commit the job; its id, or its twin's."""
    resources = services.resources
    looking = asyncio.gather(looked_through(services, photo.data), return_exceptions=True)
    twin, upload = await resources.database.run(_prepare, services, caller, order, ticket, photo)
    if upload is None:
        return twin
    try:
        data = [photo.data]
        size = await asyncio.to_thread(resources.store.put, upload.object_key, upload.account_id, upload.id, data)
        facts = _found_good(await looking)
        taken = _Taken(upload, size, facts, photo)
        job_id, is_new = await resources.database.run(_commit, services, caller, order, ticket, taken)
    except DatabaseBusy:
        await take_back(resources, upload.id)
        raise RequestInProgress if ticket else Unavailable from None
    except BaseException:
        await asyncio.shield(take_back(resources, upload.id))
        raise
    if is_new:
        services.wake()
    else:
        await take_back(resources, upload.id)
    return job_id


def _found_good(looks: Sequence[ImageFacts | BaseException]) -> ImageFacts:
    (found,) = looks
    if isinstance(found, BaseException):
        raise found
    return found


async def _brought(
    services: Services, caller: Visitor, order: Order, ticket: Ticket | None, url: str
) -> tuple[str, Photo]:
    """The id of a twin that came first, or nothing and the photo behind the URL.

    An account fetches only so much at once, and twins of one request may be all of it: who has a key waits for room.
    """
    give_up = clock.monotonic() + _PATIENCE
    while True:
        twin = await services.resources.database.run(_admit, services, caller, order, ticket)
        if twin:
            return twin, Photo(b"")
        try:
            data = await fetched(services, caller, url)
        except TooManyRequests:
            if ticket is None or clock.monotonic() >= give_up:
                raise
        else:
            return "", Photo(await checked(services, data))
        await asyncio.sleep(_PAUSE)


async def _reopened(
    services: Services, caller: Visitor, order: Order, ticket: Ticket | None, kept: Kept
) -> tuple[str, Photo]:
    """The id of a twin that came first, or nothing and a copy of the kept photo."""

    def admit(connection: Connection) -> tuple[str, Medium | None]:
        twin = _admit(connection, services, caller, order, ticket)
        return twin, None if twin else find(connection, caller.account_id, kept)

    twin, medium = await services.resources.database.run(admit)
    return twin, await read_kept(services, caller.opening, kept, medium) if medium else Photo(b"")


def _admit(connection: Connection, services: Services, caller: Visitor, order: Order, ticket: Ticket | None) -> str:
    """Refuse what must be refused before a byte is fetched or stored; a twin's id, or nothing."""
    twin = idempotency.find(connection, ticket) if ticket else None
    if twin:
        return twin
    gate.check(connection, caller.account_id, order.model.purposes, services.notices)
    if order.model.recipient is not None:
        third_parties.check_not_suspended(connection, order.model.recipient)
        third_parties.check_answers(connection, order.model.recipient)
        sharing.check(
            connection, services.resources.keys, caller.opening, (order.prompt, order.negative_prompt), order.sharing
        )
    if jobs.waiting_count(connection) >= services.resources.settings.jobs.max_queued:
        raise QueueFull(retry_after=_FULL_SECONDS)
    _check_own_queue(connection, services, caller.account_id)
    return ""


def _check_own_queue(connection: Connection, services: Services, account_id: str) -> None:
    """Exact only while the account is locked; before that it spares a caller the upload."""
    most = services.resources.settings.jobs.max_queued_per_account
    if (active := jobs.active_count(connection, account_id)) >= most:
        raise TooManyQueued(details={"limit": most, "active": active}, retry_after=_FULL_SECONDS)


def _prepare(
    connection: Connection, services: Services, caller: Visitor, order: Order, ticket: Ticket | None, photo: Photo
) -> tuple[str, Medium | None]:
    """Admit the order; then announce the upload."""
    twin = _admit(connection, services, caller, order, ticket)
    if twin:
        return twin, None
    _check_kept(connection, order, photo)
    upload = media.begin(
        connection,
        caller.account_id,
        MediaKind.UPLOAD,
        "application/octet-stream",
        derived_from=photo.media_id,
    )
    return "", upload


def _check_kept(connection: Connection, order: Order, photo: Photo) -> None:
    """Refuse a copy of what has ended since it was made."""
    if isinstance(order.reference, Kept) and not (photo.media_id and media.hold(connection, photo.media_id)):
        raise gone(order.reference)


def _commit(
    connection: Connection,
    services: Services,
    caller: Principal,
    order: Order,
    ticket: Ticket | None,
    taken: _Taken,
) -> tuple[str, bool]:
    """The one transaction that makes the job: its id and True, or the id of a twin that was first and False."""
    account = accounts.lock(connection, caller.account_id)
    if account is None:
        raise Unavailable
    snapshot = gate.check(connection, account.id, order.model.purposes, services.notices)
    if order.model.recipient is not None:
        snapshot["people_in_the_photo"] = {"state": "agree" if order.sharing.people_agree else "not said"}
    if ticket and not idempotency.claim(connection, ticket, services.ticket_life):
        return twin_of(connection, ticket), False
    _check_own_queue(connection, services, account.id)
    _check_kept(connection, order, taken.photo)
    keys = services.resources.keys
    job = _new_job(keys, account, caller, order, taken.facts, snapshot)
    lifecycle.accept(connection, keys, job)
    if order.item and not video_batch_items.created(connection, order.item, job.id):
        raise StateConflict("This item of the batch does not wait any more.")
    media.attach(connection, taken.upload.id, job.id, job.expires_at)
    media.finish(connection, taken.upload.id, taken.size, taken.facts.width, taken.facts.height)
    if ticket:
        idempotency.fulfil(connection, ticket, job.id)
    usage_events.record(connection, account.id, UsageKind.VIDEO_CREATED, job.model, services.notice_versions)
    return job.id, True


def _new_job(
    keys: KeyStore,
    account: Account,
    caller: Principal,
    order: Order,
    photo: ImageFacts,
    snapshot: Mapping[str, Any],
) -> NewJob:
    now = clock.now()
    width, height = order.parameters.output_size(photo.width, photo.height)
    return NewJob(
        id=new_id("video"),
        account_id=account.id,
        epoch=account.epoch,
        model=order.model_name,
        purposes=order.model.purposes,
        consent_snapshot=snapshot,
        parameters=order.parameters.model_dump(),
        facts={"video": {"width": width, "height": height}},
        prompt=order.prompt,
        negative_prompt=order.negative_prompt,
        price=order.model.price_of(order.parameters),
        api_key_id=caller.credential_id if caller.credential is Credential.KEY else None,
        remixed_from=order.reference.video_id if isinstance(order.reference, Kept) else None,
        subject_lookup=_subject(keys, account.id, order.subject),
        priority=order.priority,
        store=order.keeping.store,
        expires_at=now + order.keeping.life if order.keeping.life else None,
        created_at=now,
    )


def _subject(keys: KeyStore, account_id: str, subject: str | bytes | None) -> bytes | None:
    return subjects.lookup(keys, account_id, subject) if isinstance(subject, str) else subject


def _ticket(keys: KeyStore, account_id: str, order: Order) -> Ticket | None:
    if order.idempotency_key is None:
        return None
    keeping = [order.keeping.store, order.keeping.life.total_seconds() if order.keeping.life else None]
    subject = order.subject.hex() if isinstance(order.subject, bytes) else order.subject
    words = [order.model_name, order.prompt, order.parameters.model_dump(), subject, order.priority, keeping]
    if order.negative_prompt:
        words.append(order.negative_prompt)
    reference = order.reference.id if isinstance(order.reference, Kept) else order.reference
    content = keys.lookup("idempotency_keys.photo", reference) + json.dumps(words).encode()
    return ticket_of(keys, account_id, order.idempotency_key, content)
