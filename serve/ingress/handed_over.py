"""What of a video is, or was, with a third party: said in the video itself, and in the answer to its deletion."""

from pydantic import BaseModel, Field

from cluster import clock
from cluster.records.submissions import Submission
from serve.ingress.looks import Look

__all__ = ["HandedOver", "ProviderCopy", "handed_over", "provider_copy"]


class ProviderCopy(BaseModel):
    """The third party's own copy."""

    state: str = Field(description="`held`: it is being deleted; `deleted`; `expires`: no call deletes it; `unknown`.")
    until: int | None = Field(description="When it is gone by itself, where nobody can delete it.")


class HandedOver(BaseModel):
    """What left for a third party, when, and what it still holds."""

    recipient: str
    country: str
    categories: list[str] = Field(description="Categories of data, as the policy names them.")
    at: int
    bytes: int
    copy_there: ProviderCopy | None


def handed_over(look: Look) -> HandedOver | None:
    """What the record says of a job."""
    told = look.disclosed
    if told is None:
        return None
    return HandedOver(
        recipient=told.recipient,
        country=told.country,
        categories=list(told.categories),
        at=clock.unix(told.recorded_at),
        bytes=told.size,
        copy_there=provider_copy(look.submission),
    )


def provider_copy(submission: Submission | None) -> ProviderCopy | None:
    """What the third party still holds; None if it has had nothing."""
    if submission is None or submission.copy is None:
        return None
    until = clock.unix(submission.copy_until) if submission.copy_until else None
    return ProviderCopy(state=submission.copy, until=until)
