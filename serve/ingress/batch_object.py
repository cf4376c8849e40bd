"""A batch and its items as the API shows them."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from cluster import clock
from cluster.records import video_batch_items as items
from cluster.records.video_batch_items import Item, ItemState
from cluster.records.video_batches import Batch
from cluster.storage.keys import KeyStore
from cluster.storage.openings import Opening
from serve.ingress.video_object import VideoFailure

__all__ = ["BatchItem", "BatchItemPage", "VideoBatch", "VideoBatchPage", "show_batch", "show_item"]


class BatchCounts(BaseModel):
    """How many items there are, and how many in each state."""

    total: int
    waiting: int
    created: int
    failed: int
    cancelled: int


class VideoBatch(BaseModel):
    """A batch: it is completed once each item has become a video or was refused."""

    id: str
    object: Literal["video_batch"] = "video_batch"
    status: Literal["in_progress", "completed", "cancelled"]
    counts: BatchCounts
    created_at: int
    completed_at: int | None


class VideoBatchPage(BaseModel):
    """A page of batches, the newest first unless asked otherwise."""

    object: Literal["list"] = "list"
    data: list[VideoBatch]
    first_id: str | None
    last_id: str | None
    has_more: bool


class BatchItem(BaseModel):
    """An item and what came of it."""

    index: int = Field(description="Its place in the batch: 0 is the first.")
    object: Literal["video_batch.item"] = "video_batch.item"
    custom_id: str | None
    status: Literal["waiting", "created", "failed", "cancelled"] = Field(
        description="`created`: it is a video with a status of its own. `failed`: it was refused, and `error` says why."
    )
    video_id: str | None
    error: VideoFailure | None


class BatchItemPage(BaseModel):
    """A page of items, in the order in which they were sent."""

    object: Literal["list"] = "list"
    data: list[BatchItem]
    has_more: bool


def show_batch(batch: Batch, counts: Mapping[ItemState, int]) -> VideoBatch:
    """The public object of a batch."""
    return VideoBatch(
        id=batch.id,
        status=batch.state.value,
        counts=BatchCounts(total=sum(counts.values()), **{state.value: counts.get(state, 0) for state in ItemState}),
        created_at=clock.unix(batch.created_at),
        completed_at=clock.unix(batch.completed_at) if batch.completed_at else None,
    )


def show_item(keys: KeyStore, opening: Opening, item: Item) -> BatchItem:
    """The public object of an item."""
    code, message = item.error_code, item.error_message
    return BatchItem(
        index=item.position,
        custom_id=items.custom_id_of(keys, opening, item),
        status=item.state.value,
        video_id=item.job_id,
        error=VideoFailure(code=code, message=message) if code and message else None,
    )
