"""Ingestion: the photo as it was sent becomes a clean picture, and the original is erased."""

from collections.abc import Mapping
from typing import Any

from cluster.privacy.media_kinds import MediaKind
from cluster.records.job_states import Stage
from serve.limits import LONGEST_SIDE, image_limits
from serve.media.decode import decode, encode_clean
from serve.media.errors import MediaError
from serve.memory import is_out_of_memory
from serve.stage import Rejected, StageRun
from serve.stage_deployment import StageDeployment

__all__ = ["Ingestion"]


class Ingestion(StageDeployment):
    """Decodes within bounds, turns upright, converts to sRGB and keeps the pixels alone."""

    name = "ingestion"
    stages = (Stage.INGESTION,)
    consumes = (MediaKind.UPLOAD,)

    def work(self, run: StageRun) -> Mapping[str, Any]:
        """Write the job's `input` from its `upload`."""
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
