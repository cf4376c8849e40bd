"""Reads a create request: everything that can be checked without the database."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from cluster.errors import InvalidRequest
from cluster.records import subjects
from cluster.records.job_states import Priority
from cluster.records.video_batch_items import ItemKey
from serve.catalogue import Model
from serve.engines.parameters import VideoParameters
from serve.ingress import third_parties
from serve.ingress.error_answers import invalid
from serve.ingress.forms import Submission
from serve.ingress.keeping import Keeping, read_keeping
from serve.ingress.kept import Kept
from serve.ingress.services import Services
from serve.ingress.sharing import Sharing, read_sharing
from serve.limits import image_limits
from serve.media.errors import MediaError
from serve.media.probe import ImageFacts, ImageLimits, inspect, open_within
from serve.provider_parameters import ProviderParameters, read_parameters

__all__ = ["Order", "check_idempotency_key", "checked", "looked_through", "read_fields", "read_order", "read_subject"]

T = TypeVar("T")

_DEFAULT_MODEL = "default"
_LONGEST_URL = 2048
_NOTHING_SAID = Sharing()
_NO_SUBJECTS = ("", ".", "..")


@dataclass(frozen=True, slots=True)
class Order:
    """A checked create request.

    ``reference`` is its photo, of which the header was checked, or the photo's URL, or a photo that is kept already.
    ``subject`` is a name, or what it is found by where the name is not known.
    """

    model_name: str
    model: Model
    prompt: str
    parameters: VideoParameters | ProviderParameters
    reference: bytes | str | Kept
    idempotency_key: str | None
    subject: str | bytes | None
    priority: Priority
    keeping: Keeping
    sharing: Sharing = _NOTHING_SAID
    item: ItemKey | None = None
    """The item of a batch that it is, if it is one: it becomes a video while the item waits, and once."""

    @property
    def negative_prompt(self) -> str:
        """What the video should not show; our own models are told of nothing like it."""
        return self.parameters.negative_prompt if isinstance(self.parameters, ProviderParameters) else ""


async def read_order(
    services: Services, submission: Submission, idempotency_key: str | None, item: ItemKey | None = None
) -> Order:
    """Check everything that can be checked without the database.

    Raises:
        ModelNotFound: there is no such model.
        RecipientUnavailable: nothing may go to the third party that makes its videos.
        InvalidRequest: a field or the photo is not acceptable; the error's ``param`` names it.
    """
    order = read_fields(services, submission.fields)
    check_idempotency_key(idempotency_key)
    reference = await _reference(services, submission)
    return replace(order, reference=reference, idempotency_key=idempotency_key, item=item)


def check_idempotency_key(key: str | None) -> None:
    """Refuse one that is too long.

    Raises:
        InvalidRequest: it is.
    """
    if key is not None:
        _text(key, "Idempotency-Key", 255)


def read_fields(services: Services, given: Mapping[str, Any]) -> Order:
    """Check the fields alone: an order that has no photo yet.

    Raises:
        ModelNotFound: there is no such model.
        RecipientUnavailable: nothing may go to the third party that makes its videos.
        InvalidRequest: a field is not acceptable; the error's ``param`` names it.
    """
    fields = dict(given)
    prompt = _text(fields.pop("prompt", ""), "prompt", services.resources.settings.http.max_prompt_characters)
    name = _text(fields.pop("model", _DEFAULT_MODEL), "model", 200)
    subject = read_subject(fields.pop("subject")) if "subject" in fields else None
    priority = _priority(fields.pop("priority", "normal"))
    keeping = read_keeping(fields, services.resources.settings.retention)
    sharing = read_sharing(fields)
    model = services.catalogue.model(name)
    third_parties.check(services, name, prompt)
    parameters = read_parameters(model.takes, fields) if model.takes else _own_parameters(fields)
    return Order(name, model, prompt, parameters, b"", None, subject, priority, keeping, sharing)


def _own_parameters(fields: Mapping[str, Any]) -> VideoParameters:
    try:
        return VideoParameters.model_validate(fields)
    except ValidationError as error:
        raise invalid(error.errors(include_input=False, include_url=False)[0]) from None


async def _reference(services: Services, submission: Submission) -> bytes | str | Kept:
    if submission.kept is not None:
        return submission.kept
    if submission.url is not None:
        return _text(submission.url, "input_reference", _LONGEST_URL)
    if submission.photo is not None:
        return await checked(services, submission.photo)
    raise InvalidRequest("Send a photo as input_reference: this model animates photos.", param="input_reference")


async def checked(services: Services, data: bytes, param: str = "input_reference") -> bytes:
    """A photo whose header was checked, which takes next to no time.

    Raises:
        InvalidRequest: it is none, or larger than a photo may be; the code says which.
    """
    await _judged(open_within, services, data, param)
    return data


async def looked_through(services: Services, data: bytes) -> ImageFacts:
    """What a photo is, once all of it was looked through: the longest part of taking it in.

    Raises:
        InvalidRequest: it is damaged or cut off; the code says which.
    """
    return await _judged(inspect, services, data)


async def _judged(
    judge: Callable[[bytes, ImageLimits], T], services: Services, data: bytes, param: str = "input_reference"
) -> T:
    try:
        return await asyncio.to_thread(judge, data, image_limits(services.resources.settings))
    except MediaError as error:
        raise InvalidRequest(error.message, code=error.code, param=param) from None


def read_subject(value: object) -> str:
    """The name that the account has for one of its own users.

    Raises:
        InvalidRequest: it is too long, or no URL could ever name it.
    """
    subject = _text(value, "subject", subjects.MAX_CHARACTERS)
    if subject in _NO_SUBJECTS:
        raise InvalidRequest("subject: this must name somebody, in a way that can stand in a URL.", param="subject")
    return subject


def _priority(value: object) -> Priority:
    names = {priority.name.lower(): priority for priority in Priority}
    if not isinstance(value, str) or value not in names:
        raise InvalidRequest(f"priority: this must be one of {', '.join(sorted(names))}.", param="priority")
    return names[value]


def _text(value: object, name: str, longest: int) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{name}: this must be a text.", param=name)
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidRequest(f"{name}: this is not valid Unicode.", param=name)
    if len(value) > longest:
        raise InvalidRequest(f"{name}: this may have at most {longest} characters.", param=name)
    return value
