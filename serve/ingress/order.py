"""Reads a create request: everything that can be checked without the database."""

import asyncio
from dataclasses import dataclass

from pydantic import ValidationError

from cluster.errors import InvalidRequest
from cluster.records import subjects
from serve.catalogue import Model
from serve.engines.parameters import VideoParameters
from serve.ingress.error_answers import invalid
from serve.ingress.forms import Submission
from serve.ingress.services import Services
from serve.limits import image_limits
from serve.media.errors import MediaError
from serve.media.probe import ImageFacts, inspect

__all__ = ["Order", "read_order", "read_subject"]

_DEFAULT_MODEL = "default"
_NO_SUBJECTS = ("", ".", "..")


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
    subject: str | None


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
    subject = read_subject(fields.pop("subject")) if "subject" in fields else None
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
    return Order(name, model, prompt, parameters, submission.photo, facts, idempotency_key, subject)


def read_subject(value: object) -> str:
    """The name that the account has for one of its own users.

    Raises:
        InvalidRequest: it is too long, or no URL could ever name it.
    """
    subject = _text(value, "subject", subjects.MAX_CHARACTERS)
    if subject in _NO_SUBJECTS:
        raise InvalidRequest("subject: this must name somebody, in a way that can stand in a URL.", param="subject")
    return subject


def _text(value: object, name: str, longest: int) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{name}: this must be a text.", param=name)
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidRequest(f"{name}: this is not valid Unicode.", param=name)
    if len(value) > longest:
        raise InvalidRequest(f"{name}: this may have at most {longest} characters.", param=name)
    return value
