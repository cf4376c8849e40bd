"""Video generation: an in-house engine turns a clean picture into a video, on a GPU or a CPU."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from typing_extensions import override

from cluster import clock, runtime
from cluster.privacy.media_kinds import MediaKind
from cluster.records import backlog, paces
from cluster.records.job_states import Stage
from cluster.records.jobs import prompt_of
from cluster.records.paces import Pace
from serve import devices
from serve.catalogue import load as load_catalogue
from serve.engines import registry
from serve.engines.parameters import VideoParameters
from serve.engines.protocol import Clip, Engine, Image
from serve.media.decode import read_clean
from serve.media.stills import SPRITES
from serve.media.video import encode_mp4
from serve.models.store import ModelStore
from serve.scaling import JOBS, SECONDS
from serve.stage import StageRun
from serve.stage_deployment import StageDeployment
from serve.step_times import StepKind
from serve.still_media import write_stills
from serve.weights import open_weights

__all__ = ["VideoGeneration"]

_MOST_CODING_THREADS = 16


class _Sampler:
    """Passes frames on and keeps the few that thumbnails and sprite sheets show."""

    def __init__(self, clip: Clip, keep: int) -> None:
        last = clip.frame_count - 1
        self._wanted = {round(i * last / max(keep - 1, 1)) for i in range(keep)}
        self.kept: list[Image] = []

    def passing(self, frames: Iterator[Image]) -> Iterator[Image]:
        for index, frame in enumerate(frames):
            if index in self._wanted:
                self.kept.append(frame.copy())
            yield frame


class VideoGeneration(StageDeployment):
    """Holds one engine for each in-house model, and runs one job at a time."""

    name = "video_generation"
    stages = (Stage.GENERATION,)

    def __init__(self) -> None:
        """Load every in-house engine onto the device of this replica."""
        super().__init__()
        device = devices.of_this_replica(self.resources.settings)
        self._engines = {
            name: self._load(name, device) for name, m in load_catalogue().models.items() if not m.recipient
        }

    @property
    def _coding_threads(self) -> int:
        """As many as the networks have, which on most machines is all; each three cost the memory of an encoder."""
        return min(
            self.resources.settings.stages.generation_threads or len(os.sched_getaffinity(0)), _MOST_CODING_THREADS
        )

    @property
    @override
    def memory_bytes(self) -> int | None:
        """An engine's memory grows with the request, so it is bounded."""
        return self.resources.settings.stages.generation_memory_bytes

    def work(self, run: StageRun) -> Mapping[str, Any]:
        """Write the job's video, thumbnail and sprite sheet, and measure how long that takes."""
        started = clock.monotonic()
        parameters = VideoParameters.model_validate(run.job.parameters)
        photo, data = run.read(MediaKind.INPUT)
        prompt = prompt_of(run.resources.keys, run.opening, run.job)
        engine = self._engines[run.job.model]
        run.doing(StepKind.PREPARATION)
        clip = engine.prepare(read_clean(data), prompt, parameters, run.on_step, run.should_stop)
        sampler = _Sampler(clip, SPRITES)
        run.doing(StepKind.FRAME)
        video = BytesIO()
        frames = sampler.passing(clip.frames())
        encode_mp4(frames, video, clip.width, clip.height, clip.fps, clip.frame_count, threads=self._coding_threads)
        size = (clip.width, clip.height)
        written = run.write(MediaKind.VIDEO, "video/mp4", [video.getvalue()], derived_from=photo.id, size=size)
        write_stills(run, written, sampler.kept)
        run.resources.database.run(paces.measured, run.job.id, clock.monotonic() - started)
        return {"video": {"width": clip.width, "height": clip.height}, "layers": list(clip.layers)}

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """Serve calls this where the settings give the deployment a scaling policy, which decides by what it answers.

        All replicas answer alike, out of the database. It must not wait for the thread in which a video is made.
        """
        usual = Pace(0, self.resources.settings.stages.generation_pace)
        waiting = await asyncio.to_thread(self.resources.database.run, backlog.read, list(self._engines), usual)
        return {JOBS: waiting.jobs, SECONDS: waiting.seconds}

    def _load(self, model: str, device: str) -> Engine:
        settings = self.resources.settings
        entry = load_catalogue().models[model]
        weights = open_weights(ModelStore(runtime.paths(settings).models), entry.weights)
        return registry.create(entry.engine, weights, device, settings.stages.generation_threads)
