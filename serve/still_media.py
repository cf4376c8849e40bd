"""The stills that go with every video, whoever made it."""

from collections.abc import Sequence

from cluster.privacy.media_kinds import MediaKind
from cluster.records.media import Medium
from serve.engines.protocol import Image
from serve.media.stills import spritesheet, thumbnail
from serve.stage import StageRun

__all__ = ["write_stills"]


def write_stills(run: StageRun, video: Medium, frames: Sequence[Image]) -> None:
    """Write the job's thumbnail and sprite sheet from a few frames of its video, the first among them."""
    run.write(MediaKind.THUMBNAIL, "image/webp", [thumbnail(frames[0])], derived_from=video.id)
    run.write(MediaKind.SPRITESHEET, "image/jpeg", [spritesheet(frames)], derived_from=video.id)
