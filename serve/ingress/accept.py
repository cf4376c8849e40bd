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
from serve.ingress.services import Services
from serve.limits import image_limits
from serve.media.errors import MediaError
from serve.media.probe import ImageFacts, inspect

__all__ = ["Order", "accept", "read_order"]

_DEFAULT_MODEL = "default"


@dataclass(frozen=True, slots=True)
class Order:
    """A checked create request."""

    model_name: str
    model: Model
    prompt: str
    parameters: VideoParameters
    photo: bytes
    facts: ImageFacts
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
    if submission.photo is None:
        raise InvalidRequest("Send a photo as input_reference: this model animates photos.", param="input_reference")
    try:
        facts = await asyncio.to_thread(inspect, submission.photo, image_limits(services.resources.settings))
    except MediaError as error:
        raise InvalidRequest(error.message, code=error.code, param="input_reference") from None
    return Order(name, model, prompt, parameters, submission.photo, facts, idempotency_key)


async def accept(services: Services, caller: Principal, order: Order) -> str:
    """Make the job durable; returns its id, or its twin's if the Idempotency-Key was used for the same before.

    Raises:
        ConsentRequired: a purpose that the model needs is not agreed to.
        InsufficientCredits: the price is more than the account has.
        IdempotencyKeyReused: the key was used for another request.
        TooManyRequests: the account has too many jobs waiting.
        RequestInProgress: a twin holds the key and does not come to an end.
    """
    resources = services.resources
    ticket = _ticket(resources.keys, caller.account_id, order)
    twin, upload = await resources.database.run(_prepare, services, caller, order, ticket)
    if upload is None:
        return twin
    try:
        size = await asyncio.to_thread(
            resources.store.put, upload.object_key, upload.account_id, upload.id, [order.photo]
        )
        job_id, is_new = await resources.database.run(_commit, services, caller, order, ticket, upload, size)
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


def _prepare(
    connection: Connection, services: Services, caller: Principal, order: Order, ticket: Ticket | None
) -> tuple[str, Medium | None]:
    """Refuse what must be refused before a byte is stored; then announce the upload."""
    twin = idempotency.find(connection, ticket) if ticket else None
    if twin:
        return twin, None
    gate.check(connection, caller.account_id, order.model.purposes, services.notices)
    most = services.resources.settings.jobs.max_queued_per_account
    if jobs.active_count(connection, caller.account_id) >= most:
        raise TooManyRequests(f"This account has {most} videos waiting or running already. Let some finish first.")
    upload = media.begin(connection, caller.account_id, MediaKind.UPLOAD, "application/octet-stream")
    return "", upload


def _commit(
    connection: Connection,
    services: Services,
    caller: Principal,
    order: Order,
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
    job = _new_job(account, order, snapshot)
    jobs.create(connection, services.resources.keys, job)
    credits.reserve(connection, account.id, job.id, job.price)
    media.attach(connection, upload.id, job.id)
    media.finish(connection, upload.id, size, order.facts.width, order.facts.height)
    if ticket:
        idempotency.fulfil(connection, ticket, job.id)
    return job.id, True


def _new_job(account: accounts.Account, order: Order, snapshot: Mapping[str, Any]) -> NewJob:
    width, height = order.parameters.output_size(order.facts.width, order.facts.height)
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
    return Ticket(
        account_id,
        keys.lookup("idempotency_keys.key", f"{account_id}|{order.idempotency_key}"),
        keys.lookup("idempotency_keys.body", keys.lookup("idempotency_keys.photo", order.photo) + content),
    )


def _text(value: object, name: str, longest: int) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{name}: this must be a text.", param=name)
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidRequest(f"{name}: this is not valid Unicode.", param=name)
    if len(value) > longest:
        raise InvalidRequest(f"{name}: this may have at most {longest} characters.", param=name)
    return value
