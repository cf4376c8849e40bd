"""The `parallax` engine: prepare once, then render frames lazily."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from serve.engines.parallax.camera import Pose, camera_path
from serve.engines.parallax.focus import Focus, out_of_focus, weights
from serve.engines.parallax.layers import STEPS, decompose
from serve.engines.parallax.networks import Networks
from serve.engines.parallax.prompt import move_from_prompt
from serve.engines.parallax.residue import Residue
from serve.engines.parallax.scene import Scene
from serve.engines.parallax.warp import warp_on
from serve.engines.parameters import CAMERAS, MAX_SIDE, VideoParameters
from serve.engines.protocol import Capabilities, Image, OnStep, ShouldStop
from serve.engines.steps import Steps

_GPU_BATCH = 8


class ParallaxEngine:
    """A neural 2.5-D animator: networks take the photo apart, a camera moves through its layers."""

    name = "parallax"
    capabilities = Capabilities(
        max_seconds=20,
        max_side=MAX_SIDE,
        min_fps=12,
        max_fps=60,
        cameras=CAMERAS,
        loop=True,
        prompt="Its words choose the camera's move; they do not change what is in the picture.",
    )

    def __init__(self, weights: Mapping[str, Path], device: str = "cpu", threads: int = 0) -> None:
        """`weights`: see `Networks.load`. The networks run on the CPU; `device` is where frames are warped."""
        self.device = device
        if threads:
            cv2.setNumThreads(threads)
        self._networks = Networks.load(weights, threads)

    def prepare(
        self, photo: Image, prompt: str, parameters: VideoParameters, on_step: OnStep, should_stop: ShouldStop
    ) -> "ParallaxClip":
        """Take the photo apart; see `Engine.prepare`."""
        steps = Steps(STEPS + parameters.frame_count, on_step, should_stop)
        steps.check()
        width, height = parameters.output_size(photo.shape[1], photo.shape[0])
        move = move_from_prompt(prompt) if parameters.camera == "auto" else parameters.camera
        path = camera_path(move, parameters)
        view = crop_to(photo, width, height)
        scene = decompose(view, self._networks, path, steps.done)
        clip = ParallaxClip(view, scene, path, parameters.fps, self.device, steps)
        clip.blur_behind(parameters.blur, parameters.loop)
        return clip


class ParallaxClip:
    """A scene and a camera path through it."""

    def __init__(self, photo: Image, scene: Scene, path: Sequence[Pose], fps: int, device: str, steps: Steps) -> None:
        self.photo = photo
        self.scene = scene
        self.path = path
        self.width, self.height, self.fps = scene.width, scene.height, fps
        self.frame_count = len(path)
        self.layers = tuple(layer.name for layer in scene.layers)
        self._device = device
        self._steps = steps
        self._soft: Scene | None = None
        self._softness = [0.0] * self.frame_count

    def blur_behind(self, blur: float, loop: bool) -> None:
        """Let what is behind the nearest layer go out of focus; `blur` is 0 to 1. One layer alone stays sharp."""
        if blur and len(self.scene.layers) > 1:
            self._soft = out_of_focus(self.scene, blur)
            self._softness = weights(self.frame_count, self.fps, loop)

    def frames(self) -> Iterator[Image]:
        """Render one frame at a time on a CPU, a few on a GPU."""
        warp = warp_on(self._device, self.scene)
        soft = warp_on(self._device, self._soft) if self._soft else warp
        render = Focus(Residue(self.photo, self.scene, warp), soft)
        batch = 1 if self._device == "cpu" else _GPU_BATCH
        for start in range(0, self.frame_count, batch):
            self._steps.check()
            frames = render(self.path[start : start + batch], self._softness[start : start + batch])
            yield from frames
            self._steps.done(len(frames))


def crop_to(photo: Image, width: int, height: int) -> Image:
    """The middle of `photo` with the aspect of width x height, resampled to that size."""
    rows, columns = photo.shape[:2]
    scale = max(width / columns, height / rows)
    kept_columns, kept_rows = min(round(width / scale), columns), min(round(height / scale), rows)
    left, top = (columns - kept_columns) // 2, (rows - kept_rows) // 2
    part = photo[top : top + kept_rows, left : left + kept_columns]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (width, height), interpolation=interpolation), np.uint8)
