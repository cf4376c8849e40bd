"""From a create request to a durable job.

The photo is checked, then stored sealed under an announced row, then one transaction writes the job, the credit
reservation and the consent snapshot. Whatever goes wrong on the way leaves nothing behind.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from cluster.errors import InvalidRequest, RequestInProgress, TooManyRequests, Unavailable
from cluster.ids import new_id
from cluster.privacy.media_kinds import MediaKind
from cluster.records import accounts, credits, idempotency, jobs, media
from cluster.records.idempotency import Ticket
from cluster.records.jobs import NewJob
from cluster.records.media import Medium
from cluster.records.principals import Principal
from cluster.storage.errors import DatabaseBusy
from cluster.storage.keys import KeyStore
from serve.catalogue import Model
from serve.engines.parameters import VideoParameters
from serve.erasure import erase_doomed
from serve.ingress import gate
from serve.ingress.error_answers import invalid
from serve.ingress.forms import Submission
from serve.ingress.references import fetched
from serve.ingress.services import Services
from serve.limits import image_limits
from serve.media.errors import MediaError
from serve.media.probe import ImageFacts, inspect

__all__ = ["Order", "accept", "read_order"]

_DEFAULT_MODEL = "default"
_LONGEST_URL = 2048


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that was looked through, and what it is."""

    data: bytes
    facts: ImageFacts


@dataclass(frozen=True, slots=True)
class Order:
    """A checked create request; ``reference`` is its photo, or the URL where that lies."""

    model_name: str
    model: Model
    prompt: str
    parameters: VideoParameters
    reference: Photo | str
    idempotency_key: str | None


async def read_order(services: Services, submission: Submission, idempotency_key: str | None) -> Order:
    """Check everything that can be checked without the database.

    Raises:
        ModelNotFound: there is no such model.
        InvalidRequest: a field or the photo is not acceptable; the error's ``param`` names it.
    """
    fields = dict(submission.fields)
    prompt = _text(fields.pop("prompt", ""), "prompt", services.resources.settings.http.max_prompt_characters)
    name = _text(fields.pop("model", _DEFAULT_MODEL), "model", 200)
    if idempotency_key is not None:
        _text(idempotency_key, "Idempotency-Key", 255)
    model = services.catalogue.model(name)
    try:
        parameters = VideoParameters.model_validate(fields)
    except ValidationError as error:
        raise invalid(error.errors(include_input=False, include_url=False)[0]) from None
    reference: Photo | str
    if submission.url is not None:
        reference = _text(submission.url, "input_reference", _LONGEST_URL)
    elif submission.photo is not None:
        reference = await _inspected(services, submission.photo)
    else:
        raise InvalidRequest("Send a photo as input_reference: this model animates photos.", param="input_reference")
    return Order(name, model, prompt, parameters, reference, idempotency_key)


async def _inspected(services: Services, data: bytes) -> Photo:
    try:
        return Photo(data, await asyncio.to_thread(inspect, data, image_limits(services.resources.settings)))
    except MediaError as error:
        raise InvalidRequest(error.message, code=error.code, param="input_reference") from None


async def accept(services: Services, caller: Principal, order: Order) -> str:
    """Make the job durable; returns its id, or its twin's if the Idempotency-Key was used for the same before.

    Raises:
        ConsentRequired: a purpose that the model needs is not agreed to.
        InsufficientCredits: the price is more than the account has.
        IdempotencyKeyReused: the key was used for another request.
        TooManyRequests: the account has too many jobs waiting.
        RequestInProgress: a twin holds the key and does not come to an end.
        InvalidRequest: the photo does not lie where the URL says, or is not acceptable.
    """
    resources = services.resources
    ticket = _ticket(resources.keys, caller.account_id, order)
    photo = order.reference
    if isinstance(photo, str):
        twin = await resources.database.run(_admit, services, caller, order, ticket)
        if twin:
            return twin
        photo = await _inspected(services, await fetched(services, caller, photo))
    twin, upload = await resources.database.run(_prepare, services, caller, order, ticket)
    if upload is None:
        return twin
    try:
        size = await asyncio.to_thread(
            resources.store.put, upload.object_key, upload.account_id, upload.id, [photo.data]
        )
        job_id, is_new = await resources.database.run(
            _commit, services, caller, order, photo.facts, ticket, upload, size
        )
    except DatabaseBusy:
        await _take_back(services, upload)
        raise RequestInProgress if ticket else Unavailable from None
    except BaseException:
        await asyncio.shield(_take_back(services, upload))
        raise
    if is_new:
        services.wake()
    else:
        await _take_back(services, upload)
    return job_id


def _admit(connection: Connection, services: Services, caller: Principal, order: Order, ticket: Ticket | None) -> str:
    """Refuse what must be refused before a byte is fetched or stored; a twin's id, or nothing."""
    twin = idempotency.find(connection, ticket) if ticket else None
    if twin:
        return twin
    gate.check(connection, caller.account_id, order.model.purposes, services.notices)
    most = services.resources.settings.jobs.max_queued_per_account
    if jobs.active_count(connection, caller.account_id) >= most:
        raise TooManyRequests(f"This account has {most} videos waiting or running already. Let some finish first.")
    return ""


def _prepare(
    connection: Connection, services: Services, caller: Principal, order: Order, ticket: Ticket | None
) -> tuple[str, Medium | None]:
    """Admit the order; then announce the upload."""
    twin = _admit(connection, services, caller, order, ticket)
    if twin:
        return twin, None
    upload = media.begin(connection, caller.account_id, MediaKind.UPLOAD, "application/octet-stream")
    return "", upload


def _commit(
    connection: Connection,
    services: Services,
    caller: Principal,
    order: Order,
    facts: ImageFacts,
    ticket: Ticket | None,
    upload: Medium,
    size: int,
) -> tuple[str, bool]:
    """The one transaction that makes the job: its id and True, or the id of a twin that was first and False."""
    account = accounts.lock(connection, caller.account_id)
    if account is None:
        raise Unavailable
    snapshot = gate.check(connection, account.id, order.model.purposes, services.notices)
    life = timedelta(hours=services.resources.settings.retention.idempotency_hours)
    if ticket and not idempotency.claim(connection, ticket, life):
        return _twin_of(connection, ticket), False
    job = _new_job(account, order, facts, snapshot)
    jobs.create(connection, services.resources.keys, job)
    credits.reserve(connection, account.id, job.id, job.price)
    media.attach(connection, upload.id, job.id)
    media.finish(connection, upload.id, size, facts.width, facts.height)
    if ticket:
        idempotency.fulfil(connection, ticket, job.id)
    return job.id, True


def _new_job(account: accounts.Account, order: Order, photo: ImageFacts, snapshot: Mapping[str, Any]) -> NewJob:
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
        price=order.model.price_of(order.parameters),
    )


def _twin_of(connection: Connection, ticket: Ticket) -> str:
    twin = idempotency.find(connection, ticket)
    if twin is None:
        raise Unavailable
    return twin


async def _take_back(services: Services, upload: Medium) -> None:
    """Erase an upload that no job was made of; if even that fails, the director does it later."""
    await services.resources.database.run(media.doom_unaccepted, upload.id)
    await erase_doomed(services.resources)


def _ticket(keys: KeyStore, account_id: str, order: Order) -> Ticket | None:
    if order.idempotency_key is None:
        return None
    content = json.dumps([order.model_name, order.prompt, order.parameters.model_dump()]).encode()
    reference = order.reference.encode() if isinstance(order.reference, str) else order.reference.data
    return Ticket(
        account_id,
        keys.lookup("idempotency_keys.key", f"{account_id}|{order.idempotency_key}"),
        keys.lookup("idempotency_keys.body", keys.lookup("idempotency_keys.photo", reference) + content),
    )


def _text(value: object, name: str, longest: int) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{name}: this must be a text.", param=name)
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidRequest(f"{name}: this is not valid Unicode.", param=name)
    if len(value) > longest:
        raise InvalidRequest(f"{name}: this may have at most {longest} characters.", param=name)
    return value
