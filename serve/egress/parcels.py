"""From a submission to its payload: the last place where the content of a job lies open before it leaves."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, select

from cluster.privacy.media_kinds import MediaKind
from cluster.records import access_log, jobs, media
from cluster.records.disclosures import Subject
from cluster.records.job_states import ACTIVE, JobState
from cluster.records.media import Medium
from cluster.records.submissions import Submission
from cluster.storage.openings import Opening
from serve.media.decode import read_clean
from serve.media.outgoing import PictureBounds, encode_within
from serve.recipients.payload import Asked, Payload, Picture
from serve.resources import WebResources

__all__ = ["Parcel", "Translate", "pack"]

_SERVICE: Final = "outbound"
Translate = Callable[[Mapping[str, Any]], Asked]
"""From a job's parameters to what a recipient's model is asked for."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A payload, and whose data it holds, which nobody but the gate learns."""

    payload: Payload
    subject: Subject


@dataclass(frozen=True, slots=True)
class _Found:
    subject: Subject
    parameters: Mapping[str, Any]
    prompt: str
    medium: Medium
    opening: Opening


async def pack(
    resources: WebResources, submission: Submission, bounds: PictureBounds, translate: Translate
) -> Parcel | None:
    """Open what the job holds and encode its picture anew; None if the job has ended.

    Raises:
        Unsendable: the picture cannot be brought within the bounds.
    """
    found = await resources.database.run(_find, resources, submission)
    if found is None:
        return None
    picture = await asyncio.to_thread(_picture, resources, found, bounds)
    payload = Payload(
        submission_id=submission.id,
        model=submission.model,
        picture=picture,
        prompt=found.prompt,
        asked=translate(found.parameters),
    )
    return Parcel(payload, found.subject)


def _find(connection: Connection, resources: WebResources, submission: Submission) -> _Found | None:
    j = jobs.jobs.c
    columns = (j.account_id, j.epoch, j.parameters, j.prompt_sealed, j.negative_prompt_sealed, j.state)
    row = connection.execute(select(*columns).where(j.id == submission.job_id, j.deleted_at.is_(None))).one_or_none()
    if row is None or JobState(row.state) not in ACTIVE:
        return None
    medium = media.of_job(connection, submission.job_id, MediaKind.INPUT)
    if medium is None:
        return None
    opening = access_log.by_service(
        connection, row.account_id, service=_SERVICE, purpose="submission", job_id=submission.job_id
    )
    words = partial(jobs.words_of, resources.keys, opening, submission.job_id)
    prompt = words("prompt", row.prompt_sealed)
    unwanted = words("negative_prompt", row.negative_prompt_sealed)
    subject = Subject(row.account_id, submission.job_id, row.epoch, submission.id)
    return _Found(subject, row.parameters | {"negative_prompt": unwanted}, prompt, medium, opening)


def _picture(resources: WebResources, found: _Found, bounds: PictureBounds) -> Picture:
    reader = resources.store.open(found.medium.object_key, found.opening, found.medium.id)
    encoded = encode_within(read_clean(reader.read(0, reader.size)), bounds)
    return Picture(data=encoded.data, content_type="image/jpeg", width=encoded.width, height=encoded.height)
