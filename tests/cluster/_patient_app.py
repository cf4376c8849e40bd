"""The service with an engine that takes its time and no processor: how long a video takes follows from its frames."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ray.serve import Application

from cluster import settings as cluster_settings
from serve import app, video_generation
from serve.engines.parameters import CAMERAS, VideoParameters
from serve.engines.protocol import Capabilities, Image, OnStep, ShouldStop
from serve.engines.steps import Steps

SECONDS_A_FRAME = 0.05


@dataclass(frozen=True)
class Still:
    """A clip of nothing but the photo."""

    photo: Image
    fps: int
    frame_count: int
    steps: Steps
    layers: tuple[str, ...] = ("picture",)

    @property
    def width(self) -> int:
        return int(self.photo.shape[1])

    @property
    def height(self) -> int:
        return int(self.photo.shape[0])

    def frames(self) -> Iterator[Image]:
        for _ in range(self.frame_count):
            time.sleep(SECONDS_A_FRAME)
            yield self.photo.copy()
            self.steps.done()


class Patient:
    """The engine."""

    name, device = "patient", "cpu"
    capabilities = Capabilities(20, 1920, 12, 60, CAMERAS, loop=True, prompt="It is not read.")

    def prepare(
        self, photo: Image, prompt: str, parameters: VideoParameters, on_step: OnStep, should_stop: ShouldStop
    ) -> Still:
        """Take a part of the photo, whatever the prompt is."""
        del prompt
        width, height = parameters.output_size(photo.shape[1], photo.shape[0])
        view = photo[:height, :width].copy()
        return Still(view, parameters.fps, parameters.frame_count, Steps(parameters.frame_count, on_step, should_stop))


class VideoGeneration(video_generation.VideoGeneration):
    """The deployment with this engine for every model."""

    def _load(self, model: str, device: str) -> Patient:
        del model, device
        return Patient()


def build() -> Application:
    """What `ray.application` names."""
    settings = cluster_settings.load()
    return app.build(settings, app.wants_gpus(settings), VideoGeneration)
