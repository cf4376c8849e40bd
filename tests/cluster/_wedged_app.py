"""The whole service, with an engine that misbehaves for jobs that ask for it by their seed."""

import ctypes
import threading
import time
from collections.abc import Callable
from enum import IntEnum

import numpy as np
import torch
from ray.serve import Application
from typing_extensions import override

from cluster import settings as cluster_settings
from serve import app, video_generation
from serve.engines.parameters import VideoParameters
from serve.engines.protocol import Capabilities, Clip, Engine, Image, OnStep, ShouldStop

__all__ = ["LONG", "LONG_SECONDS", "SLOW_SECONDS", "Fault", "build"]

_USUAL_STEPS, _USUAL_SECONDS = 12, 0.05
SLOW_SECONDS = 400 * _USUAL_SECONDS
LONG, LONG_SECONDS = 77, 20
"""The seed of what is no fault: a video of which every step is short, and which takes so long as a whole."""


class Fault(IntEnum):
    """The seeds."""

    BLOCKS = 1
    HOLDS_THE_INTERPRETER = 2
    MAKES_A_SLOW_STEP = 3
    ALLOCATES_WITHOUT_END = 4
    LACKS_GPU_MEMORY = 5


def _hold(_: OnStep) -> None:
    ctypes.PyDLL(None).sleep(3600)


def _allocate(on_step: OnStep) -> None:
    taken = []
    while True:
        taken.append(np.ones(2**23))
        on_step(_USUAL_STEPS, _USUAL_STEPS)


def _lack(_: OnStep) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory.")


_FAULTS: dict[Fault, Callable[[OnStep], object]] = {
    Fault.BLOCKS: lambda _: threading.Event().wait(),
    Fault.HOLDS_THE_INTERPRETER: _hold,
    Fault.MAKES_A_SLOW_STEP: lambda _: time.sleep(SLOW_SECONDS),
    Fault.ALLOCATES_WITHOUT_END: _allocate,
    Fault.LACKS_GPU_MEMORY: _lack,
}


class FaultyEngine:
    """An engine that makes some steps of the usual length, and then the fault that the job asks for, if any."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def name(self) -> str:
        """That of the true engine."""
        return self._engine.name

    @property
    def device(self) -> str:
        """That of the true engine."""
        return self._engine.device

    @property
    def capabilities(self) -> Capabilities:
        """Those of the true engine."""
        return self._engine.capabilities

    def prepare(
        self, photo: Image, prompt: str, parameters: VideoParameters, on_step: OnStep, should_stop: ShouldStop
    ) -> Clip:
        """Misbehave, and go on if that comes to an end."""
        if parameters.seed in list(Fault):
            for step in range(_USUAL_STEPS):
                time.sleep(_USUAL_SECONDS)
                on_step(step, _USUAL_STEPS)
            _FAULTS[Fault(parameters.seed)](on_step)
        if parameters.seed == LONG:
            for step in range(LONG_SECONDS):
                time.sleep(1)
                on_step(step, LONG_SECONDS)
        return self._engine.prepare(photo, prompt, parameters, on_step, should_stop)


class VideoGeneration(video_generation.VideoGeneration):
    """The real deployment with that engine."""

    @override
    def _load(self, model: str, device: str) -> Engine:
        return FaultyEngine(super()._load(model, device))


def build() -> Application:
    """What `ray.application` names."""
    settings = cluster_settings.load()
    return app.build(settings, app.wants_gpus(settings), VideoGeneration)
