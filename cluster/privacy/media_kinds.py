"""The kinds of media that are stored: for how long, why, and under which promise.

A kind is also the first part of its objects' keys. Nothing is stored whose kind is not declared here.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["KINDS", "Lifetime", "MediaKind", "MediaRule"]


class Lifetime(StrEnum):
    """How long a kind of media lives."""

    TASK = "task"
    """Until the stage that needs it has ended; the sweep removes what a crash left."""
    ACCOUNT = "account"
    """Until its owner deletes it, its own time to live ends, or the account is closed."""


class MediaKind(StrEnum):
    """What a stored object is."""

    UPLOAD = "upload"
    INPUT = "input"
    FILE = "file"
    RECEIVED = "received"
    VIDEO = "video"
    THUMBNAIL = "thumbnail"
    SPRITESHEET = "spritesheet"


@dataclass(frozen=True, slots=True)
class MediaRule:
    """What holds for one kind of media."""

    lifetime: Lifetime
    purpose: str
    promise: str
    shown_to_owner: bool = False
    of_a_job: bool = True
    """Whether every job that is completed has one."""

    @property
    def until(self) -> str:
        """What ends its life where no date does, in words for its owner."""
        return "the end of the job" if self.lifetime is Lifetime.TASK else "you delete the video or close your account"


KINDS: dict[MediaKind, MediaRule] = {
    MediaKind.UPLOAD: MediaRule(Lifetime.TASK, "the photo as it was sent, until its metadata is stripped", "P110"),
    MediaKind.INPUT: MediaRule(Lifetime.ACCOUNT, "the photo without metadata, to animate it again", "P38"),
    MediaKind.FILE: MediaRule(
        Lifetime.ACCOUNT, "a photo for many videos, without metadata", "P38", shown_to_owner=True, of_a_job=False
    ),
    MediaKind.RECEIVED: MediaRule(
        Lifetime.TASK, "the video as a third party made it, until it was looked through", "P39", of_a_job=False
    ),
    MediaKind.VIDEO: MediaRule(Lifetime.ACCOUNT, "the video, shown once it was screened", "P38", shown_to_owner=True),
    MediaKind.THUMBNAIL: MediaRule(Lifetime.ACCOUNT, "a still of the finished video", "P38", shown_to_owner=True),
    MediaKind.SPRITESHEET: MediaRule(Lifetime.ACCOUNT, "stills for a seek bar", "P38", shown_to_owner=True),
}
