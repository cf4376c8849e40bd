"""Read a create request, as multipart form or as JSON, within bounds and without a temporary file in clear."""

import base64
import binascii
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from cluster.errors import InvalidRequest, PayloadTooLarge

__all__ = ["Submission", "read_json", "read_submission"]

_MAX_FIELDS = 40
_MAX_FIELD_BYTES = 256 * 1024
_REFERENCE = "input_reference"


@dataclass(frozen=True, slots=True)
class Submission:
    """The fields of a create request, and the bytes of its photo if it has one."""

    fields: dict[str, Any]
    photo: bytes | None


class _InMemoryParser(MultiPartParser):
    """Keeps files in memory, whose size `_bounded` limits: Starlette would spill them to disk in clear."""

    spool_max_size = 2**62


async def read_submission(request: Request, max_bytes: int) -> Submission:
    """Read the body.

    Raises:
        PayloadTooLarge: it is longer than ``max_bytes``; the rest is not read.
        InvalidRequest: it is neither a form nor JSON, or it has two photos.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _read_form(request, max_bytes)
    if kind == "application/json":
        fields = await read_json(request, max_bytes)
        return _with_reference(fields, fields.pop(_REFERENCE, None))
    raise InvalidRequest("Send the request as multipart/form-data or as application/json.", param="content-type")


async def read_json(request: Request, max_bytes: int) -> dict[str, Any]:
    """Read a JSON object within bounds."""
    body = bytearray()
    async for chunk in _bounded(request, max_bytes):
        body += chunk
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidRequest("The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


async def _read_form(request: Request, max_bytes: int) -> Submission:
    parser = _InMemoryParser(
        request.headers,
        _bounded(request, max_bytes),
        max_files=2,
        max_fields=_MAX_FIELDS,
        max_part_size=_MAX_FIELD_BYTES,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, UnicodeDecodeError, KeyError):
        raise InvalidRequest("The form cannot be read: a part is malformed, too long, or one too many.") from None
    fields: dict[str, Any] = {}
    references: list[Any] = []
    for name, value in form.multi_items():
        if name.partition("[")[0] == _REFERENCE:
            references.append(await value.read() if isinstance(value, UploadFile) else {name[16:-1]: value})
        elif isinstance(value, UploadFile):
            raise InvalidRequest("Only input_reference can be a file.", param=_REFERENCE)
        elif name in fields:
            raise InvalidRequest("A field is given twice.")
        else:
            fields[name] = value
    if len(references) > 1:
        raise InvalidRequest("Give one photo as input_reference.", param=_REFERENCE)
    return _with_reference(fields, references[0] if references else None)


def _with_reference(fields: dict[str, Any], reference: Any) -> Submission:
    if reference is None or isinstance(reference, bytes):
        return Submission(fields, reference)
    url = reference.get("image_url") if isinstance(reference, dict) else reference
    if not isinstance(url, str) or not url.startswith("data:"):
        raise InvalidRequest(
            "Send the photo itself as the file input_reference, or as a data: URL in input_reference.image_url.",
            param=_REFERENCE,
        )
    try:
        return Submission(fields, base64.b64decode(url.partition(",")[2], validate=True))
    except binascii.Error:
        raise InvalidRequest("The data: URL is not valid base64.", param=_REFERENCE) from None


async def _bounded(request: Request, max_bytes: int) -> AsyncGenerator[bytes, None]:
    too_large = PayloadTooLarge(f"The request body may have at most {max_bytes} bytes.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise too_large
    received = 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received > max_bytes:
                raise too_large
            yield chunk
    except ClientDisconnect:
        raise InvalidRequest("The connection ended before the body did.") from None
