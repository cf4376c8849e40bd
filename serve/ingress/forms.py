"""Read a create request, as multipart form or as JSON, without a temporary file in clear."""

import base64
import binascii
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from cluster.errors import FileMissing, InvalidRequest
from cluster.ids import is_id
from serve.ingress.kept import Kept
from serve.media.probe import may_be_picture
from serve.media.sniff import SNIFFED_BYTES

__all__ = ["FileForm", "Submission", "read_file_form", "read_json", "read_submission", "submission_of"]

T = TypeVar("T")

_MAX_FIELDS = 40
_UNLIMITED = 2**62
_REFERENCE = "input_reference"
_FILE = "file"
_FORM = "multipart/form-data"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


@dataclass(frozen=True, slots=True)
class Submission:
    """The fields of a create request, and its photo: the bytes, the URL where they lie, or which kept one it is."""

    fields: dict[str, Any]
    photo: bytes | None
    url: str | None = None
    kept: Kept | None = None

    @property
    def has_photo(self) -> bool:
        """Whether a photo came with it, in whatever way."""
        return any(way is not None for way in (self.photo, self.url, self.kept))


@dataclass(frozen=True, slots=True)
class FileForm:
    """The fields of an upload, and the bytes of its file if it has one."""

    fields: dict[str, Any]
    file: bytes | None


class _InMemoryParser(MultiPartParser):
    """Keeps everything in memory: Starlette would spill files to disk in clear. `BodyLimitMiddleware` limits it.

    Of a file that begins like no picture only the beginning is kept, which is all that it takes to refuse it.
    """

    spool_max_size = _UNLIMITED
    _ended = False
    _head = b""

    def on_part_begin(self) -> None:
        """A field or a file begins."""
        self._head = b""
        super().on_part_begin()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Some more of it has come."""
        known = len(self._head) >= SNIFFED_BYTES
        if self._current_part.file is not None and not known:
            self._head += data[start : min(end, start + SNIFFED_BYTES)]
        elif self._current_part.file is not None and not may_be_picture(self._head):
            return
        super().on_part_data(data, start, end)

    def on_end(self) -> None:
        """The last boundary has come."""
        self._ended = True

    async def parse(self) -> FormData:
        """Read the form; one that breaks off is refused, where Starlette would leave out its last part."""
        self.stream = self._to_its_end(self.stream)
        return await super().parse()

    async def _to_its_end(self, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async for chunk in stream:
            yield chunk
        if not self._ended:
            raise MultiPartException("The form has no end.")


async def read_submission(request: Request) -> Submission:
    """Read the body.

    Raises:
        InvalidRequest: it is neither a form nor JSON, or it has two photos.
    """
    kind = _content_type(request)
    if kind == _FORM:
        return await _read_form(request, _submission)
    if kind == "application/json":
        return submission_of(await read_json(request))
    raise InvalidRequest("Send the request as multipart/form-data or as application/json.", param="content-type")


def submission_of(fields: Mapping[str, Any]) -> Submission:
    """What a JSON object asks for.

    Raises:
        InvalidRequest: what it gives as its photo is none.
        FileMissing: it names a file as no file is named.
    """
    given = dict(fields)
    return _with_reference(given, given.pop(_REFERENCE, None))


async def read_file_form(request: Request) -> FileForm:
    """Read the body of an upload.

    Raises:
        InvalidRequest: it is no form, or it has two files.
    """
    if _content_type(request) != _FORM:
        raise InvalidRequest(f"Send the request as {_FORM}.", param="content-type")
    return await _read_form(request, _file_form)


async def read_json(request: Request) -> dict[str, Any]:
    """Read a JSON object."""
    body = bytearray()
    async for chunk in _whole(request):
        body += chunk
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidRequest("The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _read_form(request: Request, read: Callable[[FormData], Awaitable[T]]) -> T:
    parser = _InMemoryParser(
        request.headers,
        _whole(request),
        max_files=2,
        max_fields=_MAX_FIELDS,
        max_part_size=_UNLIMITED,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, UnicodeDecodeError, KeyError):
        raise InvalidRequest("The form cannot be read: a part is malformed, or there are too many.") from None
    try:
        return await read(form)
    finally:
        await form.close()


async def _submission(form: FormData) -> Submission:
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


async def _file_form(form: FormData) -> FileForm:
    fields: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name in fields:
            raise InvalidRequest("A field is given twice.")
        if isinstance(value, UploadFile) != (name == _FILE):
            raise InvalidRequest("Send one file as the part 'file', with a name, and all else as text.", param=_FILE)
        fields[name] = await value.read() if isinstance(value, UploadFile) else value
    return FileForm(fields, fields.pop(_FILE, None))


def _with_reference(fields: dict[str, Any], reference: Any) -> Submission:
    if reference is None or isinstance(reference, bytes):
        return Submission(fields, reference)
    if isinstance(reference, dict) and "file_id" in reference:
        return _with_file(fields, reference)
    url = reference.get("image_url") if isinstance(reference, dict) else reference
    if not isinstance(url, str) or not (scheme := _SCHEME.match(url)):
        raise InvalidRequest(
            "Send the photo itself as the file input_reference, or its URL in input_reference.image_url,"
            " or the id of one of your files in input_reference.file_id.",
            param=_REFERENCE,
        )
    if scheme[1].lower() != "data":
        return Submission(fields, None, url)
    try:
        return Submission(fields, base64.b64decode(url.partition(",")[2], validate=True))
    except binascii.Error:
        raise InvalidRequest("The data: URL is not valid base64.", param=_REFERENCE) from None


def _with_file(fields: dict[str, Any], reference: dict[str, Any]) -> Submission:
    if len(reference) > 1:
        raise InvalidRequest("Give one photo as input_reference.", param=_REFERENCE)
    file_id = reference["file_id"]
    if not isinstance(file_id, str):
        raise InvalidRequest("input_reference.file_id: this must be a text.", param=_REFERENCE)
    if not is_id("file", file_id):
        raise FileMissing(param=_REFERENCE)
    return Submission(fields, None, kept=Kept(file_id))


async def _whole(request: Request) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise InvalidRequest("The connection ended before the body did.") from None
