"""A job as the OpenAI Videos API shows it, with what this service says beyond that."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from cluster import clock
from cluster.privacy.media_kinds import KINDS
from cluster.records.job_states import ACTIVE, JobState, Priority, Stage
from cluster.records.jobs import Job, negative_prompt_of, prompt_of
from cluster.records.media import Medium
from cluster.records.standings import Standing
from cluster.storage.openings import Opening
from serve.catalogue import Disclosure
from serve.failures import sentence
from serve.ingress.handed_over import HandedOver, ProviderCopy, handed_over
from serve.ingress.looks import Look
from serve.ingress.services import Services

__all__ = ["Video", "VideoDeleted", "VideoFailure", "VideoPage", "failure", "progress", "render"]

_SPANS: dict[Stage, tuple[int, int]] = {
    Stage.INGESTION: (1, 4),
    Stage.INPUT_SCREENING: (4, 6),
    Stage.GENERATION: (6, 94),
    Stage.DELEGATION: (6, 88),
    Stage.RECEPTION: (88, 94),
    Stage.OUTPUT_SCREENING: (94, 98),
    Stage.PUBLISH: (98, 99),
}


class VideoFailure(BaseModel):
    """Why a job failed or was stopped."""

    code: str
    message: str


class Stored(BaseModel):
    """One thing that is kept of a job."""

    kind: str
    where: str
    bytes: int | None
    purpose: str
    promise: str
    until: int | str = Field(description="Unix seconds, or what ends its life.")


class Video(BaseModel):
    """A video and the job that makes it."""

    id: str
    object: Literal["video"] = "video"
    created_at: int
    completed_at: int | None
    expires_at: int | None = Field(description="When its files and its prompt are erased, whatever its status.")
    status: Literal["queued", "in_progress", "completed", "failed", "cancelled"]
    progress: int = Field(description="Percent.")
    model: str
    seconds: str
    size: str
    prompt: str | None
    error: VideoFailure | None
    remixed_from_video_id: str | None
    stage: str | None = Field(description="What is being done, while the job runs.")
    queue_position: int | None = Field(description="1 is next; null once the job has begun.")
    priority: Literal["low", "normal"] = Field(
        description="Of a job that gave way for as long as `low` means, `normal`."
    )
    attempts: int
    store: bool = Field(description="false: kept until its first whole download, for an hour at most.")
    price: int = Field(description="Credits: reserved at first, charged only when the video is delivered.")
    charged: int | None = Field(
        description="Credits in the end: the price, or 0 if nothing was delivered; null before."
    )
    parameters: Mapping[str, Any]
    layers: list[str] | None = Field(
        description="The layers that the photo was taken apart into, far to near; `plane` alone is a flat picture."
    )
    disclosure: Disclosure = Field(description="Who else receives data for a job of this model.")
    handed_over: HandedOver | None = Field(description="What left for a third party; null if nothing did.")
    stored: list[Stored] = Field(description="What is kept of this job, where, under which promise, until when.")


class VideoPage(BaseModel):
    """A page of videos, the newest first unless asked otherwise."""

    object: Literal["list"] = "list"
    data: list[Video]
    first_id: str | None
    last_id: str | None
    has_more: bool


class VideoDeleted(BaseModel):
    """The answer to a deletion: the files are gone."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: Literal[True] = True
    copy_there: ProviderCopy | None = Field(
        default=None, description="What a third party still holds of it, and until when; left out if none has anything."
    )


def render(services: Services, opening: Opening, look: Look) -> Video:
    """The public object of a job and its live media."""
    job = look.job
    shape = job.facts.get("video", {})
    return Video(
        id=job.id,
        created_at=clock.unix(job.created_at),
        completed_at=clock.unix(job.completed_at) if job.completed_at else None,
        expires_at=clock.unix(job.expires_at) if job.expires_at else None,
        status=job.state.value,
        progress=progress(job),
        model=job.model,
        seconds=f"{job.parameters['seconds']:g}",
        size=f"{shape.get('width', 0)}x{shape.get('height', 0)}",
        prompt=prompt_of(services.resources.keys, opening, job),
        error=failure(job.error_code),
        remixed_from_video_id=job.remixed_from,
        stage=job.stage.value if job.state is JobState.IN_PROGRESS else None,
        queue_position=look.queue_position,
        priority="low" if job.priority is Priority.LOW else "normal",
        attempts=job.attempts,
        store=job.store,
        price=job.price,
        charged=charged(job),
        parameters={**job.parameters, **_unwanted(services, opening, job)},
        layers=job.facts.get("layers"),
        disclosure=services.catalogue.models[job.model].disclosure,
        handed_over=handed_over(look),
        stored=[_stored(services, medium) for medium in look.media],
    )


def _unwanted(services: Services, opening: Opening, job: Job) -> dict[str, str]:
    words = negative_prompt_of(services.resources.keys, opening, job)
    return {"negative_prompt": words} if words else {}


def failure(code: str | None) -> VideoFailure | None:
    """What the owner reads about why a job ended; None for no code."""
    return VideoFailure(code=code, message=sentence(code)) if code else None


def charged(job: Job) -> int | None:
    """What a job has cost in the end, or None while it has not ended."""
    if job.state in ACTIVE:
        return None
    return job.price if job.state is JobState.COMPLETED else 0


def progress(job: Job | Standing) -> int:
    """How far a job is, in percent."""
    if job.state is JobState.COMPLETED:
        return 100
    if job.state is not JobState.IN_PROGRESS:
        return 0
    low, high = _SPANS[job.stage]
    return low + (high - low) * job.step // job.steps if job.steps else low


def _stored(services: Services, medium: Medium) -> Stored:
    rule = KINDS[medium.kind]
    remote = services.resources.settings.objects.url
    return Stored(
        kind=medium.kind.value,
        where=f"sealed under your own key, {'in the object store' if remote else 'on the disk'} of this installation",
        bytes=medium.size,
        purpose=rule.purpose,
        promise=rule.promise,
        until=clock.unix(medium.expires_at) if medium.expires_at else rule.until,
    )
