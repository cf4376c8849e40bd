"""The protocol between a video generation replica and whatever makes its frames."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from serve.engines.parameters import Camera, VideoParameters

Image = NDArray[np.uint8]
"""Height x width x 3, RGB."""

OnStep = Callable[[int, int], None]
"""Called with (steps done, steps in all) after each step; the steps of a job are its preparation's and its frames."""

ShouldStop = Callable[[], bool]


class Stopped(Exception):
    """The job was asked to stop and did so between two steps."""


@dataclass(frozen=True)
class Capabilities:
    """What an engine can be asked for."""

    max_seconds: float
    max_side: int
    min_fps: int
    max_fps: int
    cameras: tuple[Camera, ...]
    loop: bool
    prompt: str
    """What the prompt does, in words for people."""


class Clip(Protocol):
    """A video about to be made: everything is prepared, no frame is rendered yet."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def fps(self) -> int: ...
    @property
    def frame_count(self) -> int: ...
    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers the picture was taken apart into, far to near; one name if it was not."""
        ...

    def frames(self) -> Iterator[Image]:
        """Render lazily: never more than a few frames are in memory. Raises `Stopped` between two frames.

        A yielded frame belongs to the caller.
        """
        ...


class Engine(Protocol):
    """Holds networks in memory, makes one clip at a time from a photo."""

    @property
    def name(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...

    def prepare(
        self, photo: Image, prompt: str, parameters: VideoParameters, on_step: OnStep, should_stop: ShouldStop
    ) -> Clip:
        """Do what is done once per video. Raises `Stopped` between two steps if `should_stop()`."""
        ...
