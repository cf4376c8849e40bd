"""Photos that are kept already, by the id of what they belong to: found, and read from their sealed objects."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import Connection

from cluster.errors import NotFound, NotReady, PhotoErased
from cluster.privacy.media_kinds import MediaKind
from cluster.records import jobs, media
from cluster.records.job_states import JobState
from cluster.records.media import Medium
from cluster.storage.errors import ObjectMissing
from cluster.storage.openings import Opening
from serve.ingress.services import Services

__all__ = ["Kept", "Photo", "file_id_of", "find", "gone", "media_id_of", "read_kept", "read_whole"]


@dataclass(frozen=True, slots=True)
class Kept:
    """The photo of that video, once more."""

    video_id: str


@dataclass(frozen=True, slots=True)
class Photo:
    """The bytes of a photo, and the stored object that they are a copy of, if they are one."""

    data: bytes
    media_id: str | None = None


def find(connection: Connection, account_id: str, kept: Kept) -> Medium:
    """The object that a kept photo is.

    Raises:
        NotFound: the account has no such video.
        NotReady: the video is still being made.
        PhotoErased: its photo is not kept any more.
    """
    job = jobs.get(connection, kept.video_id, account_id)
    if job is None:
        raise NotFound
    if job.state in (JobState.QUEUED, JobState.IN_PROGRESS):
        raise NotReady("This video is still being made. Remix it once its status is 'completed'.")
    medium = media.of_job(connection, job.id, MediaKind.INPUT)
    if medium is None:
        raise gone(kept)
    return medium


def gone(_: Kept) -> PhotoErased:
    """What is said of a photo that ended while it was being used."""
    return PhotoErased()


def file_id_of(media_id: str) -> str:
    """What a file is called by whoever it belongs to."""
    return media_id.replace("media_", "file_", 1)


def media_id_of(file_id: str) -> str:
    """The object that a file is."""
    return file_id.replace("file_", "media_", 1)


async def read_kept(services: Services, opening: Opening, kept: Kept, medium: Medium) -> Photo:
    """A copy of it.

    Raises:
        PhotoErased: it has just been erased.
    """
    try:
        return Photo(await asyncio.to_thread(read_whole, services, opening, medium), medium.id)
    except ObjectMissing:
        raise gone(kept) from None


def read_whole(services: Services, opening: Opening, medium: Medium) -> bytes:
    """Every byte of an object that is small enough to be held."""
    reader = services.resources.store.open(medium.object_key, opening, medium.id)
    return reader.read(0, reader.size)
