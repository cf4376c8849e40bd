"""Requests taken strictly: the right content type, JSON, no field too many, no type that is nearly right."""

import base64
import binascii
import json
from io import BytesIO
from typing import TypeVar

from PIL import Image
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

__all__ = ["Invalid", "StrictModel", "bearer", "decode_base64", "open_image", "parse", "read_json"]


Model = TypeVar("Model", bound=BaseModel)


class Invalid(Exception):
    """The request is not what the vendor takes; the text says why, as the vendor might."""


class StrictModel(BaseModel):
    """Part of a vendor's request: an unknown field is an error, and "5" is no number."""

    model_config = ConfigDict(extra="forbid", strict=True)


async def read_json(request: Request) -> object:
    """The body of a request.

    Raises:
        Invalid: it is not JSON, or does not say so.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Invalid("Content-Type must be application/json")
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise Invalid("the body is not valid JSON") from error


def parse(model: type[Model], body: object) -> Model:
    """The body as what the vendor's documentation says.

    Raises:
        Invalid: naming the first field that is wrong.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Invalid(f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}") from error


def bearer(request: Request) -> str | None:
    """The bearer token of a request."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme == "Bearer" and token else None


def decode_base64(text: str) -> bytes:
    """Bytes of standard base64.

    Raises:
        Invalid: it is not.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("the image is not valid base64") from error


def open_image(data: bytes, formats: tuple[str, ...]) -> Image.Image:
    """A picture that really decodes.

    Raises:
        Invalid: it does not, or is of another format.
    """
    try:
        picture = Image.open(BytesIO(data), formats=formats)
        picture.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise Invalid("the image cannot be decoded or is in an unsupported format") from error
    return picture
