"""Photos that are kept already, by the id of what they belong to: found, and read from their sealed objects."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import Connection

from cluster.errors import FileMissing, NotFound, NotReady, PhotoErased, ServiceError
from cluster.ids import is_id
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
    """A file, or the photo of a video once more, by the id of either."""

    id: str

    @property
    def video_id(self) -> str | None:
        """The video, if it is one's."""
        return self.id if is_id("video", self.id) else None


@dataclass(frozen=True, slots=True)
class Photo:
    """The bytes of a photo, and the stored object that they are a copy of, if they are one."""

    data: bytes
    media_id: str | None = None


def find(connection: Connection, account_id: str, kept: Kept) -> Medium:
    """The object that a kept photo is.

    Raises:
        FileMissing: the account has no such file (any more).
        NotFound: the account has no such video.
        NotReady: the video is still being made.
        PhotoErased: its photo is not kept any more.
    """
    if kept.video_id is None:
        file = media.get(connection, account_id, media_id_of(kept.id))
        if file is None or file.kind is not MediaKind.FILE:
            raise gone(kept)
        return file
    job = jobs.get(connection, kept.video_id, account_id)
    if job is None:
        raise NotFound
    if job.state in (JobState.QUEUED, JobState.IN_PROGRESS):
        raise NotReady("This video is still being made. Remix it once its status is 'completed'.")
    medium = media.of_job(connection, job.id, MediaKind.INPUT)
    if medium is None:
        raise gone(kept)
    return medium


def gone(kept: Kept) -> ServiceError:
    """What is said of a photo that is not there (any more), or that ended while it was being used."""
    return PhotoErased() if kept.video_id else FileMissing(param="input_reference")


def file_id_of(media_id: str) -> str:
    """What a file is called by whoever it belongs to."""
    return media_id.replace("media_", "file_", 1)


def media_id_of(file_id: str) -> str:
    """The object that a file is."""
    return file_id.replace("file_", "media_", 1)


async def read_kept(services: Services, opening: Opening, kept: Kept, medium: Medium) -> Photo:
    """A copy of it.

    Raises:
        FileMissing, PhotoErased: it has just been erased.
    """
    try:
        return Photo(await asyncio.to_thread(read_whole, services, opening, medium), medium.id)
    except ObjectMissing:
        raise gone(kept) from None


def read_whole(services: Services, opening: Opening, medium: Medium) -> bytes:
    """Every byte of an object that is small enough to be held."""
    reader = services.resources.store.open(medium.object_key, opening, medium.id)
    return reader.read(0, reader.size)
