"""From a file to a stored one: of the picture only the pixels are kept, as of every photo.

Cleaning takes all of a picture into memory, so a replica cleans one at a time.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, cast

from sqlalchemy import Connection

from cluster import clock
from cluster.errors import InvalidRequest, TooManyFiles, Unavailable
from cluster.privacy.media_kinds import MediaKind
from cluster.records import accounts, media
from cluster.records.media import Medium
from serve.erasure import take_back
from serve.ingress.door import Visitor
from serve.ingress.forms import FileForm
from serve.ingress.keeping import read_life
from serve.ingress.order import checked
from serve.ingress.services import Services
from serve.limits import LONGEST_SIDE, image_limits
from serve.media.decode import decode, encode_clean
from serve.media.errors import MediaError

__all__ = ["Purpose", "Wanted", "read_wanted", "take_in"]

Purpose = Literal["vision", "user_data"]

_PURPOSES: Final = ("vision", "user_data")
_FIELD: Final = "file"
_cleaners = ThreadPoolExecutor(1, "cleaning")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checked request: a picture whose header was looked at, what for, and for how long."""

    picture: bytes
    purpose: Purpose
    life: timedelta | None


@dataclass(frozen=True, slots=True)
class _Clean:
    data: bytes
    content_type: str
    width: int
    height: int


async def read_wanted(services: Services, form: FileForm) -> Wanted:
    """Check everything that can be checked without the database.

    Raises:
        InvalidRequest: a field or the file is not acceptable; the error's ``param`` names it.
    """
    fields = dict(form.fields)
    purpose = fields.pop("purpose", None)
    if purpose not in _PURPOSES:
        raise InvalidRequest(f"purpose: this must be one of {', '.join(_PURPOSES)}.", param="purpose")
    life = read_life(fields, services.resources.settings.retention)
    if fields:
        raise InvalidRequest("There is a field of a name that is not known here; /docs lists those that are.")
    if form.file is None:
        raise InvalidRequest("Send the picture as the form's part 'file'.", param=_FIELD)
    return Wanted(await checked(services, form.file, _FIELD), cast("Purpose", purpose), life)


async def take_in(services: Services, caller: Visitor, wanted: Wanted) -> Medium:
    """Keep the picture; nothing of it stays if that goes wrong.

    Raises:
        TooManyFiles: the account keeps as many as it may.
        InvalidRequest: the picture is damaged; the code says how.
    """
    resources = services.resources
    clean = await _cleaned(services, wanted.picture)
    medium = await resources.database.run(_announce, services, caller.account_id, clean, wanted)
    try:
        size = await asyncio.to_thread(
            resources.store.put, medium.object_key, medium.account_id, medium.id, [clean.data]
        )
        return await resources.database.run(_accept, services, medium, clean, size)
    except BaseException:
        await asyncio.shield(take_back(resources, medium.id))
        raise


async def _cleaned(services: Services, picture: bytes) -> _Clean:
    try:
        return await asyncio.get_running_loop().run_in_executor(_cleaners, _clean, services, picture)
    except MediaError as error:
        raise InvalidRequest(error.message, code=error.code, param=_FIELD) from None


def _clean(services: Services, picture: bytes) -> _Clean:
    pixels = decode(picture, image_limits(services.resources.settings), LONGEST_SIDE)
    height, width = pixels.shape[:2]
    return _Clean(*encode_clean(pixels), width, height)


def _announce(connection: Connection, services: Services, account_id: str, clean: _Clean, wanted: Wanted) -> Medium:
    _check_room(connection, services, account_id)
    end = clock.now() + wanted.life if wanted.life else None
    kind = MediaKind.FILE
    return media.begin(connection, account_id, kind, clean.content_type, expires_at=end, purpose=wanted.purpose)


def _accept(connection: Connection, services: Services, medium: Medium, clean: _Clean, size: int) -> Medium:
    if accounts.lock(connection, medium.account_id) is None:
        raise Unavailable
    _check_room(connection, services, medium.account_id)
    media.finish(connection, medium.id, size, clean.width, clean.height)
    kept = media.get(connection, medium.account_id, medium.id)
    if kept is None:
        raise Unavailable
    return kept


def _check_room(connection: Connection, services: Services, account_id: str) -> None:
    """Exact only while the account is locked; before that it spares the store the work."""
    most = services.resources.settings.admission.files_per_account
    if media.count(connection, account_id, MediaKind.FILE) >= most:
        raise TooManyFiles(details={"limit": most})
