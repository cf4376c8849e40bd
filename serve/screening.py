"""Screening: nothing is generated from a photo, and no video is shown, before it passed here."""

from collections.abc import Iterable, Mapping
from typing import Any

from cluster import runtime
from cluster.privacy.media_kinds import MediaKind
from cluster.records.job_states import Stage
from serve.engines.protocol import Image
from serve.media.decode import read_clean
from serve.media.frames import read_frames
from serve.models.store import ModelStore
from serve.models.unsafe_content import UnsafeContentNetwork
from serve.stage import Rejected, StageRun
from serve.stage_deployment import StageDeployment
from serve.step_times import StepKind
from serve.weights import open_weights

__all__ = ["Screening"]


class Screening(StageDeployment):
    """Scores pictures for unsafe content. Without its network the replica does not start, and nothing passes."""

    name = "screening"
    stages = (Stage.INPUT_SCREENING, Stage.OUTPUT_SCREENING)

    def __init__(self) -> None:
        """Load the network, its digest checked."""
        super().__init__()
        store = ModelStore(runtime.paths(self.resources.settings).models)
        self._network = UnsafeContentNetwork(open_weights(store, ["unsafe_content"])["unsafe_content"], threads=1)

    def work(self, run: StageRun) -> Mapping[str, Any]:
        """Screen the photo before generation, and sampled frames of the video after it."""
        if run.lease.stage == Stage.INPUT_SCREENING:
            _, data = run.read(MediaKind.INPUT)
            self._screen(run, [read_clean(data)], "moderation_input")
        else:
            _, data = run.read(MediaKind.VIDEO)
            frames = read_frames(data, run.resources.settings.screening.sampled_frames)
            self._screen(run, frames, "moderation_output")
        return {}

    def _screen(self, run: StageRun, pictures: Iterable[Image], code: str) -> None:
        threshold = run.resources.settings.screening.unsafe_threshold
        seen = 0
        run.doing(StepKind.SCORE)
        for picture in pictures:
            seen += 1
            if self._network.score(picture) >= threshold:
                raise Rejected(code)
            run.on_step(seen, seen)
        if seen == 0:
            raise Rejected("internal")
