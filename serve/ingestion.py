"""Ingestion: what came from outside, a photo or a third party's video, becomes clean, and the original is erased."""

from collections.abc import Mapping
from typing import Any

from cluster.privacy.media_kinds import MediaKind
from cluster.records.job_states import Stage
from serve.limits import LONGEST_SIDE, image_limits
from serve.media.decode import decode, encode_clean
from serve.media.errors import MediaError
from serve.media.frames import read_frames
from serve.media.received import VideoBounds, take_over
from serve.media.stills import SPRITES
from serve.memory import is_out_of_memory
from serve.stage import Rejected, StageRun
from serve.stage_deployment import StageDeployment
from serve.step_times import StepKind
from serve.still_media import write_stills

__all__ = ["Ingestion"]


class Ingestion(StageDeployment):
    """Decodes within bounds and takes over pixels and sound alone. Whatever it decodes, it has no way out."""

    name = "ingestion"
    stages = (Stage.INGESTION, Stage.RECEPTION)
    consumes = (MediaKind.UPLOAD, MediaKind.RECEIVED)

    def work(self, run: StageRun) -> Mapping[str, Any]:
        """Write the job's `input` from its `upload`; or its `video` from what was received, with its stills."""
        return self._received(run) if run.lease.stage == Stage.RECEPTION else self._ingested(run)

    @staticmethod
    def _ingested(run: StageRun) -> Mapping[str, Any]:
        upload, data = run.read(MediaKind.UPLOAD)
        try:
            photo = decode(data, image_limits(run.resources.settings), LONGEST_SIDE)
        except MediaError as error:
            if is_out_of_memory(error):
                raise
            raise Rejected("invalid_input") from None
        run.step_done()
        height, width = photo.shape[:2]
        clean, content_type = encode_clean(photo)
        run.write(MediaKind.INPUT, content_type, [clean], derived_from=upload.id, size=(width, height))
        return {"photo": {"width": width, "height": height}}

    @staticmethod
    def _received(run: StageRun) -> Mapping[str, Any]:
        made, data = run.read(MediaKind.RECEIVED)
        run.doing(StepKind.FRAME)
        try:
            video = take_over(data, VideoBounds(), lambda _: run.step_done())
            stills = list(read_frames(video.data, SPRITES))
        except ValueError:
            raise Rejected("bad_result") from None
        size = (video.width, video.height)
        written = run.write(MediaKind.VIDEO, "video/mp4", [video.data], derived_from=made.id, size=size)
        write_stills(run, written, stills)
        return {"video": {"width": video.width, "height": video.height}}
